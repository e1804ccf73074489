import type { SigningKey } from '../../node/trust/keys.ts'
import { createMesh, issueTicket, joinMesh, type Membership } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../node/trust/node-key.ts'
import type { Role } from '../../node/trust/standing.ts'
import { decodeTicket } from '../../node/trust/ticket.ts'
import { type StartedNode, type StartNodeInit, startNode } from './start-node.ts'
import type { TempFolders } from './temp.ts'
import { eventually } from './wait.ts'

const DAY = 24 * 60 * 60_000

export interface MeshNode extends StartedNode {
  readonly data: string
  /** Peer id. */
  readonly peer: string
  /** Leaves the mesh, as another process on its machine makes it. */
  leave(): void
}

export type MeshNodeInit = Omit<StartNodeInit, 'data'>

/** A mesh of nodes in this process, each with its own data folder and free ports of 127.0.0.1. The first one is its seed. */
export class TestMesh {
  readonly seed: MeshNode
  readonly membership: Membership
  readonly adminKey: SigningKey
  readonly #folders: TempFolders

  private constructor(folders: TempFolders, seed: MeshNode, membership: Membership, adminKey: SigningKey) {
    this.#folders = folders
    this.seed = seed
    this.membership = membership
    this.adminKey = adminKey
  }

  static async create(folders: TempFolders, init: MeshNodeInit): Promise<TestMesh> {
    const data = folders.create('seed')
    const peer = loadNodeKey(data).peerId
    const { membership, adminKey } = createMesh({ peer, addresses: [], now: Date.now() })
    new MeshFolder(data).writeMembership(membership)
    const seed = await startNode({ ...init, data })
    const { listen } = (await seed.status()).mesh
    return new TestMesh(folders, meshNode(seed, data, peer), { ...membership, addresses: listen }, adminKey)
  }

  /** A ticket, encoded. */
  ticket(init: { role?: Role; notAfter?: number; addresses?: readonly string[] } = {}): string {
    const now = Date.now()
    const { role = 'member', notAfter = now + DAY, ...where } = init
    return issueTicket({ adminKey: this.adminKey, membership: this.membership, role, notAfter, now, ...where })
  }

  /** A node that has joined by a ticket; resolves when it is connected. @param init.addresses where it looks for others */
  async join(init: MeshNodeInit & { role?: Role; addresses?: readonly string[] }): Promise<MeshNode> {
    const { role = 'member', addresses, ...rest } = init
    const data = this.#folders.create(role)
    const peer = loadNodeKey(data).peerId
    const ticket = decodeTicket(this.ticket({ role, ...(addresses ? { addresses } : {}) }))
    new MeshFolder(data).writeMembership(joinMesh({ ticket, peer, now: Date.now() }))
    return this.#started(await startNode({ ...rest, data }), data, peer)
  }

  /** A node that was stopped, and comes back with all that it keeps; resolves when it is connected. */
  async again({ data, peer }: MeshNode, init: MeshNodeInit): Promise<MeshNode> {
    return this.#started(await startNode({ ...init, data }), data, peer)
  }

  async #started(node: StartedNode, data: string, peer: string): Promise<MeshNode> {
    await eventually('the node is connected and knows whether it can be reached', async () => {
      const { mesh } = await node.status()
      return mesh.state === 'member' && mesh.reachable !== null
    })
    return meshNode(node, data, peer)
  }
}

function meshNode(node: StartedNode, data: string, peer: string): MeshNode {
  return { ...node, data, peer, leave: () => new MeshFolder(data).leave() }
}
