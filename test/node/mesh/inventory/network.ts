import { createHash } from 'node:crypto'
import { type Digest, formatDigest } from '../../../../node/digest.ts'
import type { Channel } from '../../../../node/mesh/inventory/channel.ts'
import { Inventories } from '../../../../node/mesh/inventory/inventories.ts'
import { InventoryServer } from '../../../../node/mesh/inventory/inventory-server.ts'
import { OwnInventory } from '../../../../node/mesh/inventory/own-inventory.ts'
import { Subscriptions } from '../../../../node/mesh/inventory/subscriptions.ts'
import type { VirtualClock } from '../../../harness/clock.ts'

/** The digest of something that is called so. */
export function digestOf(name: string): Digest {
  return { algorithm: 'sha256', hex: createHash('sha256').update(name).digest('hex') }
}

/** A member with nothing but its inventory and those of others. */
export class Node {
  readonly held = new Map<string, Digest>()
  readonly connected = new Set<string>()
  readonly own: OwnInventory
  readonly inventories: Inventories
  readonly server: InventoryServer
  readonly subscriptions: Subscriptions
  /** Passes on, or changes, or drops what it sends. */
  sends: (bytes: Uint8Array) => Uint8Array | undefined = (bytes) => bytes
  readonly id: string
  readonly isSeed: boolean
  readonly #life = new AbortController()

  constructor(network: Network, { id, isSeed }: { id: string; isSeed: boolean }) {
    const { clock } = network
    this.id = id
    this.isSeed = isSeed
    const shelf = {
      has: (digest: Digest) => this.held.has(formatDigest(digest)),
      holdings: async function* (this: Node) {
        yield* this.held.values()
      }.bind(this),
    }
    const isSeedOf = (peer: string) => network.nodes.get(peer)?.isSeed === true
    this.own = new OwnInventory({ shelf, clock })
    this.inventories = new Inventories({ clock, isSeed: isSeedOf })
    this.server = new InventoryServer({ own: this.own, clock })
    this.subscriptions = new Subscriptions({
      inventories: this.inventories,
      clock,
      isSeed: isSeedOf,
      candidates: () => [...this.connected],
      open: async (peer) => network.open(this.id, peer),
    })
    this.own.start()
  }

  /** Gets something, as if it had fetched it. */
  hold(...names: readonly string[]): void {
    const digests = names.map(digestOf)
    for (const digest of digests) this.held.set(formatDigest(digest), digest)
    this.own.add(digests)
  }

  drop(...names: readonly string[]): void {
    const digests = names.map(digestOf)
    for (const digest of digests) this.held.delete(formatDigest(digest))
    this.own.remove(digests)
  }

  serve(peer: string, channel: Channel): void {
    void this.server.serve(peer, channel, this.#life.signal)
  }

  stop(): void {
    this.#life.abort()
    this.subscriptions.stop()
    this.own.stop()
  }
}

/** Members that are connected as the test says, over channels that lose nothing unless a member's `sends` does. */
export class Network {
  readonly nodes = new Map<string, Node>()
  readonly clock: VirtualClock
  readonly #open = new Map<string, Set<() => void>>()

  constructor(clock: VirtualClock) {
    this.clock = clock
  }

  add(id: string, isSeed = false): Node {
    const node = new Node(this, { id, isSeed })
    this.nodes.set(id, node)
    return node
  }

  get(id: string): Node {
    const node = this.nodes.get(id)
    if (!node) throw new Error(`there is no ${id}`)
    return node
  }

  connect(one: string, other: string): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.get(from).connected.add(to)
      this.get(from).subscriptions.refresh()
    }
  }

  disconnect(one: string, other: string): void {
    for (const cut of this.#open.get(pairOf(one, other)) ?? []) cut()
    this.#open.delete(pairOf(one, other))
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.get(from).connected.delete(to)
      this.get(from).subscriptions.refresh()
    }
  }

  /** A conversation of `asker` with `owner`. */
  open(asker: string, owner: string): Channel {
    if (!this.get(asker).connected.has(owner)) throw new Error('not connected')
    const answers = this.get(owner)
    const questions = new Pipe((bytes) => bytes)
    const replies = new Pipe((bytes) => answers.sends(bytes))
    const close = () => {
      questions.close()
      replies.close()
    }
    const cuts = this.#open.get(pairOf(asker, owner)) ?? new Set()
    this.#open.set(pairOf(asker, owner), cuts.add(close))
    answers.serve(asker, { send: replies.send, receive: questions.receive, close })
    return { send: questions.send, receive: replies.receive, close }
  }

  stop(): void {
    for (const node of this.nodes.values()) node.stop()
  }
}

function pairOf(one: string, other: string): string {
  return [one, other].sort().join(' ')
}

/** One direction of a channel. */
class Pipe {
  readonly #queue: Uint8Array[] = []
  readonly #pass: (bytes: Uint8Array) => Uint8Array | undefined
  #waiting: PromiseWithResolvers<void> | undefined
  #closed = false

  constructor(pass: (bytes: Uint8Array) => Uint8Array | undefined) {
    this.#pass = pass
  }

  readonly send = async (bytes: Uint8Array): Promise<void> => {
    if (this.#closed) throw new Error('the other side has gone')
    const passed = this.#pass(bytes)
    if (passed) this.#queue.push(passed)
    this.#waiting?.resolve()
  }

  readonly receive = async (signal: AbortSignal): Promise<Uint8Array> => {
    for (;;) {
      signal.throwIfAborted()
      const next = this.#queue.shift()
      if (next) return next
      if (this.#closed) throw new Error('the other side has gone')
      const waiting = Promise.withResolvers<void>()
      this.#waiting = waiting
      const wake = () => waiting.resolve()
      signal.addEventListener('abort', wake, { once: true })
      await waiting.promise
      signal.removeEventListener('abort', wake)
    }
  }

  close(): void {
    this.#closed = true
    this.#waiting?.resolve()
  }
}
