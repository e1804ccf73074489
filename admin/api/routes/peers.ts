import { z } from 'zod'
import type { ApiApp } from '../app.ts'
import { pageOf, partQuery } from '../paging.ts'
import { type Peers, peersSchema } from '../peers-schema.ts'

export interface PeersPorts {
  peers(): Promise<Pick<Peers, 'peers'>>
}

export function peersRoutes(app: ApiApp, ports: PeersPorts): void {
  app.get(
    '/admin/v1/peers',
    {
      schema: {
        tags: ['mesh'],
        summary: 'Other members of the mesh, as this node sees them',
        querystring: z.object(partQuery),
        response: { 200: peersSchema },
      },
    },
    async ({ query }) => {
      const all = (await ports.peers()).peers
      if (query.limit === undefined && query.cursor === undefined) return { peers: all, next: null }
      const { items: peers, next } = pageOf(all, ({ id }) => id, query)
      return { peers, next }
    },
  )
}
