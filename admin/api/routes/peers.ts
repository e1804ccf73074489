import type { ApiApp } from '../app.ts'
import { type Peers, peersSchema } from '../peers-schema.ts'

export interface PeersPorts {
  peers(): Promise<Peers>
}

export function peersRoutes(app: ApiApp, ports: PeersPorts): void {
  app.get(
    '/admin/v1/peers',
    {
      schema: { tags: ['mesh'], summary: 'Other members of the mesh, as this node sees them', response: { 200: peersSchema } },
    },
    () => ports.peers(),
  )
}
