import { setTimeout } from 'node:timers/promises'
import { type Peers, peersSchema } from '../api/peers-schema.ts'
import { type Status, statusSchema } from '../api/status-schema.ts'
import { ownNode } from './own-node.ts'

/** Ms that a node gets to see its new membership and to reach somebody. */
const PATIENCE = 10_000
const BETWEEN_LOOKS = 200

/**
 * How the node that runs on a data folder stands in a mesh that it was just made a member of: as soon as it is connected, or
 * after a while how far it got. Undefined when no node runs there.
 */
export async function meshOfRunningNode(data: string, mesh: string): Promise<Status['mesh'] | undefined> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const now = await look(data)
    if (!now || (now.state === 'member' && now.id === mesh) || performance.now() > end) return now
    await setTimeout(BETWEEN_LOOKS)
  }
}

/** What becomes of an op that was just written into a data folder, for people. */
export async function spreadText(data: string): Promise<string> {
  const mesh = await look(data)
  if (!mesh) return 'No node runs on the data folder: the mesh hears of it from the next «warren up» on.'
  return mesh.state === 'member'
    ? 'The running node tells the mesh at once.'
    : 'The running node tells the mesh as soon as it is connected.'
}

/** A member that a node sees, or the node itself. */
export type MemberSeen = Pick<Peers['peers'][number], 'id' | 'role' | 'ticket'>

/** The members of its mesh that the node on a data folder sees, and itself; undefined where none runs there, or it is in no mesh. */
export async function membersSeen(data: string): Promise<readonly MemberSeen[] | undefined> {
  const mesh = await look(data)
  if (mesh?.state !== 'member') return undefined
  try {
    const { peers } = peersSchema.parse(await ownNode(data)?.get('/admin/v1/peers'))
    return [...peers, { id: mesh.peer, role: mesh.role ?? 'member', ticket: null }]
  } catch {
    // It is only asked for advice.
    return undefined
  }
}

/** Whether the node on a data folder runs; one that starts or stops does not answer. */
export async function isAnswering(data: string): Promise<boolean> {
  return (await look(data)) !== undefined
}

async function look(data: string): Promise<Status['mesh'] | undefined> {
  try {
    return statusSchema.safeParse(await ownNode(data)?.get('/admin/v1/status')).data?.mesh
  } catch {
    // Its file outlived it.
    return undefined
  }
}
