import { createHash } from 'node:crypto'
import { isWarrenError, WarrenError } from '../../../node/errors.ts'
import { MAX_QUESTION_BYTES } from '../../../node/mesh/blobs/constants.ts'
import type { SeedPeer } from '../../../node/mesh/seeds.ts'
import { PinDesk } from '../../../node/pins/desk.ts'
import type { SeedsOfPins } from '../../../node/pins/keeper.ts'
import { Pins } from '../../../node/pins/pins.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import type { NameRecord } from '../../../node/store/store.ts'
import type { Role } from '../../../node/trust/standing.ts'
import { abortable } from '../../../node/upstream/abortable.ts'
import { VirtualClock } from '../../harness/clock.ts'

/** Ms that a question takes from one seed to another. */
const LATENCY = 5
/** Bytes that go at a time. */
const PIECE = 1_000

/** A seed without a network around it. */
export interface MemorySeed {
  readonly id: string
  readonly store: MemoryStore
  readonly pins: Pins
  readonly desk: PinDesk
  /** Questions that it was asked, by path. */
  readonly asked: Map<string, number>
  /** Bytes of blobs that others fetched from it. */
  sent: number
  /** Ms that each thousand bytes of its blobs take; as long as those of all others if left out. */
  pace?: number
  /** Whether the last one who asked for a blob had been told before that it is busy. */
  askedAgain: boolean
  role: Role
  /** Upstreams that it asks with a login of its own. */
  readonly logins: Set<string>
  readonly troubles: string[]
}

/** Seeds that reach each other in memory and virtual time. */
export class SeedNet {
  readonly clock = new VirtualClock()
  readonly replicas: number
  readonly #seeds = new Map<string, MemorySeed>()
  /** When each came. */
  readonly #since = new Map<string, number>()
  readonly #known = new Set<string>()
  /** What happens to questions and blobs on their way; may throw. */
  disturb: (from: string, to: string, path: string) => void = () => {}
  /** Ms that each thousand bytes of a blob take. */
  pace = 0

  constructor(init: { replicas: number }) {
    this.replicas = init.replicas
  }

