import { createHash } from 'node:crypto'
import type { Body } from '../body.ts'
import { type Digest, formatDigest } from '../digest.ts'
import { METERED_HEAD_START } from './head-start.ts'
import type { BlobSource, ChunkSource, Mesh, Seed } from './mesh.ts'
import { ranked } from './rendezvous.ts'
import type { Shelf } from './shelf.ts'
import type { Asking } from './swarm/asking.ts'
import type { ChunkLists } from './swarm/chunk-lists.ts'
import { CHUNK_BYTES, LARGE_BYTES } from './swarm/constants.ts'
import type { Handout } from './swarm/handout.ts'

/** How a member of a memory mesh misbehaves when it is asked for a blob. Byte counts are of what it sends. */
export interface Fault {
  /** Refuses to open the blob. */
  readonly refuse?: boolean
  /** Never answers. */
  readonly silent?: boolean
  /** Says that the blob has this length. */
  readonly size?: number
  /** Sends this many bytes and then breaks off with an error. */
  readonly cutAfter?: number
  /** Sends this many bytes and then nothing more. */
  readonly stallAfter?: number
  /** Sends this many bytes and ends as if that were all. */
  readonly shortAfter?: number
  /** Sends this many bytes more than there are. */
  readonly surplus?: number
  /** Sends a wrong byte at this offset of the blob. */
  readonly flipAt?: number
}

/** What a member has besides what it is given by `hold`. */
export interface Serving {
  readonly shelf: Pick<Shelf, 'has' | 'partial'>
  readonly handout: Handout
  readonly lists: ChunkLists
  /** Resolves when so many bytes have gone from here to that member. */
  pass(to: string, bytes: number, signal: AbortSignal): Promise<void>
}

export interface MemberInit {
  readonly id: string
  /** `peer` by default. */
  readonly kind?: 'peer' | 'seed'
  /** Ms; 20 by default. */
  readonly headStart?: number
  /** Whether it knows what the others have, so that there is no head start for what nobody has; not by default. */
  readonly knowsAll?: boolean
}

/** What joins memory meshes: who is there. */
export class MemoryNetwork {
  readonly members = new Set<MemoryMesh>()

  join(init: MemberInit): MemoryMesh {
    const member = new MemoryMesh(this, init)
    this.members.add(member)
    return member
  }
}

/** The in-memory twin of the mesh, with knobs for faults. */
export class MemoryMesh implements Mesh {
  readonly id: string
  readonly kind: 'peer' | 'seed'
  /** Digests that this member told the others of. */
  readonly announced: string[] = []
  /** Ids of the members that this one complained about, as often as it did. */
  readonly blamed: string[] = []
  /** Ids of those that kept this one waiting, likewise. */
  readonly stalled: string[] = []
  fault: Fault = {}
  /** How this member answers as a seed; it is not asked for names without it. */
  answers: Seed['ask'] | undefined
  /** How small blobs come to this member in one piece; not at all without it. */
  small: Mesh['small'] = () => undefined
  /** Whether others leave it alone for a while, because it failed. */
  isPaused = false
  serving: Serving | undefined
  /** How often others asked this member for a blob. */
  asked = 0
  /** Bodies that this member is sending. */
  sending = 0
  readonly #network: MemoryNetwork
  readonly #headStart: number
  readonly #knowsAll: boolean
  readonly #held = new Map<string, Buffer>()

  constructor(network: MemoryNetwork, init: MemberInit) {
    this.#network = network
    this.id = init.id
    this.kind = init.kind ?? 'peer'
    this.#headStart = init.headStart ?? 20
    this.#knowsAll = init.knowsAll ?? false
  }

  get relies(): boolean {
    return this.kind === 'peer'
  }

  get populated(): boolean {
    return this.#joined && this.#network.members.size > 1
  }

  /** Gives this member a blob, as if it had fetched it. */
  hold(digest: Digest, bytes: Buffer): void {
    this.#held.set(formatDigest(digest), bytes)
  }

