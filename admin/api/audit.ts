import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { AuditEntry } from '../../node/audit-log.ts'
import { requestIdOf } from '../../node/request-id.ts'
import type { ApiApp } from './app.ts'

/** What a request changed, for the audit log; without secrets. */
interface Change {
  readonly what: string
  readonly before?: unknown
  readonly after?: unknown
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by routes that change something. */
    change: Change | null
    /** Public key of whoever signed it; set by routes that take signed ops. */
    signer: string | null
    /** Code of what it was refused for. */
    refusal: string | null
  }
}

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Refusals that are told of reading, too: nobody meets them by an honest mistake. */
const SUSPICIOUS: ReadonlySet<string> = new Set(['FOREIGN_HOST', 'FOREIGN_ORIGIN', 'TOO_MANY_FAILURES'])

/** Has each change written down, and each that was refused, with who asked for it. */
export function auditChanges(app: ApiApp, audit: (entry: AuditEntry) => void): void {
  app.decorateRequest('change', null)
  app.decorateRequest('signer', null)
  app.decorateRequest('refusal', null)
  app.addHook('onError', async (request, _reply, error) => {
    request.refusal = error.code
  })
  // Not when the answer has arrived: whoever hangs up before would stay unseen.
  app.addHook('onSend', async (request, reply) => {
    if (SAFE.has(request.method) && !isSuspicious(request)) return
    const { raw, hasToken, signer, change, refusal } = request
    const status = reply.statusCode
    audit({
      ...askedBy(raw),
      request: requestIdOf(raw),
      who: signer !== null ? `key ${signer}` : hasToken ? 'token' : 'none',
      outcome: status < 400 ? 'done' : status < 500 ? 'refused' : 'failed',
      status,
      ...(refusal === null ? {} : { code: refusal }),
      ...(change === null ? {} : { change }),
    })
  })
}

/** Of a request to the API at a listener that is not for it. */
export function strayEntry(request: IncomingMessage): AuditEntry {
  return { ...askedBy(request), who: 'none', outcome: 'refused', status: 404, code: 'NO_SUCH_MIRROR' }
}

function isSuspicious({ refusal, headers }: FastifyRequest): boolean {
  if (refusal === null) return false
  return SUSPICIOUS.has(refusal) || (refusal === 'TOKEN_REQUIRED' && headers.authorization !== undefined)
}

function askedBy({ socket, method = '', url = '' }: IncomingMessage): Pick<AuditEntry, 'from' | 'method' | 'path'> {
  return { from: socket.remoteAddress ?? 'unix', method, path: (url.split('?', 1)[0] ?? '').slice(0, 200) }
}
