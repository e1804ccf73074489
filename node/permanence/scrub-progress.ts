import { z } from 'zod'
import type { Sha256 } from '../digest.ts'
import { readVersioned } from '../trust/versioned.ts'

/** A look at all blobs: when it began and ended, how many there were, and how many of them were not right any more. */
const pass = z.object({ began: z.number(), ended: z.number(), blobs: z.int().nonnegative(), bad: z.int().nonnegative() })

const schema = z.object({
  v: z.literal(1),
  /** The blob behind which it goes on; null between two passes. */
  after: z.string().nullable(),
  began: z.number(),
  blobs: z.int().nonnegative(),
  bad: z.int().nonnegative(),
  last: pass.nullable(),
})

/** How far a scrub has come. Times in ms since the epoch. */
export type ScrubProgress = z.output<typeof schema>

const NEVER: ScrubProgress = { v: 1, after: null, began: 0, blobs: 0, bad: 0, last: null }

/** What was written down; a scrub that never began where that is nothing, or nothing of this version. */
export function readProgress(json: string | undefined): ScrubProgress {
  if (json === undefined) return NEVER
  const reading = readVersioned(json, schema)
  return reading.problem === undefined ? reading.value : NEVER
}

/** Share of a pass that is behind it, 0 to 1: digests are spread evenly. */
export function shareDone(after: Sha256): number {
  return Number.parseInt(after.slice(0, 8).padEnd(8, '0'), 16) / 2 ** 32
}