  async *find(digest: Digest, signal: AbortSignal): AsyncGenerator<BlobSource, void> {
    signal.throwIfAborted()
    for (const member of this.#others()) {
      if (!member.#has(digest)) continue
      yield this.#source(member, digest)
      signal.throwIfAborted()
    }
  }

  source(peer: string, digest: Digest): BlobSource | undefined {
    const member = this.#others().find(({ id }) => id === peer)
    return member && this.#source(member, digest)
  }

  seeds(key: string, which: 'promising' | 'connected' = 'promising'): Seed[] {
    const seeds = [...(this.#joined ? this.#network.members : [])].filter(({ kind, answers }) => kind === 'seed' && answers)
    const all = seeds.filter(({ isPaused }) => which === 'connected' || !isPaused)
    const byId = new Map(all.map((member) => [member.id, member]))
    const order = ranked(key, [...byId.keys()])
    const before = byId.has(this.id) ? order.slice(0, order.indexOf(this.id)) : order
    return before.flatMap((id) => {
      const ask = byId.get(id)?.answers
      return ask ? [{ id, isSeed: true, isFar: false, ask }] : []
    })
  }

  chunkSources(digest: Digest): readonly ChunkSource[] {
    return this.#others().flatMap((member) => (member.kind === 'seed' ? [this.#chunksOf(member, digest)] : []))
  }

  headStart(digests: readonly Digest[], { metered }: { readonly metered: boolean }): number {
    const names = digests.map(formatDigest)
    const isHeld = ({ id, held }: { id: string; held: ReadonlyMap<string, Buffer> }) =>
      id !== this.id && names.some((one) => held.has(one))
    const others = [...this.#network.members].map((member) => ({ id: member.id, held: member.#held }))
    if (this.#knowsAll && !others.some(isHeld)) return 0
    return metered ? METERED_HEAD_START : this.#headStart
  }

  announce(digests: readonly Digest[]): void {
    this.announced.push(...digests.map(formatDigest))
  }

  withdraw(digests: readonly Digest[]): void {
    const gone = new Set(digests.map(formatDigest))
    this.announced.splice(0, Infinity, ...this.announced.filter((name) => !gone.has(name)))
  }

  async close(): Promise<void> {
    this.#network.members.delete(this)
  }

  get #joined(): boolean {
    return this.#network.members.has(this)
  }

  #others(): MemoryMesh[] {
    if (!this.#joined) return []
    return [...this.#network.members].filter((member) => member !== this && !this.blamed.includes(member.id))
  }

  /** A seed is found also while it fetches. */
  #has(digest: Digest): boolean {
    if (this.#held.has(formatDigest(digest)) || this.serving?.shelf.has(digest)) return true
    return this.kind === 'seed' && (this.serving?.shelf.partial(digest)?.size ?? 0) > LARGE_BYTES
  }

  #source(member: MemoryMesh, digest: Digest): BlobSource {
    return {
      id: member.id,
      kind: member.kind,
      open: (start, signal, asking = 'first') => member.#open(digest, { start, asking, by: this.id }, signal),
      named: (peer) => this.source(peer, digest),
      blame: () => void this.blamed.push(member.id),
      stalled: () => void this.stalled.push(member.id),
    }
  }

  #chunksOf(seed: MemoryMesh, digest: Digest): ChunkSource {
    return {
      id: seed.id,
      page: async (from, waits, signal) => {
        const bytes = seed.#held.get(formatDigest(digest))
        if (bytes) return { size: bytes.length, sure: true, hashes: hashesOf(bytes, from) }
        if (!seed.serving) throw new Error(`${seed.id} has no chunk list`)
        return seed.serving.lists.page(digest, from, waits, signal)
      },
      blame: () => void this.blamed.push(seed.id),
    }
  }

  async #open(
    digest: Digest,
    { start, asking, by }: { start: number; asking: Asking; by: string },
    signal: AbortSignal,
  ): Promise<{ size: number; body: AsyncIterable<Buffer> }> {
    this.asked++
    signal.throwIfAborted()
    const { refuse, silent } = this.fault
    if (refuse) throw new Error(`${this.id} does not have it after all`)
    if (silent) await aborted(signal)
    const bytes = this.#held.get(formatDigest(digest))
    if (bytes) return { size: this.fault.size ?? bytes.length, body: this.#send(bytes, start, signal) }
    if (!this.serving) throw new Error(`${this.id} does not have it`)
    const { body } = await this.serving.handout.open({ digest, peer: by, start, asking }, () => signal)
    return { size: this.fault.size ?? body.size ?? 0, body: this.#pass(this.serving, body, { start, to: by }, signal) }
  }

  /** What it has of it goes out while it comes. */
  async *#pass(
    serving: Serving,
    body: Body,
    { start, to }: { start: number; to: string },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    const { cutAfter = Number.POSITIVE_INFINITY, flipAt = -1 } = this.fault
    this.sending++
    try {
      for (let at = start; ; ) {
        signal.throwIfAborted()
        const read = await body.read(at, CHUNK_BYTES, (size) => Buffer.allocUnsafe(size))
        if (read.length === 0) return
        const piece = flipAt >= at && flipAt < at + read.length ? flipped(read, flipAt - at) : read
        await serving.pass(to, piece.length, signal)
        yield piece
        at += piece.length
        if (at - start >= cutAfter) throw new Error(`${this.id} went away`)
      }
    } finally {
      this.sending--
      body.close()
    }
  }

  async *#send(bytes: Buffer, start: number, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    const { cutAfter, stallAfter, shortAfter, surplus = 0, flipAt = -1 } = this.fault
    const stop = Math.min(...[cutAfter, stallAfter, shortAfter].map((after) => start + (after ?? Number.POSITIVE_INFINITY)))
    const all = Buffer.concat([bytes, Buffer.alloc(surplus)])
    if (flipAt >= 0) all[flipAt] = (all[flipAt] ?? 0) ^ 0xff
    this.sending++
    try {
      for (let at = start; at < Math.min(stop, all.length); at += PIECE) {
        signal.throwIfAborted()
        yield all.subarray(at, Math.min(at + PIECE, stop))
      }
      signal.throwIfAborted()
      if (stop - start === cutAfter) throw new Error(`${this.id} went away`)
      if (stop - start === stallAfter) await aborted(signal)
    } finally {
      this.sending--
    }
  }
}

/** Bytes that a socket yields at a time. */
const PIECE = 64 << 10

function flipped(bytes: Buffer, at: number): Buffer {
  const wrong = Buffer.from(bytes)
  wrong[at] = (wrong[at] ?? 0) ^ 0xff
  return wrong
}

function hashesOf(bytes: Buffer, from: number): Buffer {
  const hashes: Buffer[] = []
  for (let at = from * CHUNK_BYTES; at < bytes.length; at += CHUNK_BYTES) {
    hashes.push(
      createHash('sha256')
        .update(bytes.subarray(at, at + CHUNK_BYTES))
        .digest(),
    )
  }
  return Buffer.concat(hashes)
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}
