import type { Plan } from '../../../node/cache/plan.ts'
import { type MemoryMesh, MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import { ChunkLists } from '../../../node/mesh/swarm/chunk-lists.ts'
import { LARGE_BYTES, MEMBER_FAN_OUT, SEED_FAN_OUT } from '../../../node/mesh/swarm/constants.ts'
import { Handout } from '../../../node/mesh/swarm/handout.ts'
import { Uploads } from '../../../node/mesh/swarm/uploads.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { StoreShelf } from '../../../node/store-shelf.ts'
import type { MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { type Kit, makeCache } from './fixture.ts'

/** Bytes a ms of a gigabit. */
const GIGABIT = 125_000

export interface SwarmMember {
  readonly id: string
  readonly kit: Kit
  readonly mesh: MemoryMesh
  /** Bytes that went from here to other members. */
  sent: number
  /** Bytes a ms, each way. */
  rate: number
}

/** Members of one mesh, each with a whole cache, on links of limited speed in time that a test moves. */
export class Swarm {
  readonly clock = new VirtualClock()
  readonly members: SwarmMember[] = []
  readonly #network = new MemoryNetwork()

  /** The members that are seeds come first. `script` is the upstream of each. */
  constructor(init: { readonly seeds: number; readonly peers: number; readonly script?: MemoryScript }) {
    for (let at = 0; at < init.seeds; at++) this.join(`seed${at}`, 'seed', init.script)
    for (let at = 0; at < init.peers; at++) this.join(`peer${at}`, 'peer', init.script)
  }

  get seeds(): SwarmMember[] {
    return this.members.filter(({ mesh }) => mesh.kind === 'seed')
  }

  get peers(): SwarmMember[] {
    return this.members.filter(({ mesh }) => mesh.kind === 'peer')
  }

  /** Bytes that the seeds sent, as a share of all that members got. */
  seedShare(): number {
    const all = this.members.reduce((sum, { sent }) => sum + sent, 0)
    return this.seeds.reduce((sum, { sent }) => sum + sent, 0) / all
  }

  join(id: string, kind: 'seed' | 'peer', script: MemoryScript = () => ({ status: 503 })): SwarmMember {
    const { clock } = this
    const mesh = this.#network.join({ id, kind })
    const store = new MemoryStore()
    const kit = makeCache({ mesh, store, clock, script })
    const shelf = new StoreShelf({ store, partial: (digest) => kit.cache.partial(digest) })
    const usable = (peer: string) => this.members.some((other) => other.id === peer && this.#network.members.has(other.mesh))
    const uploads = new Uploads(
      { clock, usable },
      { slots: 8, fanOut: () => (kind === 'seed' ? SEED_FAN_OUT : MEMBER_FAN_OUT) },
    )
    const member: SwarmMember = { id, kit, mesh, sent: 0, rate: GIGABIT }
    let free = 0
    mesh.serving = {
      shelf,
      handout: new Handout({ shelf, uploads, clock }),
      lists: new ChunkLists({ shelf, clock }),
      pass: async (to, bytes, signal) => {
        const other = this.members.find((one) => one.id === to)
        free = Math.max(free, clock.now()) + bytes / member.rate
        const slower = bytes / Math.min(member.rate, other?.rate ?? GIGABIT)
        await clock.sleep(Math.ceil(Math.max(free - clock.now(), slower)), signal)
        member.sent += bytes
      },
    }
    this.members.push(member)
    return member
  }

  /** Lets a member fetch it, and lets time pass until it is kept or has failed. */
  async fetchAll(members: readonly SwarmMember[], plan: Plan, most = 120_000): Promise<PromiseSettledResult<Buffer>[]> {
    let over = false
    const all = Promise.allSettled(
      members.map(async ({ kit }, at) => {
        // A moment after whoever fetches it for all.
        if (at > 0) await this.clock.sleep(10)
        return kit.fetch(plan)
      }),
    ).finally(() => {
      over = true
    })
    for (let passed = 0; !over; passed += 20) {
      if (passed > most) throw new Error('they are not done')
      await this.clock.advance(20)
    }
    return all
  }
}

export const LARGE = LARGE_BYTES + (3 << 20) + 12_345
