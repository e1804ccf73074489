import type { IncomingMessage, ServerResponse } from 'node:http'
import { pino } from 'pino'
import { type Clock, systemClock } from '../../node/clock.ts'
import { MemberDoor } from '../../node/http/member-door.ts'
import { RenderedCache } from '../../node/http/rendered.ts'
import { ScratchPool } from '../../node/http/scratch-pool.ts'
import { Sender } from '../../node/http/sender.ts'
import type { OpBodies, OpType } from '../../node/ledger/effect.ts'
import { Ledger } from '../../node/ledger/ledger.ts'
import type { Op } from '../../node/ledger/op.ts'
import { certifySeed } from '../../node/ledger/seeds.ts'
import { memberServices } from '../../node/member-services.ts'
import type { Libp2pMesh } from '../../node/mesh/libp2p-mesh.ts'
import { type Answering, type MeshComponents, type MeshInit, openMesh } from '../../node/mesh/open-mesh.ts'
import type { SigningKey } from '../../node/trust/keys.ts'
import { createMesh, issueTicket, joinMesh, type Membership } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { loadNodeKey, type NodeKey } from '../../node/trust/node-key.ts'
import type { Role } from '../../node/trust/standing.ts'
import { decodeTicket } from '../../node/trust/ticket.ts'
import { MemoryShelf } from './memory-shelf.ts'
import type { TempFolders } from './temp.ts'
import { eventually } from './wait.ts'

const DAY = 24 * 60 * 60_000
/** Ms that a member may take to join, whatever else this machine has to do. */
const LONG = 60_000

/** `honest` answers as a member does that means well. */
type MemberAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
  member: { readonly peer: string },
  honest: () => void,
) => void

export interface MemberInit {
  /** A member that was closed and comes back, with all that it kept. */
  readonly again?: Member
  /** What it joins by; a ticket of its own if left out. */
  readonly ticket?: string
  readonly role?: Role
  /** Whether the secret key of the mesh is where this member can use it; for the first one only. */
  readonly keepsAdminKey?: boolean
  readonly shelf?: MemoryShelf
  /** Answers requests for blobs in the place of what an honest member has for it. */
  readonly answer?: MemberAnswer
  /** The system's if left out. */
  readonly clock?: Clock
  readonly mesh?: Partial<MeshInit>
  /** Gets the seeds of the mesh. */
  readonly pins?: MeshComponents['pins']
  /** What the ledger means to it. */
  readonly effects?: MeshComponents['effects']
}

export interface Member {
  /** Peer id. */
  readonly id: string
  readonly data: string
  readonly mesh: Libp2pMesh
  readonly shelf: MemoryShelf
  /** Answers to other members that are under way. */
  readonly sending: number
}

export interface MembersInit {
  /** Gives out tickets of the mesh that they join; without it the first member makes one. */
  readonly ticket?: (init: { readonly role?: Role }) => string
}

/** Members of one mesh, in this process and without the rest of a node, on free ports of 127.0.0.1. */
export class Members {
  readonly all: Member[] = []
  readonly #folders: Pick<TempFolders, 'create'>
  readonly #init: MembersInit
  #founded: { readonly membership: Membership; readonly adminKey: SigningKey } | undefined

  constructor(folders: Pick<TempFolders, 'create'>, init: MembersInit = {}) {
    this.#folders = folders
    this.#init = init
  }

