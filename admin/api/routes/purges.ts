import { z } from 'zod'
import { MAX_SCOPES } from '../../../node/purge/constants.ts'
import { purgeScope } from '../../../node/purge/scope.ts'
import type { ApiApp } from '../app.ts'
import { previewSchema, purgeSchema } from '../cache-schema.ts'
import { scopeQuery } from '../scope.ts'
import type { CachePorts } from './cache.ts'

const ID_MUST = 'the id of a purge'
const params = z.object({
  id: z
    .string()
    .regex(/^[\w-]{1,128}$/, { error: ID_MUST })
    .describe('Id of the purge'),
})
const word = (must: string) => z.string({ error: must }).min(1, { error: must }).max(1_000, { error: must })

const body = z
  .strictObject({
    all: z.literal(true, { error: 'true, or left out' }).optional().describe('Everything'),
    mirror: word('the name of a mirror').optional().describe('What came from the upstreams of a mirror'),
    pattern: word('a pattern of paths').optional().describe('Of the mirror, paths at its upstreams: * for any characters'),
    package: word('a package URL').optional().describe('A package URL as in policy.deny: pkg:npm/left-pad@<1.3.0'),
    digest: word('a digest').optional().describe('A blob by its digest, with all its names'),
    scopes: z
      .array(purgeScope, { error: 'a list of scopes' })
      .min(1, { error: 'some scopes' })
      .max(MAX_SCOPES, { error: `${MAX_SCOPES} scopes at most` })
      .optional(),
    dryRun: z.boolean({ error: 'true or false' }).default(false).describe('Only tells what it would be about'),
  })
  .describe('What is to be purged: one of all, mirror, package, digest and scopes')
const tags = ['cache']

export function purgesRoutes(app: ApiApp, ports: CachePorts): void {
  app.post(
    '/admin/v1/purges',
    {
      schema: {
        tags,
        summary: 'Purges this node: what it is about is not served any more from the answer on, and removed behind it',
        querystring: z.object(scopeQuery),
        body,
        response: { 200: previewSchema, 202: purgeSchema },
      },
    },
    async (request, reply) => {
      const { dryRun, ...wanted } = request.body
      if (dryRun) {
        const preview = await ports.cache.preview(wanted, request.signal)
        request.change = { what: 'nothing: dry run of a purge', after: preview.scopes }
        return { dryRun: true as const, ...preview }
      }
      const run = await ports.cache.purge(wanted)
      request.change = { what: `purge ${run.id}`, after: run.scopes }
      return reply.code(202).header('location', `/admin/v1/purges/${run.id}`).send(run)
    },
  )
  app.get(
    '/admin/v1/purges',
    {
      schema: {
        tags,
        summary: 'The last purges of this node, the latest first',
        response: { 200: z.object({ purges: z.array(purgeSchema).readonly() }) },
      },
    },
    async () => ({ purges: ports.cache.runs() }),
  )
  app.get(
    '/admin/v1/purges/:id',
    { schema: { tags, summary: 'How a purge stands at this node', params, response: { 200: purgeSchema } } },
    async ({ params: { id } }) => ports.cache.run(id),
  )
}
