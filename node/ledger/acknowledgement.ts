import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { meshId, peerId, time } from '../trust/certificates.ts'
import { publicKeyOfPeer, type SigningKey } from '../trust/keys.ts'
import { isNewer, openStatement, peekAny, peekStatement, signStatement } from '../trust/statement.ts'
import { MAX_FREED, MAX_RECENT } from './constants.ts'
import { opHash } from './op.ts'

/** Hex digits by which an acknowledgement names an op, as `short` has it. */
const SHORT = 16

const short = z.string().regex(/^[0-9a-f]{16}$/)
const amount = z.int().min(0)

const fields = z.strictObject({
  v: z.literal(1),
  mesh: meshId,
  peer: peerId,
  issuedAt: time,
  count: z.int().min(0),
  digest: opHash,
  recent: z.array(short).max(MAX_RECENT),
  freed: z
    .array(z.strictObject({ op: short, blobs: amount, bytes: amount }))
    .max(MAX_FREED)
    .optional(),
})

/** What a purge has taken from a node, once it has ended there. */
export interface FreedBy {
  /** Hash of the op. */
  readonly op: string
  readonly blobs: number
  readonly bytes: number
}

/**
 * A node says, by its own key, which ledger it has put into effect: by the summary of all live ops, and by the last ones one by one.
 * Of a seed this is the *head* of the ledger: whoever starts and has less than that was told too little.
 */
export interface Acknowledgement extends Readonly<z.infer<typeof fields>> {
  readonly text: string
}

type Said = Omit<z.infer<typeof fields>, 'v' | 'recent' | 'freed'> & {
  /** Hashes of the last live ops. */
  readonly recent: readonly string[]
  readonly freed?: readonly FreedBy[]
}

/** @returns the text of an acknowledgement, signed by the key of the node that it is about */
export function signAcknowledgement({ recent, freed = [], ...said }: Said, key: SigningKey): string {
  const shortened = {
    recent: recent.slice(0, MAX_RECENT).map(shortHash),
    ...(freed.length > 0 && { freed: freed.slice(0, MAX_FREED).map((one) => ({ ...one, op: shortHash(one.op) })) }),
  }
  return signStatement('ack', { v: 1, ...said, ...shortened } satisfies z.infer<typeof fields>, key)
}

/** Throws UNTRUSTED unless the node that it is about signed it, for this mesh. Whether that is a member is left to the caller. */
export function openAcknowledgement(text: string, mesh: string): Acknowledgement {
  const { peer } = peekStatement('ack', text, z.object({ peer: peerId }))
  const said = openStatement('ack', text, publicKeyOfPeer(peer) ?? '', fields)
  if (said.mesh === mesh) return { ...said, text }
  throw new WarrenError('UNTRUSTED', `the acknowledgement is not accepted: it is of mesh ${said.mesh}, and this is ${mesh}`)
}

/** Whether a node said it by a newer Warren: then it cannot be read, and whoever brings it has not made it up. */
export function isNewerAcknowledgement(text: string): boolean {
  const claimed = peekAny('ack', text, z.object({ peer: peerId }))
  return claimed !== undefined && isNewer('ack', text, publicKeyOfPeer(claimed.peer) ?? '')
}

export function shortHash(hash: string): string {
  return hash.slice(0, SHORT)
}
