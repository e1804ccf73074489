import type { Connection, Libp2p } from '@libp2p/interface'
import { z } from 'zod'
import { answerWith, ask, type Question } from './question.ts'
import { shuffled } from './shuffled.ts'

/** Members that one names to another, and addresses of each. */
const MAX_NAMED = 16
const MAX_ADDRESSES = 4
const MAX_ADDRESS_LENGTH = 256

interface Introduction {
  readonly v: 1
  readonly members: readonly { readonly id: string; readonly addresses: readonly string[] }[]
}

/**
 * «Whom do you know?» Whoever joins by the address of one seed would otherwise be alone once that one is gone. What is answered
 * is a hint: a member that is dialled shows its own card.
 */
const INTRODUCE: Question<Introduction> = {
  protocol: '/warren/members/1.0.0',
  schema: z.object({
    v: z.literal(1),
    members: z
      .array(z.object({ id: z.string().max(64), addresses: z.array(z.string().max(MAX_ADDRESS_LENGTH)).max(MAX_ADDRESSES) }))
      .max(MAX_NAMED),
  }),
  maxBytes: 32 << 10,
  limit: 5_000,
}

/**
 * Names members that are connected here to whoever asks. `addressesOf` is where each says itself that it is: in libp2p's peer
 * store stands also what others said of it.
 */
export function answerIntroductions(libp2p: Libp2p, addressesOf: (peer: string) => readonly string[]): Promise<void> {
  return answerWith(libp2p, INTRODUCE, (asker): Introduction => {
    const others = libp2p
      .getPeers()
      .map(String)
      .filter((id) => id !== asker)
    const members = shuffled(others, Math.random).flatMap((id) => {
      const addresses = addressesOf(id)
        .filter((address) => address.length <= MAX_ADDRESS_LENGTH)
        .slice(0, MAX_ADDRESSES)
      return addresses.length > 0 ? [{ id, addresses }] : []
    })
    return { v: 1, members: members.slice(0, MAX_NAMED) }
  })
}

/** Whom a member knows; nobody when it does not say. */
export async function askIntroductions(connection: Connection, signal: AbortSignal): Promise<Introduction['members']> {
  const answer = await ask(connection, INTRODUCE, signal).catch(() => undefined)
  return answer?.members ?? []
}
