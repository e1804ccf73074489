import { WarrenError } from '../../../node/errors.ts'
import type { MemoryAnswer, MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { indexBytes } from './plans.ts'

/** Bytes of an index that differ by version. */
export const version = (number: number): Buffer => indexBytes({ [`v${number}`]: {} })

/** An upstream that has one document, knows conditions, and does what a test wants of it. */
export class Registry {
  bytes: Buffer = version(1)
  /** Undefined: it gives no validator. */
  etag: string | undefined = '"1"'
  headers: Record<string, string> = {}
  /** Headers of a 304 beside the ETag. */
  unchanged: Record<string, string> = {}
  /** Answers everything instead. */
  instead: MemoryAnswer | WarrenError | undefined
  /** Answers wait for it. */
  gate: Promise<void> | undefined
  /** Times of the clock at which it was asked are the test's business: this is how often it sent everything. */
  sent = 0

  readonly script: MemoryScript = async ({ headers }) => {
    await this.gate
    const { instead, etag } = this
    if (instead instanceof WarrenError) throw instead
    if (instead) return instead
    const validators: Record<string, string> = etag === undefined ? {} : { etag }
    if (etag !== undefined && headers?.['if-none-match'] === etag) {
      return { status: 304, headers: { ...this.unchanged, ...validators } }
    }
    this.sent++
    return { headers: { ...this.headers, ...validators }, body: this.bytes }
  }

  /** Publishes another version. */
  publish(number: number): void {
    this.bytes = version(number)
    this.etag = `"${number}"`
  }

  /** Lets nothing be answered until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gate = promise
    return () => {
      this.gate = undefined
      resolve()
    }
  }
}

export const UNREACHABLE = new WarrenError('UPSTREAM_UNREACHABLE', 'nobody there')

/** What is no answer about what exists. */
export const TROUBLES: [string, MemoryAnswer | WarrenError][] = [
  ['cannot be reached', UNREACHABLE],
  ['is silent', new WarrenError('UPSTREAM_TIMEOUT', 'no answer')],
  ['answers 500', { status: 500 }],
  ['answers 503', { status: 503 }],
  ['answers 429', { status: 429, headers: { 'retry-after': '60' } }],
  ['answers 400', { status: 400, body: 'what?' }],
  ['answers 407', { status: 407 }],
  ['answers 302 without a place', { status: 302 }],
  ['answers 206 to a plain request', { status: 206, body: version(9) }],
  ['answers 204', { status: 204 }],
  ['sends a login page', { body: '<!doctype html><title>Log in</title>', headers: { 'content-type': 'text/html' } }],
  ['sends an empty body', { body: '' }],
  ['sends an empty object', { body: '{}' }],
  ['sends null', { body: 'null' }],
  ['sends half a document and ends cleanly', { body: version(9).subarray(0, 7), chunked: true }],
  ['breaks off each time', { body: version(9), cutAt: 7 }],
  ['sends what does not unpack', { body: version(9), headers: { 'content-encoding': 'gzip' } }],
  ['sends an unknown encoding', { body: version(9), headers: { 'content-encoding': 'sdch' } }],
]

/** Upstream's own word about what exists. */
export const NOS: [status: number, code: string][] = [
  [404, 'UPSTREAM_ABSENT'],
  [410, 'UPSTREAM_GONE'],
  [451, 'UPSTREAM_LEGAL'],
  [401, 'UPSTREAM_DENIED'],
  [403, 'UPSTREAM_DENIED'],
]
