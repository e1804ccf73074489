import type { Clock } from '../clock.ts'
import type { Role } from '../trust/standing.ts'
import type { Admitted } from './gate.ts'
import type { KnownPeer } from './mesh-status.ts'
import { Pauses } from './pauses.ts'
import { blobsOf, type Entry, isPassing, isQuarantined, MAX_ADDRESSES, newEntry, statusOf } from './peer-entry.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Ms that a member is not asked after its first lie or short body; twice as long after each further one. */
const QUARANTINE = 10 * MINUTE
const LONGEST_QUARANTINE = 24 * 60 * MINUTE
/** Ms for which a member that had a blob, or has just come, is thought to have others as well. */
const WARM = 30 * SECOND
/** Guesses in a row that may fail before a member is asked for what it is known to have only. */
const WRONG_GUESSES = 2
/** Ms for which a member that said it is busy is asked after all others. */
const BUSY = SECOND
/** Members that are remembered; those that came longest ago go first. */
const MAX_PEERS = 2_000

/** Everything that is known of other members: who they are, where they are, how they behaved. */
export class PeerBook {
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #pauses: Pauses
  readonly #zone: string | undefined
  readonly #moved = { in: 0, out: 0 }
  #connected = 0

  /** @param init.zone where this node is */
  constructor(components: { clock: Clock }, init: { readonly zone?: string | undefined } = {}) {
    this.#clock = components.clock
    this.#pauses = new Pauses(components, { max: MAX_PEERS })
    this.#zone = init.zone
  }

  /** Members that are connected. */
  get connected(): number {
    return this.#connected
  }

  /** Bytes of blobs from and to all members, those that are forgotten among them. */
  get moves(): { readonly in: number; readonly out: number } {
    return this.#moved
  }

