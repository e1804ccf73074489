import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { WarrenError } from '../../../node/errors.ts'
import type { ApiApp } from '../app.ts'
import { proofSchema } from '../proof-schema.ts'
import { addressOf, isLocal } from '../token.ts'

/** Proofs for one address of another machine in the window (ms). Here any job could lock the owner out, and one costs less than its request. */
const MAX_PROOFS = 60
const WINDOW = 60_000

export interface ProofPorts {
  /** As `proofOf` has it, for the admin listener of this node; undefined as long as there is none. */
  prove(nonce: string): string | undefined
}

/** Lets whoever has the node token find out that they speak with that node, before they show it. Tells nothing to others. */
export function proofRoutes(app: ApiApp, { prove }: ProofPorts): void {
  app.get(
    '/admin/v1/proof',
    {
      config: {
        access: 'everybody',
        rateLimit: {
          max: MAX_PROOFS,
          timeWindow: WINDOW,
          keyGenerator: addressOf,
          allowList: (request: FastifyRequest) => isLocal(request),
          errorResponseBuilder: (_request: FastifyRequest, { ttl }: { readonly ttl: number }) =>
            new WarrenError('TOO_MANY_FAILURES', 'that address has asked for too many proofs: wait', {
              retryAfter: ttl / 1_000,
            }),
        },
      },
      schema: {
        tags: ['node'],
        summary: 'Proof that this node has its token, for whoever has it too and is about to show it',
        querystring: z.object({
          nonce: z
            .string()
            .regex(/^[\w-]{43}$/, { error: '32 random bytes in base64url, without padding' })
            .describe('32 random bytes in base64url'),
        }),
        response: { 200: proofSchema },
      },
    },
    async ({ query: { nonce } }, reply) => {
      const proof = prove(nonce)
      if (proof === undefined) throw new WarrenError('NODE_BUSY', 'this node is still starting')
      reply.header('cache-control', 'no-store')
      return { proof }
    },
  )
}
