import { generateKey, peerIdOf } from '../../node/trust/keys.ts'
import { createMesh, issueTicket } from '../../node/trust/membership.ts'
import { eventually } from '../harness/wait.ts'
import type { Warren } from './warren.ts'

const DAY = 24 * 60 * 60_000
const CONNECTED_LIMIT_MS = 30_000

/** A mesh of members whose founder is away: what one gets from another then comes from a peer, not from a seed. */
export class BenchMesh {
  readonly #founded = createMesh({ peer: peerIdOf(generateKey().publicKey), addresses: [], now: Date.now() })

  /** For a member that finds others at these addresses. */
  ticket(addresses: readonly string[] = []): string {
    const now = Date.now()
    return issueTicket({ ...this.#founded, role: 'member', notAfter: now + DAY, now, addresses })
  }
}

/** Resolves when a node is connected to another one and knows that it can be reached itself. */
export async function connected(node: Warren): Promise<void> {
  const isConnected = async () => {
    const { mesh } = await node.status()
    return mesh.peers > 0 && mesh.reachable === true
  }
  await eventually('the node is connected', isConnected, CONNECTED_LIMIT_MS)
}
