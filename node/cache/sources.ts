import { AbortScope } from '../abort-scope.ts'
import type { Clock } from '../clock.ts'
import { type Digest, formatDigest, isCollisionFree, isOfBytes } from '../digest.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import { BATCH_BLOB_BYTES } from '../mesh/blobs/batch-wire.ts'
import type { BlobSource, Mesh, SmallBlob } from '../mesh/mesh.ts'
import type { Staging } from '../store/store.ts'
import { abortable } from '../upstream/abortable.ts'
import type { Upstream, UpstreamResponse } from '../upstream/upstream.ts'
import { type Conditions, declaredSize, isTrouble, mayBeRight, refusal } from './answer.ts'
import { AsBlob } from './as-blob.ts'
import { FORGIVEN, FOUND_PATIENCE, HOLD_BACK_BYTES, OVER } from './constants.ts'
import { differ, share } from './differ.ts'
import type { Word } from './expecting.ts'
import { Members } from './members.ts'
import { NotModified } from './not-modified.ts'
import { atUpstream, type Plan } from './plan.ts'

export interface SourceComponents {
  readonly mesh: Mesh
  readonly upstream: Upstream
  readonly clock: Clock
  /** What is here already and may be had under another name. */
  own?(digests: readonly Digest[]): Promise<OpenBody | undefined>
}

/** An artifact that has begun to arrive. */
export interface OpenBody {
  readonly kind: 'upstream' | 'peer' | 'seed' | 'local'
  /** Upstream's answer came through a seed. */
  readonly through?: 'seed'
  /** What that seed says that it has to be. */
  readonly promised?: readonly Digest[] | undefined
  /** The same, if its word about names counts. */
  readonly named?: Word | undefined
  /** Peer id of the member that sends it, also where that is upstream's answer. */
  readonly member?: string
  /** Whether the bytes may go out before the whole is verified: upstream's and a seed's may, and a peer's that are checked in chunks. */
  readonly trusted: boolean
  /** Offset of the first byte of `body`. */
  readonly start: number
  /** Length of the whole artifact in bytes, where known. */
  readonly size: number | undefined
  /** Upstream's headers; empty where a member sends and no seed told them. */
  readonly headers: Readonly<Record<string, string>>
  /** Rejects with a WarrenError when it breaks off. */
  readonly body: AsyncIterable<Buffer>
  destroy(): void
  /** It sent what cannot be the artifact. */
  blame(reason: string): void
  /** What it was the last to send a part of is wrong, which may be the fault of others: it may be asked again. */
  forgive(): void
  /** It took part in a wrong copy, and so much speaks for that being its fault. Of seeds that were asked by name. */
  suspect?(weight: number): void
}

/** What is asked for: the artifact from `start` on. */
export interface From {
  readonly start: number
  /** Only if it still is the one with this validator. */
  readonly ifRange?: string | undefined
  /** Asks for it only if it is another one than what is held. */
  readonly conditions?: Conditions | undefined
  /** Its length in bytes, where it is known for sure. */
  readonly size?: number | undefined
  /** Whether what a seed sends can go out while it comes. */
  readonly early: boolean
  /** Whether members alone told of the length of what is here, so that another one may be right that says it has another. */
  readonly doubtful: boolean
  /** Whether it is known by a seed's word alone, which is worth no more than another one's. */
  readonly isHearsay?: boolean
  /** Whether a seed that is asked is to say what it must be. */
  readonly untold?: boolean
  /** Whether peers are asked first, or only when nobody else can go on. */
  readonly peers: 'first' | 'last'
}

/** What is wanted, and by which digests it is known. */
interface Wish {
  readonly digests: readonly Digest[]
  readonly from: From
}

/** What the seed that fetches for all may do: send, or refer to other members as well; `none` where upstream itself is asked. */
type SeedUse = 'refers' | 'sends' | 'none'

const anyMember = () => true
const seedsOnly = (source: BlobSource) => source.kind === 'seed'