  get(id: string): KnownPeer | undefined {
    const entry = this.#entries.get(id)
    return entry && statusOf(entry, this.#clock.now())
  }

  isKnown(id: string): boolean {
    return this.#entries.has(id)
  }

  isConnected(id: string): boolean {
    return (this.#entries.get(id)?.connections ?? 0) > 0
  }

  /** What it is proven to be now: whose certificate has ended is no seed any more. Undefined for one that never came. */
  roleOf(id: string): Role | undefined {
    const entry = this.#entries.get(id)
    return entry && entry.notAfter < this.#clock.now() ? 'member' : entry?.role
  }

  /**
   * All seeds that are known, and since when each is connected (ms since the epoch). One that lied counts as one that is away: what it says
   * it holds may be what nobody holds.
   */
  seeds(): { readonly id: string; readonly since: number | undefined }[] {
    const now = this.#clock.now()
    return [...this.#entries.values()]
      .filter(({ id }) => this.roleOf(id) === 'seed')
      .map((entry) => ({ id: entry.id, since: entry.connections > 0 && !isQuarantined(entry, now) ? entry.since : undefined }))
  }

  /** Where its blobs may be had, likeliest first. */
  blobsOf(id: string): readonly string[] {
    const entry = this.#entries.get(id)
    return entry ? blobsOf(entry) : []
  }

  /** All members, those seen last first. */
  all(): KnownPeer[] {
    const now = this.#clock.now()
    return [...this.#entries.values()]
      .map((entry) => statusOf(entry, now))
      .sort((one, other) => Number(other.connected) - Number(one.connected) || other.lastSeen - one.lastSeen)
  }

  /** Somebody showed a good card. */
  admitted({ peer, role, version, notAfter, blobs, zone, ticket, ephemeral = false }: Admitted): void {
    const entry = this.#entries.get(peer) ?? this.#newEntry(peer)
    // Last in the map is who came last.
    this.#entries.delete(peer)
    this.#entries.set(peer, entry)
    const announced = blobs.slice(0, MAX_ADDRESSES)
    Object.assign(entry, { role, version, notAfter, zone, ticket, ephemeral, announced, lastSeen: this.#clock.now() })
    entry.blobs = undefined
    this.#pauses.cameBack(peer)
  }

  /** Judges everybody anew: whoever does not count any more is forgotten, and returned. */
  review(judge: (member: Admitted) => Admitted | undefined): Admitted[] {
    return [...this.#entries.values()].flatMap((entry) => {
      const { id, role, version, notAfter, zone, ticket, announced, connections } = entry
      const member = { peer: id, role, version, notAfter, zone, ticket, blobs: announced }
      const judged = judge(member)
      if (judged) {
        Object.assign(entry, { role: judged.role, notAfter: judged.notAfter })
        return []
      }
      this.#entries.delete(id)
      if (connections > 0) this.#connected--
      return [member]
    })
  }

  /** A control connection to an admitted member is open. `address` is a multiaddr. */
  opened(id: string, address: string): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    if (entry.connections++ === 0) {
      this.#connected++
      entry.since = this.#clock.now()
      // Worth a guess: until the DHT knows of it some seconds pass, in which a job would fetch everything from upstream.
      entry.warmUntil = this.#clock.now() + WARM
      entry.wrongGuesses = 0
    }
    entry.blobs = undefined
    entry.addresses.delete(address)
    entry.addresses.add(address)
    for (const oldest of entry.addresses) {
      if (entry.addresses.size <= MAX_ADDRESSES) break
      entry.addresses.delete(oldest)
    }
    entry.lastSeen = this.#clock.now()
  }

  /** It told where it listens, as multiaddrs. */
  listening(id: string, addresses: readonly string[]): void {
    const entry = this.#entries.get(id)
    if (entry) entry.listens = addresses.slice(0, MAX_ADDRESSES)
  }

  closed(id: string): void {
    const entry = this.#entries.get(id)
    if (!entry || entry.connections === 0) return
    if (--entry.connections === 0) {
      this.#connected--
      if (isPassing(entry)) this.#entries.delete(id)
    }
    entry.lastSeen = this.#clock.now()
  }

  /** Whether it is forgotten as soon as it goes. */
  isPassing(id: string): boolean {
    const entry = this.#entries.get(id)
    return entry !== undefined && isPassing(entry)
  }

  measured(id: string, latency: number): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    entry.latency = latency
    entry.lastSeen = this.#clock.now()
  }

  moved(id: string, way: 'in' | 'out', bytes: number): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#moved[way] += bytes
    if (way === 'in') entry.bytesIn += bytes
    else entry.bytesOut += bytes
  }

  /** It had a blob. */
  had(id: string): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#pauses.answered(id)
    entry.wrongGuesses = 0
    entry.warmUntil = this.#clock.now() + WARM
  }

  /** It said that it does not have a blob. */
  lacked(id: string): void {
    const entry = this.#entries.get(id)
    if (entry) entry.wrongGuesses++
  }

  /** It said that it cannot answer now. */
  busy(id: string): void {
    const entry = this.#entries.get(id)
    if (entry) entry.busyUntil = this.#clock.now() + BUSY
  }

  /** It could not be reached, or broke off; also one that was never met. */
  failed(id: string): void {
    const entry = this.#entries.get(id)
    if (entry) entry.warmUntil = 0
    this.#pauses.failed(id)
  }

  /** It began to send a blob and did not get on with it. */
  stalled(id: string): void {
    if (this.#entries.has(id)) this.#pauses.stalled(id)
  }

  /** It sent wrong or too few bytes. */
  quarantine(id: string, reason: string): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    const until = this.#clock.now() + Math.min(QUARANTINE * 2 ** entry.lies++, LONGEST_QUARANTINE)
    entry.quarantine = { until, reason }
    entry.warmUntil = 0
  }

  /** Connected members that hand out blobs. */
  serving(): string[] {
    return [...this.#entries.values()].flatMap(({ id, connections, announced }) =>
      connections > 0 && announced.length > 0 ? [id] : [],
    )
  }

  /** Whether it said a moment ago that it is busy. */
  isBusy(id: string): boolean {
    return (this.#entries.get(id)?.busyUntil ?? 0) > this.#clock.now()
  }

  /** Whether it is known to be there and may be asked for a blob now. */
  usable(id: string): boolean {
    const entry = this.#entries.get(id)
    return entry !== undefined && entry.connections > 0 && entry.announced.length > 0 && this.worthMeeting(id)
  }

  /** Whether it makes sense to connect to it: it did not fail a moment ago, and is not in quarantine. */
  worthMeeting(id: string): boolean {
    const now = this.#clock.now()
    const entry = this.#entries.get(id)
    return this.pausedUntil(id) === 0 && !(entry && isQuarantined(entry, now))
  }

  /** Until when it is left alone since it could not be reached or kept us waiting, in ms since the epoch; 0 when it is not. */
  pausedUntil(id: string): number {
    return this.#pauses.until(id)
  }

  /** Whether it could not be reached, or kept us waiting, and has not answered since. */
  isDoubtful(id: string): boolean {
    return this.#pauses.isDoubtful(id)
  }

  /** Whether it lately had what was asked for, or has just come. */
  isWarm(id: string): boolean {
    return (this.#entries.get(id)?.warmUntil ?? 0) > this.#clock.now()
  }

  /** Members that may be asked now, all or those of a role. */
  usables(role?: Role): string[] {
    const ids: string[] = []
    for (const id of this.#entries.keys()) if ((!role || this.roleOf(id) === role) && this.usable(id)) ids.push(id)
    return ids
  }

  /** Connected members that hand out blobs and are not in quarantine, all or those of a role: also those that failed a moment ago. */
  unblamed(role?: Role): string[] {
    return this.serving().filter((id) => (!role || this.roleOf(id) === role) && !this.get(id)?.quarantine)
  }

  /** Whether it says that it is in the zone of this node. */
  isNear(id: string): boolean {
    return this.#zone !== undefined && this.#entries.get(id)?.zone === this.#zone
  }

  /** Whether it says that it is in another zone. */
  isFar(id: string): boolean {
    const zone = this.#entries.get(id)?.zone
    return this.#zone !== undefined && zone !== undefined && zone !== this.#zone
  }

  /** Usable members that lately had what was asked for, and are `worth` a guess: the near ones first, and then the likeliest. */
  warm(most: number, worth: (id: string) => boolean = () => true): string[] {
    const now = this.#clock.now()
    return [...this.#entries.values()]
      .filter(({ warmUntil, wrongGuesses }) => warmUntil > now && wrongGuesses < WRONG_GUESSES)
      .filter(({ id }) => this.usable(id) && worth(id))
      .sort((one, other) => nearFirst(this, one.id, other.id) || other.warmUntil - one.warmUntil)
      .slice(0, most)
      .map(({ id }) => id)
  }

  /** Whoever came longest ago and is gone. A liar must not get rid of its quarantine by bringing friends, as long as others can go. */
  #forgetOne(now: number): void {
    let last: Entry | undefined
    for (const entry of this.#entries.values()) {
      if (entry.connections > 0) continue
      if (!isQuarantined(entry, now)) {
        last = entry
        break
      }
      if (!last || (entry.quarantine?.until ?? 0) < (last.quarantine?.until ?? 0)) last = entry
    }
    if (last) this.#entries.delete(last.id)
  }

  /** Makes room for it. */
  #newEntry(id: string): Entry {
    const now = this.#clock.now()
    if (this.#entries.size >= MAX_PEERS) this.#forgetOne(now)
    return newEntry(id, now)
  }
}

/** For sorting: whoever is in this node's zone comes before others. */
export function nearFirst(book: Pick<PeerBook, 'isNear'>, one: string, other: string): number {
  return Number(book.isNear(other)) - Number(book.isNear(one))
}
