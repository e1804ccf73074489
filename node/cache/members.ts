import { AbortScope } from '../abort-scope.ts'
import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { BlobSource, Mesh } from '../mesh/mesh.ts'
import type { Asking } from '../mesh/swarm/asking.ts'
import { LARGE_BYTES } from '../mesh/swarm/constants.ts'
import { Busy, type Referred } from '../mesh/swarm/referral.ts'
import type { Staging } from '../store/store.ts'
import { ChunkChecks } from './chunks/chunk-checks.ts'
import type { ChunkList } from './chunks/chunk-list.ts'
import {
  BUSY_PATIENCE,
  BUSY_PAUSE,
  FORGIVEN,
  HOLD_BACK_BYTES,
  MEMBER_CHANCES,
  MEMBER_IDLE,
  MEMBER_LIES,
  MEMBER_PATIENCE,
  MEMBER_STALL,
  OVER,
  PROGRESS_BYTES,
  REFERRED_ASKED,
  SEED_SILENCES,
  STALLS,
  STEADY_BYTES,
} from './constants.ts'
import { Pulse } from './pulse.ts'
import type { From, OpenBody } from './sources.ts'

/** What is wanted, and from whom it is taken. */
interface Wish {
  readonly digests: readonly Digest[]
  readonly from: From
  accept(source: BlobSource): boolean
}

/** What a member sends of a blob of `size` bytes, from byte `start` on, and by which it is checked. */
interface Sent {
  readonly body: AsyncIterable<Buffer>
  readonly start: number
  readonly size: number
  readonly list: ChunkList | undefined
}

/** Gets an artifact's bytes from members of the mesh, and keeps watch over each while it sends. One for each flight. */
export class Members {
  readonly #mesh: Mesh
  readonly #clock: Clock
  readonly #checks: ChunkChecks
  /** Ids of those that broke off, failed or lied: none takes part in a flight twice. */
  readonly #spent = new Set<string>()
  /** How often seeds did not answer. */
  readonly #silences = new Map<string, number>()
  /** How often each was given a further chance. */
  readonly #forgiven = new Map<string, number>()
  /** Ids of those that sent, but so slowly that whoever else can go on comes first. */
  readonly #slow = new Set<string>()
  /** Those of them that were not asked again. */
  readonly #left = new Map<string, BlobSource>()
  /** Lies, and bodies that ended before they were of any use. */
  #failures = 0
  #asked = 0
  #acknowledged = 0

  constructor(components: { mesh: Mesh; clock: Clock }) {
    this.#mesh = components.mesh
    this.#clock = components.clock
    this.#checks = new ChunkChecks(components)
  }

  /** Whether it makes sense to ask. After many failures it does not: liars may be any number, and each costs the client time. */
  get promising(): boolean {
    return this.#mesh.populated && this.#failures < MEMBER_CHANCES
  }

  /** Whether an answer of a member that says it has the artifact is being waited for. */
  get asking(): boolean {
    return this.#asked > 0
  }

  /** Whether a seed that is asked now has said that it has the artifact, or is fetching it: then a copy of upstream's would be a second one. */
  get acknowledged(): boolean {
    return this.#acknowledged > 0
  }

  /**
   * Whether so many were of no use, or one so slow, that whoever else can go on comes first. What is checked chunk by chunk costs no
   * more than a chunk when it is of no use.
   */
  get unlucky(): boolean {
    return this.#failures >= MEMBER_LIES || (this.#slow.size > 0 && !this.#checks.list)
  }

