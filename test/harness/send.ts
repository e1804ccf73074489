import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Clock } from '../../node/clock.ts'
import type { Answer } from './answer.ts'
import type { TokenBucket } from './rate.ts'

/** Bytes read from a body at once when nothing limits the rate. */
const PIECE = 1 << 20
const NO_BODY = new Set([204, 304])

export interface Sending {
  readonly clock: Clock
  /** Rates that this response has to keep, all of them. */
  readonly buckets: readonly TokenBucket[]
  /** Told of body bytes that were handed to the connection. */
  readonly sent: (bytes: number) => void
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal
}

/** Puts an answer on the wire, with all that is to go wrong. Rejects with the signal's reason when the client left first. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  sending: Sending,
): Promise<void> {
  const { trouble } = answer
  if (trouble.delayMs) await sending.clock.sleep(trouble.delayMs, sending.signal)
  if (trouble.raw) return void request.socket.end(trouble.raw)
  if (trouble.cutAfter !== undefined && trouble.cutAfter < 0) return cut(response, trouble.cutBy)
  const bodiless = request.method === 'HEAD' || NO_BODY.has(answer.status)
  writeHead(response, answer, bodiless)
  if (bodiless) return void response.end()
  response.flushHeaders()
  const sent = await sendBody(response, answer, sending)
  await finish(response, answer, sent, sending)
}

function writeHead(response: ServerResponse, answer: Answer, bodiless: boolean): void {
  const headers: OutgoingHttpHeaders = { ...answer.headers }
  const { declaredLength } = answer.trouble
  const wanted = declaredLength ?? lengthOf(answer)
  if (answer.framing === 'length' && !NO_BODY.has(answer.status)) headers['content-length'] = wanted
  if (answer.framing === 'chunked' && !bodiless) headers['transfer-encoding'] = 'chunked'
  if (answer.framing === 'close') {
    response.useChunkedEncodingByDefault = false
    response.shouldKeepAlive = false
  }
  if (answer.reason === undefined) response.writeHead(answer.status, headers)
  else response.writeHead(answer.status, answer.reason, headers)
}

function lengthOf(answer: Answer): number {
  return answer.span ? answer.span.end - answer.span.start : answer.size
}

async function sendBody(response: ServerResponse, answer: Answer, sending: Sending): Promise<number> {
  const { trouble } = answer
  const start = answer.span?.start ?? 0
  const limit = Math.min(lengthOf(answer), trouble.cutAfter ?? Infinity, trouble.stallAfter ?? Infinity)
  const piece = Math.min(trouble.drip?.bytes ?? PIECE, ...sending.buckets.map((bucket) => bucket.piece))
  const body = answer.open()
  let sent = 0
  try {
    while (sent < limit) {
      const chunk = await body.read(start + sent, Math.min(piece, limit - sent), (size) => Buffer.allocUnsafe(size))
      if (chunk.length === 0) throw new Error(`a body of ${answer.size} bytes ended at ${start + sent}`)
      for (const bucket of sending.buckets) await bucket.take(chunk.length, sending.signal)
      sending.signal.throwIfAborted()
      sent += chunk.length
      sending.sent(chunk.length)
      if (!response.write(chunk)) await once(response, 'drain', { signal: sending.signal })
      if (trouble.drip && sent < limit) await sending.clock.sleep(trouble.drip.everyMs, sending.signal)
    }
  } finally {
    body.close()
  }
  return sent
}

async function finish(response: ServerResponse, answer: Answer, sent: number, sending: Sending): Promise<void> {
  const { trouble } = answer
  if (trouble.stallAfter !== undefined && sent >= trouble.stallAfter) return silence(sending.signal)
  if (trouble.cutAfter !== undefined && sent >= trouble.cutAfter) {
    // A reset throws away what is still queued, so the bytes before it go out first.
    if (sent > 0) await new Promise<void>((resolve) => response.write('', () => resolve()))
    return cut(response, trouble.cutBy)
  }
  if (trouble.endless === 'stall') return silence(sending.signal)
  if (trouble.endless === 'fin') return cut(response, 'fin')
  if ((trouble.declaredLength ?? 0) > sent) return cut(response, 'fin')
  response.end()
}

/** Resolves never, rejects when the connection is gone. */
async function silence(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await once(signal, 'abort')
  signal.throwIfAborted()
}

function cut({ socket }: ServerResponse, by: 'fin' | 'rst' = 'rst'): void {
  if (by === 'fin') socket?.end()
  else if (socket instanceof TLSSocket) rawSocketOf(socket)?.resetAndDestroy()
  else socket?.resetAndDestroy()
}

/** The TCP connection below TLS, which alone can be reset. Node has no public name for it. */
function rawSocketOf(socket: TLSSocket): Socket | undefined {
  return '_parent' in socket && socket._parent instanceof Socket ? socket._parent : undefined
}
