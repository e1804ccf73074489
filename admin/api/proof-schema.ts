import { z } from 'zod'

export const proofSchema = z.object({
  proof: z.string().describe('base64url of HMAC-SHA-256 by the node token over a context, the nonce and the admin listener'),
})