/**
 * Where the bytes of one artifact can come from. Members get a head start; after that upstream is asked as well, and the first
 * that delivers is taken.
 */
export class Sources {
  readonly #components: SourceComponents
  readonly #plan: Plan
  readonly #members: Members
  /** How much speaks against each seed, having taken part in wrong copies of what it told of upstream. */
  readonly #wrong = new Map<string, number>()
  readonly #ownAsked = new Set<string>()
  /** Digests by which members were asked last. */
  #by: readonly Digest[] = []

  constructor(components: SourceComponents, plan: Plan) {
    this.#components = components
    this.#plan = plan
    this.#members = new Members(components)
  }

  /** Rejects with what upstream said (NotModified too), or with why it could not be asked; with UPSTREAM_CORRUPT if what is here cannot be right. */
  async open(url: string | Promise<string>, digests: readonly Digest[], from: From, signal: AbortSignal): Promise<OpenBody> {
    this.#goBy(digests)
    const strong = digests.filter(isCollisionFree)
    const own = strong.length > 0 && from.start === 0 ? await this.#own(strong) : undefined
    if (own) return own
    if (strong.length === 0 || !this.#members.promising)
      return this.#fromUpstream(url, { digests, from }, this.#members.promising ? 'refers' : 'sends', signal)
    const membersLost = new AbortScope(signal)
    const mayGoOn = from.peers === 'first' || (await this.#members.canCheck(strong, from, signal))
    const peers = mayGoOn && !this.#members.unlucky ? 'first' : 'last'
    const accept = peers === 'first' ? anyMember : seedsOnly
    const members = this.#members.open(strong, from, accept, membersLost.signal)
    const early = await this.#headStart(members, strong)
    if (early) return early
    const upstreamLost = new AbortScope(signal)
    const upstream = this.#fromUpstream(url, { digests, from }, 'refers', upstreamLost.signal)
    try {
      const both = [members, upstream].map(async (opening) => ({ opening, opened: await opening }))
      const first = await Promise.any(both)
      if (first.opening === upstream) leave(members, membersLost)
      else leave(upstream, upstreamLost)
      return first.opened
    } catch {
      if (signal.aborted) return upstream
      const last = peers === 'first' ? members : this.#members.open(strong, from, anyMember, signal)
      return last.catch((error) => {
        if (isWarrenError(error, 'UPSTREAM_CORRUPT')) throw error
        // What upstream said is what the client can act on.
        return upstream
      })
    }
  }

  /**
   * What members deliver before upstream's turn has come. Where one is known to have it that turn comes later: it may only have to
   * be connected to first, and a second copy from upstream costs more than the wait.
   */
  async #headStart(members: Promise<OpenBody>, digests: readonly Digest[]): Promise<OpenBody | undefined> {
    const { mesh, upstream, clock } = this.#components
    const metered = upstream.budget(this.#plan.base) !== undefined
    const headStart = mesh.headStart(digests, { metered })
    const over = new AbortController()
    const sleep = (ms: number) => clock.sleep(ms, over.signal).catch(() => {})
    const answered = members.catch(() => {})
    let early = await Promise.race([answered, sleep(headStart)])
    const more = Math.max(0, FOUND_PATIENCE - headStart)
    if (!early && this.#members.asking) early = await Promise.race([answered, sleep(more)])
    over.abort(OVER)
    // A seed that has it, or is fetching it, sends it or knows who does.
    if (!early && this.#members.acknowledged) early = await answered
    return early ?? undefined
  }

  /** Each once: what is here may turn out to be wrong. */
  async #own(digests: readonly Digest[]): Promise<OpenBody | undefined> {
    const left = digests.filter((digest) => !this.#ownAsked.has(formatDigest(digest)))
    for (const digest of left) this.#ownAsked.add(formatDigest(digest))
    return left.length > 0 ? this.#components.own?.(left) : undefined
  }

  /** Seeds that are left out: which of several sent what is wrong may never be known, while another one has what is right. */
  get #unasked(): ReadonlySet<string> {
    return new Set([...this.#wrong].flatMap(([id, weight]) => (weight > FORGIVEN ? [id] : [])))
  }

  /** The whole was seen to be right, and to have these digests. */
  settle(right: Staging, digests: readonly Digest[]): Promise<void> {
    this.#goBy(digests)
    return this.#members.settle(right)
  }

  #goBy(digests: readonly Digest[]): void {
    if (this.#by.length > 0 && !share(this.#by, digests)) this.#members.anew()
    this.#by = digests
  }

  async #fromUpstream(place: string | Promise<string>, wish: Wish, seed: SeedUse, signal: AbortSignal): Promise<OpenBody> {
    const { digests, from } = wish
    const { start, ifRange, conditions } = from
    // Members come before upstream itself, once there is a digest by which they can be asked.
    if (from.untold && seed === 'none') throw new WarrenError('UPSTREAM_UNREACHABLE', 'no seed says what it is')
    const url = typeof place === 'string' ? place : await abortable(place, signal)
    const { key, ...at } = atUpstream(this.#plan)
    const range = start > 0 ? { range: { start, ...(ifRange === undefined ? {} : { ifRange }) } } : {}
    const { headers } = this.#plan
    const fetching = this.#components.upstream.fetch(
      {
        method: 'GET',
        url,
        headers: { ...headers, ...conditions?.headers, 'accept-encoding': 'identity' },
        ...range,
        ...(conditions ? { held: conditions.held } : {}),
        ...(from.untold ? { untold: true } : {}),
        ...(seed === 'refers' && from.early && !this.#plan.document ? { asBlob: true } : {}),
        ...at,
        ...(seed === 'none' || key === undefined ? {} : { key, unasked: this.#unasked }),
      },
      signal,
    )
    let response: UpstreamResponse
    try {
      response = await fetching
    } catch (error) {
      if (!(error instanceof AsBlob)) throw error
      return this.#asBlob(error, url, wish, signal)
    }
    if (differ(response.through?.promised, digests)) {
      response.destroy()
      return this.#unpromised(response.through?.promised, url, wish, signal)
    }
    try {
      // To a plain GET a 304 is no answer.
      if (response.status === 304 && conditions && mayBeRight(conditions, response)) throw new NotModified(response)
      const sent = placed(this.#plan, response, start)
      const { headers, through } = response
      if (through && from.size !== undefined && (sent.size ?? from.size) !== from.size)
        throw new WarrenError(
          'UPSTREAM_CORRUPT',
          `${this.#plan.mirror}: a seed has ${sent.size} bytes of it, which are ${from.size}`,
        )
      const opened = { ...sent, kind: 'upstream', trusted: true, headers, blame() {}, forgive() {} } as const
      if (!through) return opened
      // As of a seed's blob: where nothing may go out early in any case, its word is worth no more than a peer's.
      const trusted = through.trusted && from.early && (opened.size ?? 0) > HOLD_BACK_BYTES
      const size = trusted ? opened.size : from.size
      const { kind, id, promised, blame } = through
      const suspect = (weight: number) => void this.#wrong.set(id, (this.#wrong.get(id) ?? 0) + weight)
      const named = through.trusted && promised ? { by: id, digests: promised } : undefined
      return { ...opened, member: id, size, trusted, through: kind, promised, named, blame, suspect }
    } catch (error) {
      response.destroy()
      if (!response.through || !isWarrenError(error, 'UPSTREAM_CORRUPT')) throw error
      // One seed's word against what came before.
      return this.#fromUpstream(url, wish, 'none', signal)
    }
  }

  /**
   * What a seed says that it has to be something else, or nothing: then upstream itself is asked. Where that cannot be, what a seed has that
   * nothing promised it may be right all the same, which its bytes will show; once, since nobody is to blame where they are not. So may
   * what it promises, where nothing but another seed's word is known.
   */
  async #unpromised(promised: readonly Digest[] = [], url: string, wish: Wish, signal: AbortSignal): Promise<OpenBody> {
    try {
      return await this.#fromUpstream(url, wish, 'none', signal)
    } catch (error) {
      const mayTry = promised.length === 0 ? wish.from.early : wish.from.isHearsay
      if (!mayTry || !isTrouble(error) || isWarrenError(error, 'UPSTREAM_CORRUPT')) throw error
      return this.#fromUpstream(url, { digests: [], from: { ...wish.from, early: false } }, 'sends', signal)
    }
  }

  /** Where nobody hands out the blob after all, the seed has to send it as upstream's answer. */
  async #asBlob(
    { seed, digest, size, trusted, headers }: AsBlob,
    url: string,
    wish: Wish,
    signal: AbortSignal,
  ): Promise<OpenBody> {
    const promised = [digest]
    // Members are asked by nothing that tells of other bytes as well.
    if (!isOfBytes(digest.algorithm) || !isCollisionFree(digest)) return this.#fromUpstream(url, wish, 'sends', signal)
    if (differ(promised, wish.digests)) return this.#fromUpstream(url, wish, 'none', signal)
    const named = trusted ? { by: seed, digests: promised } : undefined
    const isSmall = size !== undefined && size <= BATCH_BLOB_BYTES && wish.from.start === 0
    const asking = named && isSmall ? this.#components.mesh.small(promised) : undefined
    const small = asking && (await abortable(asking, signal))
    if (small) return { ...inOnePiece(small), headers, promised, named }
    try {
      return { ...(await this.#members.openAt(seed, { digest, size }, wish.from, signal)), headers, promised, named }
    } catch {
      signal.throwIfAborted()
      return this.#fromUpstream(url, wish, 'sends', signal)
    }
  }
}

/** As if it came from a member that is asked for it alone. */
function inOnePiece({ kind, bytes, blame }: SmallBlob): Omit<OpenBody, 'headers'> {
  async function* body() {
    yield bytes
  }
  return { kind, trusted: false, start: 0, size: bytes.length, body: body(), destroy() {}, blame, forgive() {} }
}

/** Gives up on whoever lost the race, also when its answer is on its way already. */
function leave(loser: Promise<OpenBody>, lost: AbortScope): void {
  lost.end(OVER)
  loser.then(
    (late) => late.destroy(),
    () => {},
  )
}

/** Works out which bytes a response carries. A server may ignore Range and send everything (RFC 9110 section 14.2). */
function placed(plan: Plan, response: UpstreamResponse, wanted: number): Pick<OpenBody, 'start' | 'size' | 'body' | 'destroy'> {
  const { body, headers, status } = response
  const destroy = () => response.destroy()
  const range = headers['content-range'] ?? ''
  // The body was cut after its last byte: nothing is missing but the end of its framing.
  if (status === 416 && wanted > 0 && range === `bytes */${wanted}`) {
    destroy()
    return { start: wanted, size: wanted, body: nothing(), destroy }
  }
  // What is here goes on beyond its end: it cannot be the beginning of it.
  if (status === 416 && wanted > 0) {
    throw new WarrenError('UPSTREAM_CORRUPT', `${plan.mirror}: upstream has nothing from byte ${wanted} on («${range}»)`)
  }
  const no = refusal(plan, response)
  if (no) throw no
  if (status === 200) return { start: 0, size: declaredSize(headers), body, destroy }
  const [, start, end, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(range) ?? []
  if (status !== 206 || wanted === 0 || Number(start) !== wanted || Number(end) < wanted || Number(end) >= Number(total)) {
    throw new WarrenError(
      'UPSTREAM_CORRUPT',
      `${plan.mirror}: upstream answered ${status} with Content-Range «${range}» to bytes=${wanted}-`,
    )
  }
  return { start: wanted, size: total === '*' ? undefined : Number(total), body, destroy }
}

async function* nothing(): AsyncGenerator<Buffer, void> {}
