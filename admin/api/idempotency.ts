import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LRUCache } from 'lru-cache'
import { WarrenError } from '../../node/errors.ts'
import type { ApiApp } from './app.ts'

/** What was answered; only the fingerprint of the request while it is under way. */
interface Answered {
  readonly fingerprint: string
  readonly answer?: { readonly status: number; readonly type: string; readonly payload: string }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Under what its answer is kept. */
    answerKey: string | null
  }
}

/** Ms for which an answer is kept. */
const LIFETIME = 24 * 60 * 60_000
const MAX_ANSWERS = 1_000
/** Characters of all answers. */
const MAX_SIZE = 4 << 20
const HEADER = 'idempotency-key'

/**
 * Answers a POST that comes again under the same `Idempotency-Key` as it was answered the first time, and does nothing then
 * (draft-ietf-httpapi-idempotency-key-header-07). A restart forgets the keys.
 */
export function rememberAnswers(app: ApiApp): void {
  const answers = new LRUCache<string, Answered>({
    max: MAX_ANSWERS,
    maxSize: MAX_SIZE,
    sizeCalculation: ({ answer }) => 1 + (answer?.payload.length ?? 0),
    ttl: LIFETIME,
  })
  app.decorateRequest('answerKey', null)
  app.addHook('preHandler', async (request, reply) => {
    const key = request.headers[HEADER]
    // Of whoever has no token it would take memory, and the keys of others; a signed op is the same one however often it comes.
    if (request.method !== 'POST' || key === undefined || !request.hasToken) return
    if (typeof key !== 'string' || !/^[!-~]{1,255}$/.test(key))
      throw new WarrenError('BAD_REQUEST', `header.${HEADER} must be up to 255 printable ASCII characters`)
    const id = `${request.url.split('?', 1)[0]} ${key}`
    const fingerprint = fingerprintOf(request)
    const known = answers.get(id)
    if (!known) {
      answers.set(id, { fingerprint })
      request.answerKey = id
      return
    }
    if (known.fingerprint !== fingerprint)
      throw new WarrenError('CONFLICT', `another request had this ${HEADER}: send one of your own`)
    if (!known.answer)
      throw new WarrenError('CONFLICT', `the request with this ${HEADER} is still under way: wait for its answer`)
    return repeat(reply, known.answer)
  })
  app.addHook('onSend', async ({ answerKey }, reply, payload) => {
    const known = answerKey === null ? undefined : answers.peek(answerKey)
    if (answerKey === null || !known) return
    // After a mistake of this node the next try may do better.
    if (reply.statusCode >= 500 || typeof payload !== 'string') answers.delete(answerKey)
    else {
      const answer = { status: reply.statusCode, type: String(reply.getHeader('content-type')), payload }
      answers.set(answerKey, { ...known, answer })
    }
  })
}

function repeat(reply: FastifyReply, { status, type, payload }: NonNullable<Answered['answer']>): FastifyReply {
  return reply.code(status).type(type).header('idempotency-replayed', 'true').send(payload)
}

function fingerprintOf({ url, body }: FastifyRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([url, body ?? null]))
    .digest('hex')
}
