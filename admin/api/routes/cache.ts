import { z } from 'zod'
import { WarrenError } from '../../../node/errors.ts'
import type { CacheDesk, Kept } from '../../../node/purge/cache-desk.ts'
import type { ApiApp } from '../app.ts'
import { type ArtifactView, artifactSchema, type KeptView, keptSchema, purgeSchema } from '../cache-schema.ts'
import { nextSchema, pageQuery } from '../paging.ts'

export interface CachePorts {
  readonly cache: Pick<CacheDesk, 'search' | 'artifact' | 'remove' | 'purge' | 'preview' | 'run' | 'runs'>
}

/** Bytes of a key that a cursor carries; behind a longer one, all that begin like it are passed over. */
const CURSOR_BYTES = 1_400
/** Behind all keys, which are ASCII, that begin like what stands before it. */
const BEHIND = '\u{10ffff}'

const text = (must: string) => z.string({ error: must }).min(1, { error: must }).max(1_000, { error: must })
const keyQuery = z.object({
  key: z
    .string({ error: 'a cache key, as GET /admin/v1/cache tells them' })
    .min(1, { error: 'a cache key, as GET /admin/v1/cache tells them' })
    .describe('Cache key'),
})
const tags = ['cache']

export function cacheRoutes(app: ApiApp, ports: CachePorts): void {
  app.get(
    '/admin/v1/cache',
    {
      schema: {
        tags,
        summary: 'What is kept, in the order of keys',
        description:
          'A question looks at some thousands of names, found or not: an answer with fewer entries than the limit, or none, is the last one only if next is null.',
        querystring: z.object({
          q: text('some characters of a path').optional().describe('Characters somewhere in the key, in any case'),
          mirror: text('the name of a mirror').optional().describe('Mirror whose upstreams it came from'),
          package: text('a package URL, such as pkg:npm/left-pad').optional().describe('Package URL, with * and ranges'),
          pattern: text('a pattern of paths').optional().describe('Pattern of paths at the upstreams of the mirror'),
          digest: text('a digest, such as sha256:…').optional(),
          ...pageQuery,
        }),
        response: { 200: z.object({ entries: z.array(keptSchema), next: nextSchema }) },
      },
    },
    async ({ query: { q, limit, cursor, ...wanted }, signal }) => {
      const page = await ports.cache.search({ ...wanted, text: q }, { after: keyOf(cursor), limit }, signal)
      return { entries: page.found.map(viewOf), next: page.next === undefined ? null : cursorOf(page.next) }
    },
  )
  app.get(
    '/admin/v1/cache/artifact',
    {
      schema: {
        tags,
        summary: 'All that is known of something that is kept, and who in the mesh has it',
        querystring: keyQuery,
        response: { 200: artifactSchema },
      },
    },
    async ({ query: { key }, signal }): Promise<ArtifactView> => {
      const { mesh, seeds, ...kept } = await ports.cache.artifact(key, signal)
      const { freshFor, headers, etag = null, lastModified = null, verified } = kept.record
      const members = mesh.members.map(({ peer: id, role, by, excluded }) => ({ id, role, by, excluded }))
      const where = { members, coversAll: mesh.coversAll, seeds }
      return { ...viewOf(kept), freshFor, headers, etag, lastModified, verified, mesh: where }
    },
  )
  app.delete(
    '/admin/v1/cache/artifact',
    {
      schema: {
        tags,
        summary: 'Purges something that is kept from this node, in all its variants',
        querystring: keyQuery,
        response: { 202: purgeSchema },
      },
    },
    async (request, reply) => {
      const run = await ports.cache.remove(request.query.key)
      request.change = { what: `purge ${run.id}`, after: run.scopes }
      return reply.code(202).header('location', `/admin/v1/purges/${run.id}`).send(run)
    },
  )
}

function viewOf({ key, record, mirrors, purl, held }: Kept): KeptView {
  const [ecosystem = '', upstream = '', path = '', variant = ''] = key.split('\n')
  const { blob: sha256, size, fetchedAt, checkedAt, freshFor, link, private: isPrivate = false } = record
  const kind = link ? 'link' : freshFor === null ? 'artifact' : 'document'
  const where = { key, ecosystem, upstream, path, variant, mirrors: [...mirrors], package: purl }
  return { ...where, kind, sha256, size, held, private: isPrivate, fetchedAt, checkedAt }
}

function cursorOf(key: string): string {
  const bytes = Buffer.from(key)
  const short = bytes.length <= CURSOR_BYTES ? key : `${bytes.subarray(0, CURSOR_BYTES).toString()}${BEHIND}`
  return Buffer.from(short).toString('base64url')
}

function keyOf(cursor: string | undefined): string {
  const key = Buffer.from(cursor ?? '', 'base64url').toString()
  if (!key.includes('\0')) return key
  throw new WarrenError('BAD_REQUEST', 'query.cursor must be what the answer before said is next')
}