  /** The secret key of the mesh; the first member must be there. */
  get adminKey(): SigningKey {
    if (!this.#founded) throw new Error('nobody has made the mesh yet')
    return this.#founded.adminKey
  }

  /** Issues an op where a member is, as another process does on its machine. */
  issue<Type extends OpType>(member: Member, type: Type, body: OpBodies[Type]): Op {
    const op = this.ledgerOf(member).issue(type, body, this.adminKey, Date.now())
    member.mesh.refresh()
    return op
  }

  /** Makes a member a seed, by an op that is issued where another one is. */
  certify(where: Member, seed: Member, notAfter = Date.now() + DAY): Op {
    const op = certifySeed(this.ledgerOf(where), { peer: seed.id, notAfter }, this.adminKey, Date.now())
    where.mesh.refresh()
    return op
  }

  /** Whether a member has kept such an op. */
  knows(member: Member, is: (op: Op) => boolean): boolean {
    return this.ledgerOf(member).all().some(is)
  }

  /** What a member has kept of the ledger. */
  ledgerOf(member: Member): Ledger {
    const folder = new MeshFolder(member.data).path
    return new Ledger({ onTrouble: fail }, { folder, adminKey: this.adminKey.publicKey })
  }

  /** What a joiner gets; the first member must be there. */
  ticket(init: { role?: Role; notAfter?: number } = {}): string {
    if (!this.#founded) throw new Error('nobody has made the mesh yet')
    const now = Date.now()
    const { membership, adminKey } = this.#founded
    const addresses = this.all.flatMap(({ mesh }) => mesh.status().listen).slice(0, 4)
    const { role = 'member', notAfter = now + DAY } = init
    return issueTicket({ adminKey, membership, role, notAfter, now, addresses })
  }

  /** A further member, not yet connected; the first one makes the mesh. */
  async open(init: MemberInit = {}): Promise<Member> {
    const data = init.again?.data ?? this.#folders.create('member')
    const key = loadNodeKey(data)
    const shelf = init.shelf ?? new MemoryShelf()
    let sending = 0
    const clock = init.clock ?? systemClock
    const answering: MeshComponents['answering'] = (mesh) => {
      const door = doorOf({ shelf, clock }, mesh)
      return (request, response, member) => {
        sending++
        response.once('close', () => {
          sending--
        })
        const honest = () => void door.handle(request, response, member)
        if (init.answer) init.answer(request, response, member, honest)
        else honest()
      }
    }
    const membership = (init.ticket === undefined && init.again?.mesh.membership) || this.#membershipOf(key, init)
    if (init.keepsAdminKey) new MeshFolder(data).writeAdminKey(this.adminKey)
    const mesh = await openMesh(
      {
        key,
        membership,
        shelf,
        clock,
        log: pino({ level: 'silent' }),
        answering,
        ...(init.pins && { pins: init.pins }),
      },
      { ...INIT, data, ...init.mesh },
    )
    // As a node tells its mesh of what it has fetched.
    shelf.onHold = (digests) => mesh.announce(digests)
    const member: Member = {
      id: key.peerId,
      data,
      mesh,
      shelf,
      get sending() {
        return sending
      },
    }
    this.all.push(member)
    return member
  }

  /** A further member that is connected and knows that it can be reached. */
  async join(init: MemberInit = {}): Promise<Member> {
    const member = await this.open(init)
    await eventually('the member is connected and can be reached', () => member.mesh.status().reachable === true, LONG)
    return member
  }

  async close(): Promise<void> {
    await Promise.all(this.all.splice(0).map(({ mesh }) => mesh.close()))
  }

  #membershipOf(key: NodeKey, { role, ticket: given }: MemberInit): Membership {
    const now = Date.now()
    const make = this.#init.ticket ?? (this.#founded && ((joiner) => this.ticket(joiner)))
    const ticket = given ?? make?.({ ...(role && { role }) })
    if (ticket !== undefined) return joinMesh({ ticket: decodeTicket(ticket), peer: key.peerId, now })
    this.#founded = createMesh({ peer: key.peerId, addresses: [], now })
    return this.#founded.membership
  }
}

const ANY = { host: '127.0.0.1', port: 0 }
const INIT: Omit<MeshInit, 'data'> = {
  listen: ANY,
  blobs: ANY,
  announce: [],
  bootstrap: [],
  mdns: false,
  names: 'seeds',
  dht: 'auto',
  version: '0.0.0-test',
}

function fail(error: unknown): never {
  throw error
}

function doorOf(parts: { readonly shelf: MemoryShelf; readonly clock: Clock }, { sent, ...mesh }: Answering): MemberDoor {
  const sender = new Sender({ pool: new ScratchPool(), rendered: new RenderedCache({ onTrouble: fail }, { bytes: 0 }) })
  const services = memberServices({ ...parts, sender }, mesh, { uploads: 8, uploadRate: undefined })
  return new MemberDoor({ services, purges: mesh.purges, events: { sent, bug: fail } })
}
