import { lookup as systemLookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'
import { type MeshAddress, parseMeshAddress, toMultiaddr } from '../../member-address.ts'
import type { Interfaces } from '../../own-addresses.ts'
import { toHostPort } from '../../tcp-address.ts'
import { dialReason } from './dial-reason.ts'
import { dialable } from './dialable.ts'
import type { RememberedPeers } from './remembered-peers.ts'
import { type Lookup, resolveAddress } from './resolve-address.ts'
import { shuffled } from './shuffled.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Ms that looking up a name may take, and each dial. */
const DIAL_LIMIT = 5 * SECOND
const DIALS_AT_ONCE = 8
/** Members to be connected with soon: one of them may leave at any time. */
const WANTED = 3
/** Ms between two rounds for further ones, and how many are dialled in one, one at a time. */
const FURTHER_PAUSE = 5 * SECOND
const FURTHER = 2
/** The pause as a multiple of what the round took: where a whole farm starts at once, those that are dialled have no time for it. */
const FURTHER_SHARE = 20
/** Members that are tried a minute while some are connected but fewer than wanted: most of those who left will not come back. */
const TRIED_A_MINUTE = 8
/** Ms between two rounds while nobody answers; twice as long after each, up to the longest. */
const PAUSE = SECOND
const LONGEST_PAUSE = 20 * SECOND
/** Members that somebody in the network told of, who may be anybody; those told of first go first. */
const MAX_FOUND = 128
const MAX_FOUND_ADDRESSES = 8
/** Addresses that are named when none answers. */
const MAX_NAMED = 3

export interface DiscoveryComponents {
  /** Connects to a multiaddr, and rejects as soon as the signal is aborted. */
  dial(address: string, signal: AbortSignal): Promise<void>
  /** Whom some connected member knows, with their multiaddrs; nobody when it does not say. Never rejects. */
  introductions(signal: AbortSignal): Promise<readonly { readonly id: string; readonly addresses: readonly string[] }[]>
  /** How many members are connected. */
  connected(): number
  /** Multiaddrs on which this node listens. */
  listening(): readonly string[]
  readonly remembered: RememberedPeers
  /** Whether a connected member will not come back; none will if left out. */
  isPassing?(peer: string): boolean
  readonly clock: Clock
  readonly log: Logger
  readonly lookup?: Lookup
  readonly interfaces?: () => Interfaces
  readonly random?: () => number
}

export interface DiscoveryInit {
  /** Where members may be found, as the ticket and the operator say. */
  readonly addresses: readonly string[]
  /** Peer id of this node. */
  readonly self: string
  /** Members to be connected with in the end, where there are so many; 3 by default. */
  readonly neighbours?: number
}

/** Somebody to connect with: a member whose addresses are known, or an address behind which some member is. */
interface Target {
  readonly peer?: string
  readonly addresses: readonly MeshAddress[]
}

/** Finds other members, and goes on for as long as there are fewer than wanted. */
export class Discovery {
  readonly #components: DiscoveryComponents & Required<Pick<DiscoveryComponents, 'lookup' | 'interfaces' | 'random'>>
  readonly #init: DiscoveryInit & { readonly neighbours: number }
  readonly #life = new AbortController()
  readonly #found = new Map<string, readonly string[]>()
  /** Of those found the ones that are not there as far as is known: they did not answer, or have left. */
  readonly #away = new Set<string>()
  /** Connected members, and the addresses at which they were dialled. */
  readonly #met = new Map<string, Set<string>>()
  readonly #queue: (() => void)[] = []
  #dials = 0
  #running: Promise<void> | undefined
  #pause = new AbortController()
  /** What the last whole round met, by address. */
  #failures: ReadonlyMap<string, string> = new Map()
  #collected = new Map<string, string>()
  /** Where somebody was dialled in this round: an address of the ticket is mostly that of a member that is remembered. */
  readonly #tried = new Set<string>()
  #hasTold = false
  /** Whether nobody was left to be met when the last round was over. */
  #isIdle = false

  constructor(components: DiscoveryComponents, init: DiscoveryInit) {
    this.#components = { lookup: systemLookup, interfaces: networkInterfaces, random: Math.random, ...components }
    this.#init = { neighbours: WANTED, ...init }
  }

  /** Why nobody is connected: what the last round met, in a sentence. */
  get trouble(): string | undefined {
    if (this.#failures.size === 0 || this.#components.connected() > 0) return undefined
    const named = [...this.#failures].slice(0, MAX_NAMED).map(([where, reason]) => `${where}: ${reason}`)
    const more = this.#failures.size - named.length
    return `no member answered at ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  }

  /** Members that others told of, that are not connected, and that may be there. */
  get unmet(): number {
    return this.#unmet.length
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Gives up all dials. */
  async stop(): Promise<void> {
    this.#life.abort(new Error('this node stops'))
    await this.#running
    await this.#components.remembered.stop()
  }

  /** A member is connected; `address` is the multiaddr at which it was dialled, none when it dialled. */
  connectedTo(peer: string, address?: string): void {
    const addresses = this.#met.get(peer) ?? new Set()
    this.#met.set(peer, addresses)
    this.#away.delete(peer)
    const dialled = address === undefined ? undefined : parseMeshAddress(address)
    if (!dialled) return
    addresses.add(toHostPort(dialled))
    this.#remember(peer, [toMultiaddr({ host: dialled.host, port: dialled.port })])
  }

  /** A member has no connection any more. */
  lost(peer: string): void {
    this.#met.delete(peer)
    if (this.#found.has(peer)) this.#away.add(peer)
    if (this.#components.connected() === 0) this.#pause.abort()
  }

  /** A member is gone for good: nobody is to look for it. */
  forgotten(peer: string): void {
    this.#found.delete(peer)
    this.lost(peer)
    this.#away.delete(peer)
  }

  /** A connected member says where it is. */
  told(peer: string, multiaddrs: readonly string[]): void {
    if (!this.#met.has(peer)) return
    this.#keep(peer, multiaddrs)
    this.#remember(peer, multiaddrs)
  }

  /** Somebody else says where a member is: the network, or another member. Nothing to go by for one that is connected. */
  found(peer: string, multiaddrs: readonly string[]): void {
    if (peer === this.#init.self || this.#met.has(peer)) return
    const isNew = !this.#found.has(peer)
    if (!this.#keep(peer, multiaddrs)) return
    const connected = this.#components.connected()
    if (connected === 0 || (isNew && (connected < WANTED || this.#isIdle))) this.#pause.abort()
  }

  #remember(peer: string, multiaddrs: readonly string[]): void {
    const { remembered, isPassing } = this.#components
    if (!isPassing?.(peer)) remembered.saw(peer, multiaddrs)
  }

  /** Whether there is an address among them. */
  #keep(peer: string, multiaddrs: readonly string[]): boolean {
    const addresses = multiaddrs.slice(0, MAX_FOUND_ADDRESSES).flatMap((text) => {
      const address = parseMeshAddress(text)
      return address ? [toMultiaddr({ ...address, peer })] : []
    })
    if (addresses.length === 0) return false
    this.#found.delete(peer)
    this.#found.set(peer, addresses)
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= MAX_FOUND) break
      this.#found.delete(oldest)
      this.#away.delete(oldest)
    }
    return true
  }

  async #run(): Promise<void> {
    const { clock, random, connected } = this.#components
    for (let fruitless = 0; !this.#life.signal.aborted; ) {
      // Whoever is found while others are dialled is dialled next.
      this.#pause = new AbortController()
      const isAlone = connected() === 0
      const isHurried = connected() < WANTED
      const beganAt = clock.now()
      if (isHurried) await this.#round(isAlone)
      else await this.#meetFurther()
      if (!isHurried && this.#unmet.length === 0 && connected() < this.#init.neighbours) await this.#hear()
      fruitless = connected() === 0 ? fruitless + 1 : 0
      this.#tell()
      const hasFurther = connected() >= WANTED && connected() < this.#init.neighbours && this.#unmet.length > 0
      const took = Math.max(0, clock.now() - beganAt)
      const some = hasFurther ? Math.min(MINUTE, Math.max(FURTHER_PAUSE, took * FURTHER_SHARE)) : MINUTE
      const longest = fruitless === 0 ? some : Math.min(PAUSE * 2 ** fruitless, LONGEST_PAUSE)
      this.#isIdle = !hasFurther
      // However many are found meanwhile, there is a rest between two rounds.
      const { signal } = this.#life
      await clock.sleep(PAUSE / 2, signal).catch(() => {})
      const rest = longest * (0.5 + random() / 2) - PAUSE / 2
      await clock.sleep(rest, AbortSignal.any([signal, this.#pause.signal])).catch(() => {})
      // Those who have just come have others to dial as well.
      if (this.#isIdle && connected() >= WANTED) await clock.sleep(FURTHER_PAUSE * random(), signal).catch(() => {})
    }
  }

  async #round(isAlone: boolean): Promise<void> {
    const targets = this.#targets()
    this.#collected = new Map()
    this.#tried.clear()
    const now = isAlone ? targets : shuffled(targets, this.#components.random).slice(0, TRIED_A_MINUTE)
    await Promise.all(now.map((target) => this.#approach(target)))
    this.#failures = this.#collected
  }

  get #unmet(): string[] {
    return [...this.#found.keys()].filter((peer) => !this.#met.has(peer) && !this.#away.has(peer))
  }

  /** Members that are likely there, one after the other. */
  async #meetFurther(): Promise<void> {
    const wanted = this.#init.neighbours - this.#components.connected()
    const some = shuffled(this.#unmet, this.#components.random).slice(0, Math.min(FURTHER, wanted))
    this.#tried.clear()
    for (const peer of some) {
      const addresses = (this.#found.get(peer) ?? []).flatMap((text) => parseMeshAddress(text) ?? [])
      if (!this.#life.signal.aborted && !this.#met.has(peer)) await this.#approach({ peer, addresses }, this.#init.neighbours)
    }
  }

  /** Who joined in the same moment by the same member was told of neither, and whoever came later only tells whom it met. */
  async #hear(): Promise<void> {
    const members = await this.#components.introductions(this.#life.signal)
    for (const { id, addresses } of members) this.found(id, addresses)
  }

  /** Everybody known who is not connected, each once. */
  #targets(): Target[] {
    const peers = new Map<string, MeshAddress[]>()
    const places = new Map<string, MeshAddress>()
    const told = [...this.#init.addresses, ...[...this.#found.values()].flat()]
    const remembered = this.#components.remembered.all().map(({ id, addresses }) => addresses.map((one) => ({ one, id })))
    const all = [...told.map((one) => ({ one, id: undefined })), ...remembered.flat()]
    for (const { one, id } of all) {
      const parsed = parseMeshAddress(one)
      if (!parsed) continue
      const address = id === undefined ? parsed : { ...parsed, peer: id }
      if (address.peer === undefined) places.set(toMultiaddr(address), address)
      else peers.set(address.peer, [...(peers.get(address.peer) ?? []), address])
    }
    const known = [...peers].filter(([peer]) => !this.#met.has(peer) && peer !== this.#init.self)
    return [
      ...[...places.values()].map((address) => ({ addresses: [address] })),
      ...known.map(([peer, addresses]) => ({ peer, addresses })),
    ]
  }

  /** Unless `enough` are connected. */
  async #approach(target: Target, enough = WANTED): Promise<void> {
    const resolved = await Promise.all(target.addresses.map((address) => this.#resolve(address)))
    const worth = dialable(unique(resolved.flat()), this.#own())
    // Behind a name without a peer id are several members; behind the addresses of a peer is that one, wherever it answers.
    const members = target.peer === undefined ? worth.map((address) => [address]) : [worth]
    await Promise.all(members.map((addresses) => this.#inTurn(() => this.#reach(addresses, enough))))
    const { peer } = target
    if (peer === undefined || this.#met.has(peer) || this.#components.connected() >= enough) return
    if (this.#found.has(peer)) this.#away.add(peer)
  }

  async #resolve(address: MeshAddress): Promise<MeshAddress[]> {
    const { lookup, random } = this.#components
    const found = await this.#bounded(toHostPort(address), () => resolveAddress(address, { lookup, random }))
    return found ?? []
  }

  /** The addresses of one member, until one answers. */
  async #reach(addresses: readonly MeshAddress[], enough: number): Promise<void> {
    for (const address of addresses) {
      if (this.#life.signal.aborted || this.#components.connected() >= enough || this.#isMet(address)) return
      const place = toHostPort(address)
      if (this.#tried.has(place)) continue
      this.#tried.add(place)
      const dial = async (signal: AbortSignal) => {
        await this.#components.dial(toMultiaddr(address), signal)
        return true
      }
      if (await this.#bounded(place, dial)) return
    }
  }

  /** Undefined when it failed or took too long, which is noted. */
  async #bounded<T>(where: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const { clock, log } = this.#components
    const done = new AbortController()
    const limit = new AbortController()
    const { signal } = this.#life
    const expired = clock.sleep(DIAL_LIMIT, AbortSignal.any([signal, done.signal])).then(() => {
      throw new Error(`no answer within ${DIAL_LIMIT / SECOND} s`)
    })
    try {
      return await Promise.race([work(AbortSignal.any([signal, limit.signal])), expired])
    } catch (error) {
      limit.abort(error)
      if (signal.aborted) return undefined
      const reason = dialReason(error)
      this.#collected.set(where, reason)
      log.debug({ at: where, reason }, 'no member there')
      return undefined
    } finally {
      done.abort()
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#dials >= DIALS_AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve))
    else this.#dials++
    try {
      await work()
    } finally {
      const next = this.#queue.shift()
      if (next) next()
      else this.#dials--
    }
  }

  #isMet(address: MeshAddress): boolean {
    if (address.peer !== undefined) return this.#met.has(address.peer)
    return [...this.#met.values()].some((dialled) => dialled.has(toHostPort(address)))
  }

  #own() {
    const listen = this.#components.listening().flatMap((text) => parseMeshAddress(text) ?? [])
    return { peer: this.#init.self, listen, interfaces: this.#components.interfaces() }
  }

  /** Once: a mesh of one is nothing to go on about. */
  #tell(): void {
    const { trouble } = this
    if (trouble === undefined || this.#hasTold || this.#life.signal.aborted) return
    this.#hasTold = true
    this.#components.log.info({ trouble }, 'no other member is there yet; this node works alone and goes on looking')
  }
}

function unique(addresses: readonly MeshAddress[]): MeshAddress[] {
  return [...new Map(addresses.map((address) => [toMultiaddr(address), address])).values()]
}