  /** Whether peers can go on amid a blob that clients have begun to get, since what they send is checked before any of it goes out. */
  async canCheck(digests: readonly Digest[], { early, size = 0 }: From, signal: AbortSignal): Promise<boolean> {
    return early && size > LARGE_BYTES && (await this.#checks.find(digests, signal)) !== undefined
  }

  /**
   * The first member that answers; those that were slow come last. Rejects with UPSTREAM_ABSENT when nobody does, and with
   * UPSTREAM_CORRUPT when what is here is doubtful and does not fit the length of what a member has: either may be right.
   */
  async open(digests: readonly Digest[], from: From, accept: Wish['accept'], signal: AbortSignal): Promise<OpenBody> {
    const wish = { digests, from, accept }
    let dispute: WarrenError | undefined
    for await (const source of this.#find(digests, signal)) {
      signal.throwIfAborted()
      if (!this.promising) break
      if (this.#spent.has(source.id) || !accept(source)) continue
      this.#asked++
      try {
        return await this.#ask(source, wish, signal)
      } catch (error) {
        if (signal.aborted) throw error
        // It may be the honest one, which then has to be asked for the whole.
        if (isWarrenError(error, 'UPSTREAM_CORRUPT') && from.doubtful) dispute = error
        else if (!(error instanceof Busy) && !this.#mayComeBack(source, error)) this.#spent.add(source.id)
      } finally {
        this.#asked--
      }
    }
    throw dispute ?? new WarrenError('UPSTREAM_ABSENT', 'no member of the mesh has it')
  }

  /**
   * What a seed has as a blob, from it or from those whom it names. Rejects with the seed's or their trouble.
   */
  async openAt(
    seed: string,
    { digest, size = Number.POSITIVE_INFINITY }: { readonly digest: Digest; readonly size?: number | undefined },
    from: From,
    signal: AbortSignal,
  ): Promise<OpenBody> {
    const source = this.#mesh.source(seed, digest)
    if (source?.kind !== 'seed') throw new WarrenError('UPSTREAM_ABSENT', `seed ${seed} is not there any more`)
    this.#checks.likeliest = seed
    // What is small has no list.
    const mayCheck = size > LARGE_BYTES && (await this.#checks.find([digest], signal)) !== undefined
    const accept = ({ kind }: BlobSource) => kind === 'seed' || mayCheck
    return this.#ask(source, { digests: [digest], from, accept }, signal)
  }

  /** It is something else than members were asked by: nothing that was said of that speaks against anybody. */
  anew(): void {
    this.#checks.anew()
  }

  /** The whole was seen to be right: whoever sent something else is known now, and who kept us waiting while others had it. */
  settle(right: Staging): Promise<void> {
    for (const source of this.#left.values()) source.stalled()
    this.#left.clear()
    return this.#checks.settle(right)
  }

  /** A seed may be slow to answer because a crowd has just come. */
  #mayComeBack({ id, kind }: BlobSource, error: unknown): boolean {
    if (kind !== 'seed' || !isWarrenError(error, 'UPSTREAM_TIMEOUT')) return false
    const silences = (this.#silences.get(id) ?? 0) + 1
    this.#silences.set(id, silences)
    return silences < SEED_SILENCES
  }

  async *#find(digests: readonly Digest[], signal: AbortSignal): AsyncGenerator<BlobSource, void> {
    const slow: BlobSource[] = []
    for (const digest of digests) {
      for await (const source of this.#mesh.find(digest, signal)) {
        if (this.#slow.has(source.id)) slow.push(source)
        else yield source
      }
    }
    yield* slow
  }

  /**
   * A member, or those whom it names because it is busy. A seed is asked again, as long as it says that the artifact is on its way: going
   * elsewhere would cost upstream another copy.
   */
  async #ask(source: BlobSource, wish: Wish, signal: AbortSignal): Promise<OpenBody> {
    let acknowledged = false
    const began = this.#clock.now()
    try {
      for (let asking: Asking = 'first'; ; asking = 'again') {
        try {
          return await this.#open(source, wish, asking, signal)
        } catch (error) {
          if (!(error instanceof Busy)) throw error
          if (source.kind === 'seed' && !acknowledged) {
            acknowledged = true
            this.#acknowledged++
            this.#checks.likeliest = source.id
          }
          const opened = await this.#askOthers(source, error.others, wish, signal)
          if (opened) return opened
          // Also one that takes its time to say so each time, which may be all that it is up to.
          if (source.kind !== 'seed' || Math.abs(this.#clock.now() - began) >= BUSY_PATIENCE) throw error
          if (asking !== 'first' || error.others.length === 0) await this.#clock.sleep(BUSY_PAUSE, signal)
        }
      }
    } finally {
      if (acknowledged) this.#acknowledged--
    }
  }

  /** They are hints, and bounded: whoever is named may have nothing, and may name others who have nothing. */
  async #askOthers(
    by: BlobSource,
    others: readonly Referred[],
    wish: Wish,
    signal: AbortSignal,
  ): Promise<OpenBody | undefined> {
    const isSlow = ({ peer }: Referred) => this.#slow.has(peer)
    const queue = [...others].sort((one, other) => Number(isSlow(one)) - Number(isSlow(other)))
    const seen = new Set([by.id])
    let asked = 0
    for (let next = queue.shift(); next && asked < REFERRED_ASKED; next = queue.shift()) {
      if (seen.has(next.peer) || this.#spent.has(next.peer)) continue
      seen.add(next.peer)
      const other = by.named(next.peer)
      if (!other || !wish.accept(other)) continue
      asked++
      try {
        return await this.#open(other, wish, 'referred', signal)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof Busy) queue.push(...error.others)
        else if (!isWarrenError(error, 'UPSTREAM_ABSENT')) this.#spent.add(other.id)
      }
    }
    return undefined
  }

  async #open(source: BlobSource, { digests, from }: Wish, asking: Asking, signal: AbortSignal): Promise<OpenBody> {
    const mayCheck = source.kind === 'peer' && from.early
    const isLarge = (from.size ?? 0) > LARGE_BYTES || asking === 'referred'
    const known = mayCheck && isLarge ? await this.#checks.find(digests, signal) : undefined
    const life = new AbortScope(signal)
    const patience = new AbortController()
    const blame = (reason: string) => {
      this.#failures++
      source.blame(reason)
    }
    const forgive = () => {
      this.#failures++
      const times = (this.#forgiven.get(source.id) ?? 0) + 1
      this.#forgiven.set(source.id, times)
      // An honest one may go on twice with what liars began: one that was slow, and one that broke off.
      if (times <= FORGIVEN) this.#spent.delete(source.id)
    }
    this.#clock.sleep(MEMBER_PATIENCE, patience.signal).then(
      () => life.end(silence(source)),
      () => {},
    )
    this.#left.delete(source.id)
    try {
      const start = known?.startOf(from.start) ?? from.start
      const { size, body } = await source.open(start, life.signal, asking)
      life.signal.throwIfAborted()
      patience.abort(OVER)
      const list =
        known ?? (mayCheck && size > LARGE_BYTES && start === 0 ? await this.#checks.find(digests, signal) : undefined)
      if (list && size !== list.size) {
        this.#checks.miscounted(source, size, list)
        throw new WarrenError('UPSTREAM_FAILED', `member ${source.id} has something else`)
      }
      // No lie for sure: it may be upstream that answered with a login page.
      if (!Number.isSafeInteger(size) || size < from.start || size !== (from.size ?? size)) {
        throw new WarrenError('UPSTREAM_CORRUPT', `member ${source.id} has something else`)
      }
      const watched = this.#watch(source, { body, start, size, list }, blame, life)
      // Where nothing may go out early in any case, a seed's word is worth no more than a peer's.
      const trusted = list !== undefined || (source.kind === 'seed' && from.early && size > HOLD_BACK_BYTES)
      const destroy = () => life.end(OVER)
      // A peer that speaks of a petabyte must not make the store refuse what is to come from others.
      const opened = {
        kind: source.kind,
        member: source.id,
        trusted,
        start,
        size: trusted ? size : from.size,
        headers: {},
        promised: digests,
      }
      if (!list) return { ...opened, body: watched, destroy, blame, forgive }
      const checked = this.#checks.check(source, { body: watched, list, start }, life.signal)
      // Whoever sends what a seed has in its list did its part, whatever comes of it.
      return { ...opened, body: checked, destroy, blame: (reason) => list.blame(reason), forgive }
    } catch (error) {
      life.end(error)
      throw error
    } finally {
      patience.abort(OVER)
    }
  }

  /** Passes bytes on as long as they come, neither fewer nor more than promised. */
  async *#watch(
    source: BlobSource,
    { body, start, size, list }: Sent,
    blame: (reason: string) => void,
    life: AbortScope,
  ): AsyncGenerator<Buffer, void> {
    this.#spent.add(source.id)
    const pulse = new Pulse({ clock: this.#clock })
    // Of what is handed on while it is fetched, nobody may have more at the moment.
    const hasMore = async () => (await list?.reaches(start + pulse.bytes, life.signal).catch(() => true)) ?? true
    void this.#expire(source, pulse, life, list && hasMore)
    if (list) void this.#overtake(source, pulse, life, hasMore)
    let left = size - start
    try {
      if (left === 0) return
      for await (const bytes of body) {
        left -= bytes.length
        pulse.came(bytes.length)
        if (left < 0) break
        yield bytes
        pulse.taken()
        // How it ends is of no interest: the digest judges what came.
        if (left === 0) return
      }
      blame(left < 0 ? 'sends more than the blob has' : `ended ${left} bytes early`)
      throw new WarrenError('UPSTREAM_CUT', `member ${source.id} did not send what it promised`)
    } catch (error) {
      if (pulse.bytes < PROGRESS_BYTES) this.#failures++
      throw isWarrenError(error)
        ? error
        : new WarrenError('UPSTREAM_CUT', `member ${source.id} broke off: ${reasonOf(error)}`, { cause: error })
    } finally {
      life.end(OVER)
    }
  }

  /**
   * One timer at a time for a whole body. That its reader is slow is not the member's fault. A peer that sends a byte now and
   * then would keep the client from every byte, since none goes out before all are there; a seed's go out while they come.
   * A peer that is slow is given up once only: who is asked again after that is better than nobody. In a crowd, where others hand on what
   * they get, it may not be its own fault.
   */
  async #expire(source: BlobSource, pulse: Pulse, life: AbortScope, hasMore: HasMore | undefined): Promise<void> {
    const least = source.kind === 'seed' ? 1 : PROGRESS_BYTES
    const steady = source.kind === 'seed' || this.#slow.has(source.id) ? least : STEADY_BYTES
    try {
      for (;;) {
        const { came, waited } = await pulse.look(MEMBER_IDLE, life.signal)
        if (pulse.isReading) continue
        const share = waited / MEMBER_IDLE
        if (came >= Math.round(steady * share) || (hasMore && !(await hasMore()))) continue
        const isSilent = came < Math.round(least * share)
        if (!hasMore && isSilent) source.stalled()
        else if (!hasMore) this.#left.set(source.id, source)
        if (isSilent) life.end(silence(source))
        else this.#leave(source, life)
      }
    } catch {
      // It ended before its time was up.
    }
  }

  /** What is checked in chunks can go on with somebody else at little cost: whoever stalls while others get on is left sooner. */
  async #overtake(source: BlobSource, pulse: Pulse, life: AbortScope, hasMore: HasMore): Promise<void> {
    try {
      while (this.#slow.size < STALLS) {
        const { came, waited } = await pulse.look(MEMBER_STALL, life.signal)
        if (pulse.isReading || waited < MEMBER_STALL || came >= PROGRESS_BYTES || !(await hasMore())) continue
        this.#leave(source, life)
      }
    } catch {
      // It ended before its time was up.
    }
  }

  #leave(source: BlobSource, life: AbortScope): void {
    this.#slow.add(source.id)
    this.#spent.delete(source.id)
    life.end(new WarrenError('UPSTREAM_TIMEOUT', `member ${source.id} is slow`))
  }
}

/** Whether somebody has what a member keeps us waiting for; where nobody can tell, it is taken to be so. */
type HasMore = () => Promise<boolean>

function silence(source: BlobSource): WarrenError {
  return new WarrenError('UPSTREAM_TIMEOUT', `member ${source.id} went silent`)
}
