import { z } from 'zod'
import { CREDENTIAL_KEYS } from '../../../node/config/credentials.ts'
import { entryOf } from '../../../node/config/entry-of.ts'
import type { LayeredMirror } from '../../../node/config/layers.ts'
import { mirrorEntry } from '../../../node/config/mirror-entry.ts'
import type { MirrorConfig } from '../../../node/config/schema.ts'
import { WarrenError } from '../../../node/errors.ts'
import type { ApiApp } from '../app.ts'
import { checkMatch, etagOf, matchHeaders, tagged } from '../match.ts'
import { type LayeredMirrorView, layeredMirrorSchema, type MirrorTest, mirrorTestSchema } from '../mirrors-schema.ts'
import { nextSchema, pageOf, pageQuery } from '../paging.ts'
import { scopeQuery } from '../scope.ts'

export interface MirrorsPorts {
  readonly mirrors: {
    readonly layered: readonly LayeredMirror[]
    /** What the mesh says and cannot be at this node. */
    readonly problems: readonly string[]
    /** Throws BAD_REQUEST, and NOT_FOUND for `false` where there is none. */
    setMirror(name: string, entry: unknown): void
    /** Throws NOT_FOUND. */
    unsetMirror(name: string): void
  }
  /** Asks each upstream of a mirror. */
  testMirror(mirror: MirrorConfig): Promise<MirrorTest>
}

const NAME_MUST = 'a name of small letters, digits and -, such as npm-corp'
const params = z.object({
  name: z
    .string({ error: NAME_MUST })
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: NAME_MUST })
    .describe('Name of the mirror'),
})
const settings = Object.entries(mirrorEntry.shape).map(([key, rule]) => `${key}: ${rule.description}`)
const entryBody = z
  .union([z.literal(false), z.record(z.string(), z.unknown())], { error: 'a group of protocol, path and upstreams, or false' })
  .describe(`A mirror as in the configuration file, or false, which takes one away. ${settings.join('. ')}`)
const tags = ['mirrors']

export function mirrorsRoutes(app: ApiApp, { mirrors, testMirror }: MirrorsPorts): void {
  const known = (name: string) => mirrors.layered.find((one) => one.name === name)
  const found = (name: string): LayeredMirrorView => {
    const one = known(name)
    if (one) return view(one)
    throw new WarrenError(
      'NOT_FOUND',
      `there is no mirror ${name}; there is ${mirrors.layered.map((other) => other.name).join(', ')}`,
    )
  }
  const tagOf = (name: string) => (known(name) ? etagOf(found(name)) : undefined)
  app.get(
    '/admin/v1/mirrors',
    {
      schema: {
        tags,
        summary: 'All mirrors, with the layer that each comes from and what it shadows',
        querystring: z.object({ ...pageQuery, ...scopeQuery }),
        response: {
          200: z.object({
            mirrors: z.array(layeredMirrorSchema),
            next: nextSchema,
            problems: z.array(z.string()).readonly().describe('What the mesh says and cannot be at this node'),
          }),
        },
      },
    },
    async ({ query }) => {
      const { items, next } = pageOf(mirrors.layered, ({ name }) => name, query)
      return { mirrors: items.map(view), next, problems: mirrors.problems }
    },
  )
  app.get(
    '/admin/v1/mirrors/:name',
    {
      schema: {
        tags,
        summary: 'A mirror, with its ETag',
        params,
        querystring: z.object(scopeQuery),
        response: { 200: layeredMirrorSchema },
      },
    },
    async ({ params: { name } }, reply) => tagged(reply, found(name)),
  )
  app.put(
    '/admin/v1/mirrors/:name',
    {
      schema: {
        tags,
        summary: 'Adds or changes a mirror of this node, or takes one away, at once and for good',
        params,
        querystring: z.object(scopeQuery),
        headers: matchHeaders,
        body: entryBody,
        response: { 200: layeredMirrorSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const before = known(name)
      checkMatch(request.raw.headers, tagOf(name))
      checkNoLogin(request.body)
      mirrors.setMirror(name, request.body)
      request.change = { what: `mirror ${name}`, before: before ? view(before).entry : null, after: request.body }
      return tagged(reply, found(name))
    },
  )
  app.delete(
    '/admin/v1/mirrors/:name',
    {
      schema: {
        tags,
        summary: 'Takes back what was changed at this node about a mirror; what the layers below say of it applies again',
        params,
        querystring: z.object(scopeQuery),
        headers: matchHeaders,
        response: { 200: z.object({ mirror: layeredMirrorSchema.nullable().describe('What is there now') }) },
      },
    },
    async (request) => {
      const { name } = request.params
      const before = known(name)
      checkMatch(request.raw.headers, tagOf(name))
      mirrors.unsetMirror(name)
      const now = known(name)
      const mirror = now ? view(now) : null
      request.change = { what: `mirror ${name}`, before: before ? view(before).entry : null, after: mirror?.entry ?? null }
      return { mirror }
    },
  )
  app.post(
    '/admin/v1/mirrors/:name/test',
    {
      schema: {
        tags,
        summary: 'Asks each upstream of a mirror, and says how that went',
        params,
        response: { 200: mirrorTestSchema },
      },
    },
    async ({ params: { name } }) => {
      found(name)
      const mirror = known(name)?.mirror
      if (mirror) return testMirror(mirror)
      throw new WarrenError('NOT_FOUND', `the mirror ${name} is taken away`)
    },
  )
}

function view({ name, layer, mirror, written, shadows }: LayeredMirror): LayeredMirrorView {
  return {
    name,
    layer,
    mirror: mirror && withoutFiles(mirror),
    entry: entryIn({ mirror, written }),
    shadows: shadows.map((one) => ({ layer: one.layer, entry: entryIn(one) })),
  }
}

function entryIn({ mirror, written }: Pick<LayeredMirror, 'mirror' | 'written'>): LayeredMirrorView['entry'] {
  return (written ?? (mirror ? entryOf(mirror) : false)) as LayeredMirrorView['entry']
}

function withoutFiles({ authorities: _authorities, local: _local, ...mirror }: MirrorConfig) {
  return mirror as NonNullable<LayeredMirrorView['mirror']>
}

/** Entries show in answers and logs, and would carry a login to whoever asks for them. */
function checkNoLogin(entry: false | Readonly<Record<string, unknown>>): void {
  const login = Object.keys(entry || {}).find(
    (key) => key === 'credentials' || (CREDENTIAL_KEYS.includes(key) && key !== 'share'),
  )
  if (login !== undefined)
    throw new WarrenError(
      'BAD_REQUEST',
      `body.${login} must be left out: logins belong under the key credentials of the file, by registry`,
    )
}
