import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { meshId, peerId, time } from '../trust/certificates.ts'
import { publicKeyOfPeer, type SigningKey } from '../trust/keys.ts'
import { openStatement, peekStatement, signStatement } from '../trust/statement.ts'
import { MAX_OPS, MAX_RECENT } from './constants.ts'
import { opHash } from './op.ts'

/** Hex digits by which an acknowledgement names an op. */
const SHORT = 16

const fields = z.strictObject({
  v: z.literal(1),
  mesh: meshId,
  peer: peerId,
  issuedAt: time,
  count: z.int().min(0).max(MAX_OPS),
  digest: opHash,
  recent: z.array(z.string().regex(/^[0-9a-f]{16}$/)).max(MAX_RECENT),
})

/**
 * A node says, by its own key, which ledger it has put into effect: by the summary of all live ops, and by the last ones one by one.
 * Of a seed this is the *head* of the ledger: whoever starts and has less than that was told too little.
 */
export interface Acknowledgement extends Readonly<z.infer<typeof fields>> {
  readonly text: string
}

export function signAcknowledgement(
  said: Omit<z.infer<typeof fields>, 'v' | 'recent'> & { recent: readonly string[] },
  key: SigningKey,
) {
  const recent = said.recent.slice(0, MAX_RECENT).map(shortHash)
  return signStatement('ack', { v: 1, ...said, recent } satisfies z.infer<typeof fields>, key)
}

/** Throws UNTRUSTED unless the node that it is about signed it, for this mesh. Whether that is a member is left to the caller. */
export function openAcknowledgement(text: string, mesh: string): Acknowledgement {
  const { peer } = peekStatement('ack', text, z.object({ peer: peerId }))
  const said = openStatement('ack', text, publicKeyOfPeer(peer) ?? '', fields)
  if (said.mesh === mesh) return { ...said, text }
  throw new WarrenError('UNTRUSTED', `the acknowledgement is not accepted: it is of mesh ${said.mesh}, and this is ${mesh}`)
}

export function shortHash(hash: string): string {
  return hash.slice(0, SHORT)
}
