import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { WarrenError } from '../../node/errors.ts'
import type { NodeToken } from '../../node/node-token.ts'

/** Lets only those pass who send the token (RFC 6750 section 2.1); throws TOKEN_REQUIRED for others. */
export function checkBearer({ headers }: FastifyRequest, reply: FastifyReply, { value, file }: NodeToken): void {
  const [, sent] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
  // Digests have one length, so that the comparison tells nothing about the token, its length included.
  if (sent !== undefined && timingSafeEqual(sha256(sent), sha256(value))) return
  reply.header('www-authenticate', 'Bearer realm="warren"')
  const what = sent === undefined ? 'this needs the node token' : 'that is not the token of this node'
  throw new WarrenError('TOKEN_REQUIRED', `${what}: send «Authorization: Bearer …» with what stands in ${file}`)
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
