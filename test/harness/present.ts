import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, answer, type Headers } from './answer.ts'

/** Headers that a 304 repeats (RFC 9110 section 15.4.5). */
const REPEATED = ['cache-control', 'content-location', 'date', 'etag', 'expires', 'last-modified', 'vary']

/** Turns a 200 into the 304, 206 or 416 that the request's conditions and Range ask for (RFC 9110 section 13.2.2). */
export function present(whole: Answer, method: string | undefined, request: IncomingHttpHeaders): Answer {
  if (!whole.ranges || whole.status !== 200 || (method !== 'GET' && method !== 'HEAD')) return whole
  if (notModified(whole.headers, request)) return { ...answer(304, '', pick(whole.headers, REPEATED)), trouble: whole.trouble }
  const offered = { ...whole, headers: { 'accept-ranges': 'bytes', ...whole.headers } }
  if (method !== 'GET' || !request.range || !rangeHolds(whole.headers, request['if-range'])) return offered
  const span = parseRange(request.range, whole.size)
  if (span === 'ignore') return offered
  if (span === 'unsatisfiable') return answer(416, '', { 'content-range': `bytes */${whole.size}` })
  const contentRange = `bytes ${span.start}-${span.end - 1}/${whole.size}`
  return { ...offered, status: 206, span, headers: { ...offered.headers, 'content-range': contentRange } }
}

function notModified(headers: Headers, request: IncomingHttpHeaders): boolean {
  const tags = request['if-none-match']
  const etag = text(headers.etag)
  if (tags !== undefined) return etag !== undefined && (tags.trim() === '*' || listed(tags, etag))
  const since = Date.parse(request['if-modified-since'] ?? '')
  const modified = Date.parse(text(headers['last-modified']) ?? '')
  return modified <= since
}

/** Weak comparison (RFC 9110 section 8.8.3.2). */
function listed(tags: string, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return tags.split(',').some((tag) => opaque(tag) === opaque(etag))
}

/** Strong comparison: a weak tag never holds, a date only when it is exactly the one that was sent. */
function rangeHolds(headers: Headers, ifRange: string | string[] | undefined): boolean {
  if (ifRange === undefined) return true
  if (ifRange === text(headers['last-modified'])) return true
  return ifRange === text(headers.etag) && !ifRange.toString().startsWith('W/')
}

/** One range of bytes; several at once, other units and nonsense are ignored, as the specification allows. */
function parseRange(range: string, size: number): { start: number; end: number } | 'ignore' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range.trim())
  if (!match || (match[1] === '' && match[2] === '')) return 'ignore'
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  if (first === '') {
    const suffix = Number(last)
    return suffix === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - suffix), end: size }
  }
  if (last !== '' && Number(last) < Number(first)) return 'ignore'
  if (Number(first) >= size) return 'unsatisfiable'
  return { start: Number(first), end: last === '' ? size : Math.min(size, Number(last) + 1) }
}

function pick(headers: Headers, names: readonly string[]): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => names.includes(name)))
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
