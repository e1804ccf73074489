import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FixedReply, Protocol } from '../../protocols/protocol.ts'
import type { WarrenError } from '../errors.ts'
import { REQUEST_ID, requestIdOf } from '../request-id.ts'
import { DISARMED } from './fields.ts'
import { splitTarget } from './target.ts'

/** Characters of a reason phrase. */
const MAX_PHRASE = 300

/** Seconds that a client is asked to wait when nothing better is known. */
const RETRY_AFTER = 5

/** Seconds; nobody waits longer than a day for a package. */
const MAX_RETRY_AFTER = 86_400

/** Answers with an error, in the form of the ecosystem where one is known, else in plain words. Gives the bytes of body back. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: WarrenError, protocol?: Protocol): number {
  const { contentType, body } = protocol?.formatError(error, splitTarget(request.url ?? '/').path) ?? plain(error)
  const headers: Record<string, string> = {
    'content-type': contentType,
    'x-warren-error': error.code,
    [REQUEST_ID]: requestIdOf(request),
    'cache-control': 'no-store',
  }
  if (error.retryable) headers['retry-after'] = String(seconds(error.retryAfter))
  if (error.code === 'METHOD_NOT_ALLOWED') headers.allow = 'GET, HEAD'
  // pip, Maven and Gradle show the phrase and never the body; what is denied is nothing that anybody could guess.
  if (error.code === 'POLICY_DENIED') response.statusMessage = phraseOf(error.message)
  // The rest of a body that nobody reads would be taken for the next request, or read for nothing.
  if (hasBody(request) && !request.complete) headers.connection = 'close'
  return sendFixed(request, response, { status: error.status, headers, body })
}

/** What may stand in a status line (RFC 9112 section 4). */
function phraseOf(message: string): string {
  const line = message.split(/[\r\n]/, 1)[0] ?? ''
  return line.slice(0, MAX_PHRASE).replace(/[^ -~]/g, '?')
}

/** Sends an answer that is at hand as a whole. */
export function sendFixed(request: IncomingMessage, response: ServerResponse, reply: FixedReply): number {
  const body = Buffer.from(reply.body)
  const fields = Object.entries(reply.headers).flat()
  response.writeHead(reply.status, [...fields, ...DISARMED, 'content-length', String(body.length)])
  if (request.method === 'HEAD') response.end()
  else response.end(body)
  return request.method === 'HEAD' ? 0 : body.length
}

/** Breaks an answer off whose head is out already. Ended cleanly, it would look complete. */
export function breakOff(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = response
  // To HTTP/1.0 the end of the connection may be the end of the body; only a reset says that something is missing.
  if (request.httpVersionMinor === 0 && socket && !socket.destroyed && !('encrypted' in socket)) {
    try {
      socket.resetAndDestroy()
    } catch {
      // Unix sockets know no reset.
    }
  }
  response.destroy()
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function plain(error: WarrenError): { contentType: string; body: string } {
  return { contentType: 'text/plain; charset=utf-8', body: `${error.message.split(/[\r\n]/, 1)[0]?.slice(0, 1_000)}\n` }
}

function seconds(asked: number | undefined): number {
  return Math.min(MAX_RETRY_AFTER, Math.max(1, Math.ceil(asked ?? RETRY_AFTER) || RETRY_AFTER))
}
