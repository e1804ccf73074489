import { setTimeout } from 'node:timers/promises'
import { toHostPort } from '../../../node/tcp-address.ts'
import { tokenText } from '../api-client.ts'
import { UnreachableError } from '../exit-codes.ts'
import type { NodeMirror } from '../get/mirrors.ts'
import { mirrorAddress, reachable } from '../images/mirror-address.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { toldBy } from '../node-status.ts'
import { loadSettings } from '../settings.ts'

/** Ms between two looks at a node that is starting. */
const BETWEEN_LOOKS = 50

export interface ReadyNode {
  /** Base URL of its mirrors. */
  readonly base: string
  readonly mirrors: readonly NodeMirror[]
  /** Whether it is in a mesh of which it reaches nobody yet. */
  readonly isJoining: boolean
}

/**
 * The node that is meant, once it serves, and, where it is in a mesh, is connected; after `patience` (ms) also while it is not. Throws
 * UnreachableError where none answers by then, and Error for one that `--node` names and that wants its token.
 */
export async function readyNode(options: NodeOptions, patience: number): Promise<ReadyNode> {
  const end = performance.now() + patience
  for (;;) {
    const isLate = performance.now() >= end
    const found = await look(options).catch((error) => {
      if (isLate || !(error instanceof UnreachableError)) throw error
      return undefined
    })
    if (found && (isLate || !found.isJoining)) return found
    await setTimeout(BETWEEN_LOOKS)
  }
}

async function look(options: NodeOptions): Promise<ReadyNode> {
  const address = nodeAt(options)
  const { status } = await toldBy(address)
  if (status.node.state === 'draining') throw new UnreachableError(`the node at ${address.base} is stopping`)
  const isJoining = status.mesh.state === 'joining'
  if ('mirrors' in status) return { base: mirrorAddress(status.node.listen, address.base), mirrors: status.mirrors, isJoining }
  // The node of the machine, which another user runs: jobs may read its settings, and do not have its token.
  if (options.node !== undefined) throw new Error(tokenText(address.base))
  const { config } = loadSettings(options)
  const [listen] = config.listen
  if (!listen || listen.port === 0) throw new Error(tokenText(address.base))
  return { base: config.publicUrl ?? reachable(`http://${toHostPort(listen)}`), mirrors: config.mirrors, isJoining }
}
