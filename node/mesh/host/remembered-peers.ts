import { join } from 'node:path'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { reasonOf } from '../../errors.ts'
import { readSecretFile, writeSecretFile } from '../../trust/secret-file.ts'

const MAX_PEERS = 64
/** Where one peer was reached lately: a machine has few addresses, and an old one may be another machine's by now. */
const MAX_ADDRESSES = 4
/** Ms after which nobody expects a peer where it was. */
const MEMORY = 30 * 24 * 60 * 60_000
/** Ms between two writes: a whole farm may come and go in a minute. */
const PAUSE = 30_000

const peerSchema = z.object({
  id: z.string().regex(/^12D3KooW\w{44}$/),
  addresses: z
    .array(z.string().regex(/^\/[\x21-\x7e]{1,127}$/))
    .min(1)
    .max(MAX_ADDRESSES),
  lastSeen: z.int().nonnegative(),
})
const fileSchema = z.object({ v: z.literal(1), peers: z.array(peerSchema).max(MAX_PEERS) })

/** A member that this node was connected with, and where. */
export interface RememberedPeer {
  readonly id: string
  /** Multiaddrs, the one that was of use last first. */
  readonly addresses: readonly string[]
  /** Ms since the epoch. */
  readonly lastSeen: number
}

/**
 * Members that this node has met, kept over a restart: the addresses of the ticket may be gone by then. They are a hint, so a
 * file that cannot be read or written is told of and costs nothing but the hint.
 */
export class RememberedPeers {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #path: string
  /** Seen last comes last. */
  readonly #peers = new Map<string, RememberedPeer>()
  readonly #stopped = new AbortController()
  #writing: Promise<void> | undefined
  #changed = false

  /** Reads what there is. */
  constructor(components: { clock: Clock; log: Logger }, init: { folder: string }) {
    this.#clock = components.clock
    this.#log = components.log
    this.#path = join(init.folder, 'peers.json')
    for (const peer of this.#read()) this.#peers.set(peer.id, peer)
    this.#forget()
  }

  /** Those seen last first. */
  all(): RememberedPeer[] {
    return [...this.#peers.values()].reverse()
  }

  /** A peer is connected, and can be reached at these multiaddrs. */
  saw(id: string, addresses: readonly string[]): void {
    const known = this.#peers.get(id)?.addresses ?? []
    const merged = [...new Set([...addresses, ...known])].slice(0, MAX_ADDRESSES)
    const peer = peerSchema.safeParse({ id, addresses: merged, lastSeen: this.#clock.now() })
    if (!peer.success) return
    this.#peers.delete(id)
    this.#peers.set(id, peer.data)
    this.#forget()
    this.#changed = true
    this.#writing ??= this.#writeSoon()
  }

  /** Writes what was not written yet. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#writing
  }

  async #writeSoon(): Promise<void> {
    await this.#clock.sleep(PAUSE, this.#stopped.signal).catch(() => {})
    this.#writing = undefined
    if (!this.#changed) return
    this.#changed = false
    try {
      writeSecretFile(this.#path, JSON.stringify({ v: 1, peers: this.all() }))
    } catch (error) {
      this.#log.warn(`the members that this node met are not remembered: ${reasonOf(error)}`)
    }
  }

  #read(): RememberedPeer[] {
    try {
      const text = readSecretFile(this.#path)
      return text === undefined
        ? []
        : fileSchema.parse(JSON.parse(text)).peers.sort((one, other) => one.lastSeen - other.lastSeen)
    } catch (error) {
      const reason = error instanceof z.ZodError ? 'it is not as this Warren writes it' : reasonOf(error)
      this.#log.warn(`${this.#path} is left aside, which tells of members that this node met: ${reason}`)
      return []
    }
  }

  #forget(): void {
    const oldest = this.#clock.now() - MEMORY
    for (const [id, { lastSeen }] of this.#peers) {
      if (lastSeen >= oldest && this.#peers.size <= MAX_PEERS) break
      this.#peers.delete(id)
    }
  }
}
