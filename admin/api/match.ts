import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { WarrenError } from '../../node/errors.ts'

const must = { error: '* or the ETag of an earlier answer' }

/** Headers by which a change is made only to what its author has seen (RFC 9110 section 13.1). */
export const matchHeaders = z.looseObject({
  'if-match': z.string(must).optional().describe('ETag that it must have still; * if it only has to be there'),
  'if-none-match': z.string(must).optional().describe('* if it must not be there yet'),
})

/** The entity tag of what is told of something. */
export function etagOf(told: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(told)).digest('hex').slice(0, 32)}"`
}

/** Sends something with its entity tag. */
export function tagged<T>(reply: Pick<FastifyReply, 'header'>, told: T): T {
  reply.header('etag', etagOf(told))
  return told
}

/** Throws PRECONDITION_FAILED. @param now entity tag of what is there; undefined where nothing is */
export function checkMatch(headers: IncomingHttpHeaders, now: string | undefined): void {
  const { 'if-match': wanted, 'if-none-match': unwanted } = headers
  if (wanted !== undefined && !fits(wanted, now))
    throw new WarrenError(
      'PRECONDITION_FAILED',
      `it is ${now ?? 'not there'} by now, not ${wanted.slice(0, 80)}: read it again`,
    )
  if (unwanted !== undefined && fits(unwanted, now))
    throw new WarrenError('PRECONDITION_FAILED', `it is there already, as ${now}`)
}

function fits(header: string, now: string | undefined): boolean {
  if (now === undefined) return false
  return header.trim() === '*' || header.split(',').some((one) => one.trim() === now)
}
