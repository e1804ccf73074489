import { generateKey, peerIdOf, type SigningKey } from '../../node/trust/keys.ts'
import { createMesh, issueTicket } from '../../node/trust/membership.ts'
import type { Role } from '../../node/trust/standing.ts'
import { MemberProcess, type MemberProcessInit } from './member-process.ts'
import type { Host } from './network.ts'
import type { TempFolders } from './temp.ts'
import { eventually } from './wait.ts'

const DAY = 24 * 60 * 60_000
/** Nodes that start at the same time: a start is a second of work for a core. */
const STARTED_AT_ONCE = 2
/** Members that each looks for, see `Discovery`. */
const WANTED = 3
const CONNECTED_LIMIT_MS = 120_000
/** Addresses that a ticket names. */
const TICKET_ADDRESSES = 4

export interface ProcessMeshInit {
  /** Settings of all nodes. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface JoinInit {
  /** By default `member`. */
  readonly role?: Role
  /** Settings of this node beside those of all; `mesh` is merged. */
  readonly config?: MemberProcessInit['config']
  /** The machine that it runs on, where not this one. */
  readonly host?: Host
}

/** A mesh of nodes as users run them, each in a process of its own. Whoever created it is away: its seeds join by tickets, too. */
export class MeshOfProcesses implements AsyncDisposable {
  readonly members: MemberProcess[] = []
  readonly #folders: Pick<TempFolders, 'create'>
  readonly #init: ProcessMeshInit
  readonly #founded = createMesh({ peer: peerIdOf(generateKey().publicKey), addresses: [], now: Date.now() })

  constructor(folders: Pick<TempFolders, 'create'>, init: ProcessMeshInit) {
    this.#folders = folders
    this.#init = init
  }

  get seeds(): MemberProcess[] {
    return this.members.filter(({ role }) => role === 'seed')
  }

  /** Of those that run, seeds first. */
  get running(): MemberProcess[] {
    const running = this.members.filter((one) => one.running)
    return running.sort((one, other) => Number(other.role === 'seed') - Number(one.role === 'seed'))
  }

  /** The secret key of the mesh, with which whoever created it is away. */
  get adminKey(): SigningKey {
    return this.#founded.adminKey
  }

  /** Its id and its secret key. */
  get founded(): { readonly mesh: string; readonly adminKey: SigningKey } {
    return { mesh: this.#founded.membership.mesh, adminKey: this.adminKey }
  }

  /** A ticket that leads to members which run now. */
  async ticket(role: Role = 'member'): Promise<string> {
    const statuses = await Promise.all(this.running.slice(0, TICKET_ADDRESSES).map((one) => one.status()))
    const addresses = statuses.flatMap(({ mesh }) => mesh.listen.slice(0, 1))
    const now = Date.now()
    return issueTicket({ ...this.#founded, role, notAfter: now + DAY, now, addresses })
  }

  /** A further node, which runs but may not be connected yet. */
  async join({ role = 'member', config, host }: JoinInit = {}): Promise<MemberProcess> {
    const name = `${role}-${this.members.length}`
    const member = new MemberProcess(
      { ticket: () => this.ticket(role) },
      { name, role, data: this.#folders.create(name), config: merged(this.#init.config, config), host },
    )
    this.members.push(member)
    await member.start()
    return member
  }

  /** So many further nodes, a few at a time; each is told of those that run already. */
  joinAll(count: number, init: JoinInit = {}): Promise<MemberProcess[]> {
    return startSome(count, () => this.join(init))
  }

  /**
   * Resolves when each of them is connected with all others of them, or with as many as a member looks for, there is a way between any
   * two, and each knows whether it can be reached.
   */
  async connected(among: readonly MemberProcess[] = this.running): Promise<void> {
    const wanted = Math.min(WANTED, among.length - 1)
    for (const one of among) {
      const isConnected = async () => {
        const { peers, reachable } = (await one.status()).mesh
        return peers >= wanted && (wanted === 0 || reachable !== null)
      }
      await eventually(`${one.name} is connected with ${wanted}`, isConnected, CONNECTED_LIMIT_MS).catch((error) => {
        throw new Error(`it wrote:\n${one.output.slice(-2000)}`, { cause: error })
      })
    }
    await eventually('there is a way between any two', () => areOne(among), CONNECTED_LIMIT_MS)
  }

  /** Ends all of them at once. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const outcomes = await Promise.allSettled(this.members.map((one) => one.stop()))
    const failure = outcomes.find(({ status }) => status === 'rejected')
    if (failure?.status === 'rejected') throw failure.reason
  }
}

async function areOne(members: readonly MemberProcess[]): Promise<boolean> {
  const ways = new Map<string, readonly string[]>()
  for (const one of members) {
    ways.set(
      one.peer,
      (await one.peers()).flatMap(({ id, connected }) => (connected ? [id] : [])),
    )
  }
  const reached = new Set([...ways.keys()].slice(0, 1))
  // A set is gone through in the order of its making, also what is added meanwhile.
  for (const id of reached) for (const next of ways.get(id) ?? []) if (ways.has(next)) reached.add(next)
  return reached.size === members.length
}

/** Starts so many, a few at a time, and waits for those that are starting when one fails: nobody else would end them. */
export async function startSome<T>(count: number, start: () => Promise<T>): Promise<T[]> {
  const started: T[] = []
  let left = count
  const worker = async () => {
    try {
      while (left-- > 0) started.push(await start())
    } catch (error) {
      left = 0
      throw error
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: STARTED_AT_ONCE }, worker))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return started
}

function merged(
  all: ProcessMeshInit['config'],
  own: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { ...all, ...own, mesh: { ...(all.mesh as object), ...(own.mesh as object) } }
}
