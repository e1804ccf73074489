import type { ByteAlgorithm, Digests } from '../digest.ts'
import { isRefusal, WarrenError } from '../errors.ts'
import type { NameRecord } from '../store/store.ts'
import type { UpstreamResponse } from '../upstream/upstream.ts'
import type { Plan } from './plan.ts'

/** Headers of an artifact that its clients may rely on and that stay true when the bytes come from here. */
const KEPT = ['content-type', 'last-modified', 'content-disposition', 'content-language', 'vary'] as const

/**
 * Characters of a validator that are kept, and of all other headers together; the longest real ones, links with the token of a next
 * page, have two thousand. A seed tells all of them to members, who take a head of 8 KiB: what an upstream makes longer must not look
 * like a seed that fails.
 */
const MAX_VALIDATOR = 1 << 10
const MAX_KEPT = 5 << 10

/** Turns a status that is not the artifact into the error that it means; only these are answers about what exists. */
export function refusal(plan: Plan, response: UpstreamResponse): WarrenError | undefined {
  const where = `${plan.mirror}: ${new URL(plan.url).host}`
  switch (response.status) {
    case 200:
    case 206:
    case 304:
      return undefined
    case 404:
      return new WarrenError('UPSTREAM_ABSENT', `${where} has no such thing (404)`)
    case 410:
      return new WarrenError('UPSTREAM_GONE', `${where} says it is gone for good (410)`)
    case 451:
      return new WarrenError('UPSTREAM_LEGAL', `${where} withholds it for legal reasons (451)`)
    case 401:
    case 403:
      return new WarrenError(
        'UPSTREAM_DENIED',
        `${where} does not hand it out (${response.status}); if it wants a login, that goes under credentials in the configuration`,
      )
    default:
      return new WarrenError(
        'UPSTREAM_FAILED',
        `${where} answered with status ${response.status}, which is neither the artifact nor a clear no`,
      )
  }
}

/** Anything but upstream's own «no»: it says nothing about what exists. */
export function isTrouble(error: unknown): boolean {
  return !isRefusal(error)
}

/** The headers that go into a name record. `facts` are those of the document that was sent, if it is one. */
export function recordHeaders(plan: Plan, headers: Readonly<Record<string, string>>, facts?: unknown): Record<string, string> {
  const kept: Record<string, string> = {}
  let left = MAX_KEPT
  for (const name of plan.keeps ? [...KEPT, ...plan.keeps] : KEPT) {
    const value = headers[name]
    // A part of it would be another one.
    if (value === undefined || value.length > left) continue
    kept[name] = value
    left -= value.length
  }
  if (!plan.describe) return { ...kept, ...plan.responseHeaders }
  // Of a document that says itself what it is, the word of whoever sent it is not passed on unseen.
  delete kept['content-type']
  return { ...kept, ...plan.responseHeaders, ...plan.describe(facts, headers) }
}

/** The headers of a plan that tell computed digests. */
export function digestHeaders({ digestHeaders: wanted = {} }: Plan, digests: Digests): Record<string, string> {
  const entries = Object.entries(wanted).map(([algorithm, name]) => [name, digests[algorithm as ByteAlgorithm]] as const)
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined))
}

/** Asks for something only if it is another one than what is held. */
export interface Conditions {
  /** For upstream (RFC 9110 section 13.1); none where it told no validators. */
  readonly headers: Readonly<Record<string, string>>
  /** sha256 (hex) of what is held, for a seed. */
  readonly held: string
}

export function conditionsOf({ etag, lastModified, blob }: NameRecord): Conditions {
  const headers: Record<string, string> = {}
  if (etag !== undefined) headers['if-none-match'] = etag
  if (lastModified !== undefined) headers['if-modified-since'] = lastModified
  return { headers, held: blob }
}

/** Whether a 304 can be an answer to these conditions: upstream cannot know what it told no validator of. */
export function mayBeRight({ headers }: Conditions, { through }: UpstreamResponse): boolean {
  return through !== undefined || Object.keys(headers).length > 0
}

/** Upstream's validators as record fields. */
export function validators(headers: Readonly<Record<string, string>>): Pick<NameRecord, 'etag' | 'lastModified'> {
  const { etag, 'last-modified': lastModified } = headers
  return {
    ...(etag === undefined || etag.length > MAX_VALIDATOR ? {} : { etag }),
    ...(lastModified === undefined || lastModified.length > MAX_VALIDATOR ? {} : { lastModified }),
  }
}

/** Whether an answer may be kept at all. */
export function mayKeep({ heedsNoStore }: Plan, { 'cache-control': control = '' }: UpstreamResponse['headers']): boolean {
  return !heedsNoStore || !/(?:^|[\s,])(?:no-store|private)(?:[\s,=]|$)/i.test(control)
}

/** Length that a response promises, in bytes; undefined without a usable Content-Length. */
export function declaredSize(headers: Readonly<Record<string, string>>): number | undefined {
  const value = headers['content-length']
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}
