import { parseHttpDate } from './http-date.ts'

/** What the representations of a resource can be recognised by. */
export interface Validators {
  /**
   * Strong entity tags as they stand in headers, quotes included, of all representations that this request could be given: the
   * one that it would be given first. A client may hold any of them.
   */
  readonly etags: readonly string[]
  /** HTTP-date. */
  readonly lastModified?: string | undefined
}

type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>

/** What the preconditions of a request come to: send it, «precondition failed», or «not modified» with the tag that holds. */
export type Verdict = 'send' | 'failed' | { readonly notModified: string | undefined }

/** RFC 9110 section 13.2.2, in its order of precedence. */
export function evaluate(request: RequestHeaders, now: Validators): Verdict {
  const ifMatch = one(request['if-match'])
  const ifUnmodifiedSince = one(request['if-unmodified-since'])
  if (ifMatch !== undefined) {
    if (ifMatch.trim() !== '*' && firstListed(ifMatch, now.etags, false) === undefined) return 'failed'
  } else if (ifUnmodifiedSince !== undefined && isAfter(now.lastModified, ifUnmodifiedSince)) return 'failed'
  const ifNoneMatch = one(request['if-none-match'])
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return { notModified: now.etags[0] }
    const held = firstListed(ifNoneMatch, now.etags, true)
    return held === undefined ? 'send' : { notModified: held }
  }
  const since = one(request['if-modified-since'])
  if (since === undefined || isAfter(now.lastModified, since) !== false) return 'send'
  return { notModified: now.etags[0] }
}

/** Whether a Range header counts: only when If-Range, if there is one, names exactly these bytes (RFC 9110 section 13.1.5). */
export function rangeApplies(
  request: RequestHeaders,
  now: { etag: string | undefined; lastModified?: string | undefined },
): boolean {
  const ifRange = one(request['if-range'])?.trim()
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"')) return ifRange === now.etag
  return now.lastModified !== undefined && ifRange === now.lastModified
}

/** Whether `evaluate` has anything to look at. */
export function hasConditions(headers: RequestHeaders): boolean {
  return (
    headers['if-none-match'] !== undefined ||
    headers['if-modified-since'] !== undefined ||
    headers['if-match'] !== undefined ||
    headers['if-unmodified-since'] !== undefined
  )
}

/** A repeated header is one list (RFC 9110 section 5.3). */
function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}

/** The first of `etags` that a header lists, weak ones included or not (RFC 9110 section 8.8.3.2). */
function firstListed(header: string, etags: readonly string[], weakly: boolean): string | undefined {
  const listed = new Set<string>()
  for (const [tag = ''] of header.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (!tag.startsWith('W/')) listed.add(tag)
    else if (weakly) listed.add(tag.slice(2))
  }
  return etags.find((etag) => listed.has(etag))
}

/** Undefined when either is not a date: then there is nothing to compare. */
function isAfter(date: string | undefined, other: string): boolean | undefined {
  const a = date === undefined ? undefined : parseHttpDate(date)
  const b = parseHttpDate(other)
  return a === undefined || b === undefined ? undefined : a > b
}