  get all(): MemorySeed[] {
    return [...this.#seeds.values()]
  }

  /** Brings a seed into the mesh, with an empty store unless it has one. */
  join(id: string, store = new MemoryStore(), role: Role = 'seed'): MemorySeed {
    const seeds: SeedsOfPins = {
      self: id,
      get isSeed() {
        return seed.role === 'seed'
      },
      others: [],
      ask: async (peer, { method, path, body = Buffer.alloc(0) }, _most, signal) => {
        await this.clock.sleep(LATENCY, signal)
        const other = this.#reach(id, peer, path)
        if (body.length > MAX_QUESTION_BYTES) return { status: 400, body: Buffer.alloc(0) }
        other.asked.set(path, (other.asked.get(path) ?? 0) + 1)
        try {
          const reply = other.desk.at(method, path, { peer: id, role: seed.role })
          const answer = await abortable(Promise.resolve(reply(body)), signal)
          this.#reach(id, peer, path)
          return { status: 200, body: Buffer.from(JSON.stringify(answer)) }
        } catch (error) {
          if (!isWarrenError(error)) throw error
          return { status: error.status, body: Buffer.from(error.message) }
        }
      },
      open: async (peer, { hex }, start, signal, asking) => {
        await this.clock.sleep(LATENCY, signal)
        const other = this.#reach(id, peer, '/blobs/v1/')
        other.askedAgain = asking === 'again'
        const blob = await other.store.blobs.open(hex)
        if (!blob?.bytes) throw new WarrenError('UPSTREAM_ABSENT', `${peer} does not hold it`)
        return { size: blob.size, body: this.#send(id, other, blob.bytes.subarray(start), signal) }
      },
    }
    Object.defineProperty(seeds, 'others', { get: () => this.#othersOf(id) })
    const logins = new Set<string>()
    const troubles: string[] = []
    const pins = new Pins(
      {
        store,
        clock: this.clock,
        home: (key) => key,
        isPrivate: (base) => logins.has(base),
        announce: () => {},
        trouble: (what) => troubles.push(what),
      },
      { replicas: this.replicas },
    )
    const desk = new PinDesk({ pins })
    const seed: MemorySeed = { id, store, pins, desk, asked: new Map(), sent: 0, askedAgain: false, role, logins, troubles }
    this.#seeds.set(id, seed)
    this.#since.set(id, this.clock.now())
    this.#known.add(id)
    pins.start(seeds)
    return seed
  }

  /** It is gone, as after a crash; its store is what it was. */
  async leave(id: string): Promise<MemoryStore> {
    const seed = this.#seeds.get(id) as MemorySeed
    this.#seeds.delete(id)
    this.#since.delete(id)
    await seed.pins.stop()
    return seed.store
  }

  async stop(): Promise<void> {
    for (const { id } of this.all) await this.leave(id)
  }

  /** Lets time pass until nothing is on its way and every seed has swept. */
  async settle(): Promise<void> {
    const from = this.clock.now()
    for (let rounds = 0; rounds < 400; rounds++) {
      await this.clock.advance(2_000)
      if (this.all.every(({ pins }) => isAtRest(pins, from))) return
    }
    throw new Error('the seeds do not come to rest')
  }

  /** Ids of the seeds that have a pin with its bytes, in order. */
  holders(key: string): string[] {
    return this.all.flatMap(({ id, store }) => {
      const record = store.records.get(key)
      return record && store.blobs.find({ algorithm: 'sha256', hex: record.blob }) !== undefined ? [id] : []
    })
  }

  async *#send(to: string, from: MemorySeed, bytes: Buffer, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const pace = from.pace ?? this.pace
      if (pace > 0) await this.clock.sleep(pace, signal)
      this.#reach(to, from.id, '/blobs/v1/')
      const piece = bytes.subarray(at, at + PIECE)
      from.sent += piece.length
      yield piece
    }
  }

  #othersOf(self: string): SeedPeer[] {
    const isSeed = (id: string) => (this.#seeds.get(id)?.role ?? 'seed') === 'seed'
    return [...this.#known].filter((id) => id !== self && isSeed(id)).map((id) => ({ id, since: this.#since.get(id) }))
  }

  #reach(from: string, to: string, path: string): MemorySeed {
    this.disturb(from, to, path)
    const seed = this.#seeds.get(to)
    if (!seed || !this.#seeds.has(from)) throw new WarrenError('UPSTREAM_UNREACHABLE', `${to} is not there`)
    return seed
  }
}

function isAtRest(pins: Pins, from: number): boolean {
  const status = pins.status()
  if (!status) return true
  const { running, endedAt } = status.sweep
  return !running && (endedAt ?? 0) > from && status.seeds.every(({ pending }) => pending === 0)
}

/** A key as grammars make them. */
export function keyOf(name: string, base = 'https://registry.test/'): string {
  return ['npm', base, `${name}/-/${name}-1.0.0.tgz`, '', ''].join('\n')
}

/** Keeps bytes under a key, as a flight does. */
export async function keep(
  store: MemoryStore,
  key: string,
  bytes: Buffer,
  more: Partial<NameRecord> = {},
): Promise<NameRecord> {
  const sha512 = createHash('sha512').update(bytes).digest('hex')
  const staging = store.blobs.stage({ size: bytes.length, algorithms: ['sha512'] })
  staging.write(bytes)
  const record: NameRecord = {
    v: 1,
    blob: (await staging.seal()).sha256,
    size: bytes.length,
    headers: { 'content-type': 'application/octet-stream' },
    fetchedAt: 1,
    checkedAt: 1,
    freshFor: null,
    verified: [`sha512:${sha512}`],
    ...more,
  }
  await staging.commit(new Map([[key, record]]))
  await staging.close()
  return record
}
