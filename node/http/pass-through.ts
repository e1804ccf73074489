import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PassThrough } from '../../protocols/protocol.ts'
import { unpack } from '../cache/document-body.ts'
import { WarrenError } from '../errors.ts'
import type { Upstream, UpstreamRequest, UpstreamResponse } from '../upstream/upstream.ts'
import { DISARMED } from './fields.ts'
import { Receiver } from './receiver.ts'
import type { RequestBodies } from './request-bodies.ts'

/** What goes back to the client of upstream's headers: cookies, challenges and redirects of another site do not. */
const FORWARDED = [
  'content-type',
  'content-encoding',
  'content-length',
  'cache-control',
  'etag',
  'last-modified',
  'vary',
  'retry-after',
] as const

export interface PassThroughComponents {
  readonly upstream: Upstream
  readonly bodies: RequestBodies
}

/**
 * Hands a request to upstream and its answer back, keeping nothing. Resolves with the bytes of body that were sent; rejects as
 * `Upstream` does, and when the answer broke: if the head went out before, the response must be destroyed.
 */
export async function passThrough(
  { upstream, bodies }: PassThroughComponents,
  pass: PassThrough,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<number> {
  const { method, url, base } = pass
  const { via } = request.headers
  const headers = via === undefined ? pass.headers : { ...pass.headers, via }
  const post = async (body: Buffer) => upstream.fetch({ method, url, base, ...(await edited(pass, headers, body)) }, signal)
  const answer =
    method === 'POST' ? await bodies.with(request, post) : await upstream.fetch({ method, url, base, headers }, signal)
  try {
    return await sendBack(answer, method, response)
  } finally {
    answer.destroy()
  }
}

/** What goes out of a body: packed as it came if that is all of it, else as it is. */
async function edited(
  { edited }: PassThrough,
  headers: PassThrough['headers'],
  body: Buffer,
): Promise<Pick<UpstreamRequest, 'headers' | 'body'>> {
  if (!edited) return { headers, body }
  const plain = await unpacked(body, headers['content-encoding'], edited.maxBytes)
  const left = edited.edit(plain)
  if (left === plain) return { headers, body }
  const { 'content-encoding': _, ...others } = headers
  return { headers: others, body: left }
}

/** Throws PAYLOAD_TOO_LARGE, and BAD_REQUEST for what does not unpack. */
async function unpacked(body: Buffer, coding: string | undefined, most: number): Promise<Buffer> {
  try {
    const plain = await unpack(body, coding === undefined ? {} : { 'content-encoding': coding }, most)
    if (plain) return plain
  } catch (cause) {
    throw new WarrenError('BAD_REQUEST', 'the request body does not unpack; send it plain, or packed with gzip', { cause })
  }
  throw new WarrenError('PAYLOAD_TOO_LARGE', `the request body has more than the ${most} bytes that are looked through`)
}

async function sendBack(answer: UpstreamResponse, method: PassThrough['method'], response: ServerResponse): Promise<number> {
  const receiver = new Receiver(response)
  const fields: string[] = ['x-warren-source', 'upstream', 'x-cache', 'MISS', ...DISARMED]
  for (const name of FORWARDED) {
    const value = answer.headers[name]
    if (value !== undefined) fields.push(name, value)
  }
  // A challenge of upstream's is not ours to pass on: the client would send its password to a name that it does not mean.
  response.writeHead(answer.status === 401 ? 403 : answer.status, fields)
  let sent = 0
  if (method !== 'HEAD') {
    for await (const bytes of answer.body) {
      await receiver.write(bytes)
      sent += bytes.length
    }
  }
  response.end()
  return sent
}
