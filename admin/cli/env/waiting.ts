import { setTimeout } from 'node:timers/promises'
import type { Status } from '../../api/status-schema.ts'
import { UnreachableError } from '../exit-codes.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { statusOf } from '../node-status.ts'

/** Ms between two looks at a node that is starting. */
const BETWEEN_LOOKS = 50

export interface ReadyNode {
  /** Base URL of its admin API. */
  readonly admin: string
  readonly status: Status
}

/**
 * The node that is meant, once it serves, and, where it is in a mesh, is connected; after `patience` (ms) also while it is not. Throws
 * UnreachableError where none answers by then.
 */
export async function readyNode(options: NodeOptions, patience: number): Promise<ReadyNode> {
  const end = performance.now() + patience
  for (;;) {
    const isLate = performance.now() >= end
    const found = await look(options).catch((error) => {
      if (isLate || !(error instanceof UnreachableError)) throw error
      return undefined
    })
    if (found && (isLate || found.status.mesh.state !== 'joining')) return found
    await setTimeout(BETWEEN_LOOKS)
  }
}

async function look(options: NodeOptions): Promise<ReadyNode> {
  const address = nodeAt(options)
  const status = await statusOf(address)
  if (status.node.state === 'draining') throw new UnreachableError(`the node at ${address.base} is stopping`)
  return { admin: address.base, status }
}
