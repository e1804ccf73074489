import { z } from 'zod'
import { parseDigest } from '../digest.ts'
import { parseRule } from '../policy/rule.ts'

/** Bytes of a scope as JSON. */
const MAX_SCOPE_BYTES = 1 << 10

const must = (error: string) => ({ error })
const ECOSYSTEM = must('an ecosystem, such as npm')
const BASE = must('the base URL of an upstream, with a slash at its end')
const PURL = must('a package URL as rules of policy.deny have it, such as pkg:npm/left-pad@<1.3.0')
const PATTERN = must('a pattern of paths: printable ASCII without spaces, * for any characters')
const DIGEST = must('a digest, such as sha256: and 64 digits from 0 to f')
const KIND = must('one of the kinds all, upstream, package, path and digest')

/** The first two parts of cache keys (`cacheKey`): a grammar, and the canonical base URL of an upstream. */
const ecosystem = z.string(ECOSYSTEM).regex(/^[a-z0-9-]{1,32}$/, ECOSYSTEM)
const base = z.string(BASE).regex(/^https?:\/\/[!-~]+\/$/, BASE)

/** A package URL as rules of a policy have it: `*` stands for any characters, a range of versions follows an `@`. */
const purl = z.string(PURL).refine((text) => {
  try {
    parseRule(text)
    return true
  } catch {
    return false
  }
}, PURL)

/**
 * What a purge is about. Keys name upstreams and never mirrors, since two nodes may call different registries by one name: a purge of a
 * mirror is one of its upstreams. A `pattern` is one of whole paths below `base` as keys spell them, `*` for any characters; a `digest`
 * is written `algorithm:hex`.
 */
export const purgeScope = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('all') }),
      z.strictObject({ kind: z.literal('upstream'), ecosystem, base }),
      z.strictObject({ kind: z.literal('package'), purl }),
      z.strictObject({ kind: z.literal('path'), ecosystem, base, pattern: z.string(PATTERN).regex(/^[!-~]+$/, PATTERN) }),
      z.strictObject({
        kind: z.literal('digest'),
        digest: z.string(DIGEST).refine((text) => parseDigest(text) !== undefined, DIGEST),
      }),
    ],
    KIND,
  )
  .refine((scope) => Buffer.byteLength(JSON.stringify(scope)) <= MAX_SCOPE_BYTES, {
    error: `at most ${MAX_SCOPE_BYTES} bytes as JSON`,
  })

export type PurgeScope = z.output<typeof purgeScope>
