import { type Digest, formatDigest } from '../digest.ts'
import type { BlobSource, Mesh, Seed } from './mesh.ts'
import { ranked } from './rendezvous.ts'

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

export interface MemberInit {
  readonly id: string
  /** `peer` by default. */
  readonly kind?: 'peer' | 'seed'
  /** Ms; 20 by default. */
  readonly headStart?: number
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
  readonly headStart: number
  /** Digests that this member told the others of. */
  readonly announced: string[] = []
  /** Ids of the members that this one complained about, as often as it did. */
  readonly blamed: string[] = []
  fault: Fault = {}
  /** How this member answers as a seed; it is not asked for names without it. */
  answers: Seed['ask'] | undefined
  /** How often others asked this member for a blob. */
  asked = 0
  /** Bodies that this member is sending. */
  sending = 0
  readonly #network: MemoryNetwork
  readonly #held = new Map<string, Buffer>()

  constructor(network: MemoryNetwork, init: MemberInit) {
    this.#network = network
    this.id = init.id
    this.kind = init.kind ?? 'peer'
    this.headStart = init.headStart ?? 20
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
    for (const member of this.#joined ? this.#network.members : []) {
      const bytes = member.#held.get(formatDigest(digest))
      if (member === this || !bytes || this.blamed.includes(member.id)) continue
      yield {
        id: member.id,
        kind: member.kind,
        open: (start, opened) => member.#open(bytes, start, opened),
        blame: () => void this.blamed.push(member.id),
      }
      signal.throwIfAborted()
    }
  }

  seeds(key: string): Seed[] {
    const all = [...(this.#joined ? this.#network.members : [])].filter(({ kind, answers }) => kind === 'seed' && answers)
    const byId = new Map(all.map((member) => [member.id, member]))
    const order = ranked(key, [...byId.keys()])
    const before = byId.has(this.id) ? order.slice(0, order.indexOf(this.id)) : order
    return before.flatMap((id) => {
      const ask = byId.get(id)?.answers
      return ask ? [{ id, ask }] : []
    })
  }

  announce(digests: readonly Digest[]): void {
    this.announced.push(...digests.map(formatDigest))
  }

  async close(): Promise<void> {
    this.#network.members.delete(this)
  }

  get #joined(): boolean {
    return this.#network.members.has(this)
  }

  async #open(bytes: Buffer, start: number, signal: AbortSignal): Promise<{ size: number; body: AsyncIterable<Buffer> }> {
    this.asked++
    signal.throwIfAborted()
    const { refuse, silent, size = bytes.length } = this.fault
    if (refuse) throw new Error(`${this.id} does not have it after all`)
    if (silent) await aborted(signal)
    return { size, body: this.#send(bytes, start, signal) }
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

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}
