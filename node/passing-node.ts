import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isWarrenError, WarrenError } from './errors.ts'
import { MeshFolder } from './trust/mesh-folder.ts'
import { standingOf } from './trust/standing.ts'

/** Is there, with the peer id of the node, from its start until it has removed who it was. */
const MARK = 'passing'

/** What makes a node somebody: its key, its mesh, its token and what was changed at it. The store is not among it. */
const IDENTITY = ['mesh', 'node.key', 'node.token', 'node.json', 'overlay.json', 'audit.log', MARK]

export interface PassingNode {
  /** Removes who the node was, and leaves what it cached, for whoever starts there next. */
  remove(): void
}

/**
 * A node that is there for one job. Throws MESH_CONFLICT where a mesh would lose what nobody can make again: the admin key, or a seed.
 * @param data its data folder, which no other process uses
 */
export function passingNode(data: string, peer: string): PassingNode {
  const needed = neededFor(data, peer)
  if (needed !== undefined)
    throw new WarrenError('MESH_CONFLICT', `mesh.ephemeral is for nodes that nobody misses, and ${needed}: set it to false`)
  writeFileSync(join(data, MARK), peer, { mode: 0o600 })
  return { remove: () => removeIdentity(data, peer) }
}

/**
 * Removes who such a node was where it was killed before it could. Else whoever starts there next would be that member: a job of a fork,
 * which gets no ticket.
 * @param runs whether a node uses the folder now
 */
export async function forgetKilled(data: string, runs: (data: string) => Promise<boolean>): Promise<void> {
  const mark = join(data, MARK)
  if (existsSync(mark) && !(await runs(data))) removeIdentity(data, readFileSync(mark, 'utf8'))
}

function removeIdentity(data: string, peer: string): void {
  // It may have become a seed since.
  if (neededFor(data, peer) !== undefined) return
  for (const name of IDENTITY) rmSync(join(data, name), { recursive: true, force: true })
}

/** Why a mesh needs the node; undefined where it does not. */
function neededFor(data: string, peer: string): string | undefined {
  const folder = new MeshFolder(data)
  if (existsSync(folder.adminKeyFile)) return 'this one has the admin key of its mesh'
  const membership = folder.membership()
  if (!membership) return undefined
  try {
    const { role } = standingOf(membership.chain, { adminKey: membership.adminKey, peer, now: Date.now() })
    return role === 'seed' ? 'this one is a seed' : undefined
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return undefined
    throw error
  }
}
