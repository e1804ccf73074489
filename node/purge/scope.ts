import { z } from 'zod'
import { parseDigest } from '../digest.ts'
import { parseRule } from '../policy/rule.ts'

/** Bytes of a scope as JSON. */
const MAX_SCOPE_BYTES = 1 << 10

/** The first two parts of cache keys (`cacheKey`): a grammar, and the canonical base URL of an upstream. */
const ecosystem = z.string().regex(/^[a-z0-9-]{1,32}$/)
const base = z.string().regex(/^https?:\/\/[!-~]+\/$/)

/** A package URL as rules of a policy have it: `*` stands for any characters, a range of versions follows an `@`. */
const purl = z.string().refine((text) => {
  try {
    parseRule(text)
    return true
  } catch {
    return false
  }
})

/**
 * What a purge is about. Keys name upstreams and never mirrors, since two nodes may call different registries by one name: a purge of a
 * mirror is one of its upstreams. A `pattern` is one of whole paths below `base` as keys spell them, `*` for any characters; a `digest`
 * is written `algorithm:hex`.
 */
export const purgeScope = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('all') }),
    z.strictObject({ kind: z.literal('upstream'), ecosystem, base }),
    z.strictObject({ kind: z.literal('package'), purl }),
    z.strictObject({ kind: z.literal('path'), ecosystem, base, pattern: z.string().regex(/^[!-~]+$/) }),
    z.strictObject({ kind: z.literal('digest'), digest: z.string().refine((text) => parseDigest(text) !== undefined) }),
  ])
  .refine((scope) => Buffer.byteLength(JSON.stringify(scope)) <= MAX_SCOPE_BYTES)

export type PurgeScope = z.output<typeof purgeScope>
