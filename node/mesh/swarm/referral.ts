import { z } from 'zod'
import { WarrenError } from '../../errors.ts'
import { REFERRED } from './constants.ts'

/** Another member that fetches the same blob. */
export interface Referred {
  /** Peer id. */
  readonly peer: string
  /** Bytes of the blob that it had when it was last heard of. */
  readonly at: number
}

/** Bytes of a referral on the wire. */
export const REFERRAL_BYTES = 2 << 10

const schema = z.object({
  v: z.literal(1),
  others: z.array(z.object({ peer: z.string().min(1).max(128), at: z.int().min(0) })).max(REFERRED),
})

/** A busy member's answer: it has the blob, or is fetching it, and names others that are fetching it too. */
export class Busy extends WarrenError {
  readonly others: readonly Referred[]

  constructor(message: string, others: readonly Referred[]) {
    super('NODE_BUSY', message)
    this.others = others
  }
}

export function encodeReferral(others: readonly Referred[]): string {
  return JSON.stringify({ v: 1, others })
}

/** What a busy member says; undefined where that is no referral. They are hints: whoever they name may have nothing. */
export function decodeReferral(text: string): readonly Referred[] | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data?.others
  } catch {
    return undefined
  }
}
