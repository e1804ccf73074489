import { z } from 'zod'
import { isDigest } from '../digest.ts'
import { MAX_ASKED } from './constants.ts'

/** «Which of these do you hold?», over the data plane. */
export const HELD_PATH = '/held/v1'

const sha256 = z.string().refine((hex) => isDigest('sha256', hex))

export const heldQuestion = z.object({ v: z.literal(1), sha256: z.array(sha256).min(1).max(MAX_ASKED) })

/** Where in the question the digests stand that are held. */
export const heldAnswer = z.object({ v: z.literal(1), held: z.array(z.int().nonnegative().max(MAX_ASKED)).max(MAX_ASKED) })

export type HeldAnswer = z.output<typeof heldAnswer>
