import { createHash } from 'node:crypto'
import { type Body, bufferBody } from '../../node/body.ts'

/** How a response is delimited (RFC 9112 section 6): by its length, by chunks, or by the end of the connection. */
export type Framing = 'length' | 'chunked' | 'close'

/** What goes wrong while an answer is sent. Byte counts are of the body of this response, not of the whole representation. */
export interface Trouble {
  /** Ms before the first byte of the headers. */
  readonly delayMs?: number
  /** Send this instead of a response, then close. */
  readonly raw?: Buffer
  /** Say nothing more after so many bytes, and keep the connection. */
  readonly stallAfter?: number
  /** Break the connection after so many bytes: -1 before the headers. */
  readonly cutAfter?: number
  /** `fin` ends the connection in an orderly way, `rst` resets it. */
  readonly cutBy?: 'fin' | 'rst'
  /** A Content-Length that is not the length. */
  readonly declaredLength?: number
  /** Chunked, and the last chunk never comes: the connection stays (`stall`) or ends (`fin`). */
  readonly endless?: 'stall' | 'fin'
  /** Send so many bytes at a time, so many ms apart. */
  readonly drip?: { readonly bytes: number; readonly everyMs: number }
}

/** One response, before anything of it is on the wire. */
export interface Answer {
  readonly status: number
  readonly reason?: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[]>>
  /** Length of the representation in bytes. */
  readonly size: number
  readonly open: () => Body
  readonly framing: Framing
  /** Whether Range and conditional headers of the request are honoured. */
  readonly ranges: boolean
  /** The part of the representation that is sent; all of it when undefined. `end` is the first byte that is not. */
  readonly span?: { readonly start: number; readonly end: number }
  readonly trouble: Trouble
}

export type Headers = Answer['headers']

/** A plain answer; a string or buffer is its whole body. */
export function answer(status: number, body: string | Buffer = '', headers: Headers = {}): Answer {
  const bytes = Buffer.from(body)
  return { status, headers, size: bytes.length, open: () => bufferBody(bytes), framing: 'length', ranges: false, trouble: {} }
}

/** 200 with a strong ETag of the bytes; Range and conditions are honoured. */
export function serve(body: string | Buffer, headers: Headers = {}): Answer {
  const bytes = Buffer.from(body)
  const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`
  return { ...answer(200, bytes, { 'content-type': 'application/octet-stream', etag, ...headers }), ranges: true }
}

export function json(value: unknown, headers: Headers = {}): Answer {
  return serve(JSON.stringify(value), { 'content-type': 'application/json', ...headers })
}

export function redirect(location: string, status: 301 | 302 | 303 | 307 | 308 = 302): Answer {
  return answer(status, '', { location })
}

/** 429 (RFC 6585 section 4) with either form of Retry-After (RFC 9110 section 10.2.3): seconds, or a date. */
export function tooMany(retryAfter?: number | Date): Answer {
  const value = retryAfter instanceof Date ? retryAfter.toUTCString() : retryAfter?.toString()
  return answer(429, 'slow down', value === undefined ? {} : { 'retry-after': value })
}

/** What a hotel's network says to everything: a web page, and that all is well. */
export function captivePortal(): Answer {
  const page = '<!doctype html><html><head><title>Sign in</title></head><body>Accept the terms to go on.</body></html>'
  return answer(200, page, { 'content-type': 'text/html; charset=utf-8' })
}

/** Bytes that are not HTTP at all, or only nearly so; the connection ends after them. */
export function garbage(bytes: string | Buffer = 'HTTP/9.9 banana\r\n\r\n'): Answer {
  return { ...answer(200), trouble: { raw: Buffer.from(bytes) } }
}
