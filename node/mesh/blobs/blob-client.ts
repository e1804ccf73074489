import { createSecureContext, type SecureContext } from 'node:tls'
import { AbortScope } from '../../abort-scope.ts'
import type { Clock } from '../../clock.ts'
import { type Digest, formatDigest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import { currentRequestId, REQUEST_ID } from '../../request-id.ts'
import { type ExchangeInit, exchange, type WireResponse } from '../../wire/exchange.ts'
import { ADMISSION_LIMIT, type Gate } from '../gate.ts'
import { PURGES } from '../ledger/purge-mark.ts'
import { Pauses } from '../pauses.ts'
import { ASKING_HEADER, type Asking } from '../swarm/asking.ts'
import { Busy, decodeReferral, REFERRAL_BYTES } from '../swarm/referral.ts'
import { judgeHead, noAnswer } from './blob-answer.ts'
import { BLOB_PATH, DIAL_STAGGER, HEADERS_TIMEOUT, IDLE_TIMEOUT, MAX_ADDRESSES, UNUSED_LIMIT } from './constants.ts'
import type { Dialled } from './dial.ts'
import type { IdentityCertificate } from './identity-certificate.ts'
import { PeerPool } from './peer-pool.ts'

export interface BlobClientComponents {
  readonly gate: Gate
  readonly identity: IdentityCertificate
  readonly clock: Clock
  /**
   * What this node has purged (`purgeMark`), and what makes a member and it agree on that: what comes from somebody who has not heard of a
   * purge may be what was purged. Nothing is compared where it is left out.
   */
  readonly purges?: { mark(): string; agree(peer: string): Promise<void> }
  /** So many bytes of one blob came from that member, whole or not. */
  onBytes(peer: string, bytes: number): void
}

/** All in ms. */
export interface BlobClientLimits {
  /** For each address of a member, from connecting to the cards. */
  readonly admission: number
  /** From a request to the head of its answer. */
  readonly headers: number
  /** Of silence in a body while somebody waits for it. */
  readonly idle: number
}

const CLIENT_LIMITS: BlobClientLimits = { admission: ADMISSION_LIMIT, headers: HEADERS_TIMEOUT, idle: IDLE_TIMEOUT }

/** Ms that a member and this node have to tell each other what was purged. */
const AGREE_LIMIT = 2_000
/** Members of which is remembered that they did not agree. */
const MAX_ESTRANGED = 2_000

const OVER = new Error('nobody waits for it any more')

/** What a member is asked over the data plane. */
export interface MemberRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Its path with the query. */
  readonly path: string
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Whether who asks tells by `came` what came of blobs: not all of the answer is. */
  readonly countsItself?: true
  /** Where the usual times are too long: see `ExchangeInit`. */
  readonly patience?: Pick<ExchangeInit, 'connect' | 'sign' | 'idle'>
}

/** A blob that has begun to arrive. Its bytes are nobody's word. */
export interface OpenedBlob {
  /** Bytes of the whole blob, as the member says. */
  readonly size: number
  /** From the byte on that was asked for. Throws rather than ends when there are fewer than promised. */
  readonly body: AsyncIterable<Buffer>
}

/** Fetches blobs from members, over sockets that have proven whose they are. */
export class BlobClient {
  readonly #components: BlobClientComponents
  readonly #limits: BlobClientLimits
  readonly #secureContext: SecureContext
  /** Who did not agree on what was purged is not waited for each time: a member could keep all others waiting by a mark of its own. */
  readonly #estranged: Pauses
  readonly #pools = new Map<string, { readonly pool: PeerPool; used: number }>()
  readonly #closing = new Set<Promise<void>>()
  #closed = false

  constructor(components: BlobClientComponents, limits: Partial<BlobClientLimits> = {}) {
    this.#components = components
    this.#limits = { ...CLIENT_LIMITS, ...limits }
    this.#secureContext = createSecureContext({ ...components.identity, minVersion: 'TLSv1.3' })
    this.#estranged = new Pauses(components, { max: MAX_ESTRANGED })
  }

  /**
   * Opens a blob at byte `start`. Rejects with the reason of `signal`, UPSTREAM_ABSENT when the member does not hold it,
   * UPSTREAM_BUSY, Busy when others are to be asked as well, UNTRUSTED when somebody else is there, or with what else went wrong.
   */
  async open(peer: Dialled, digest: Digest, start: number, signal: AbortSignal, asking: Asking = 'first'): Promise<OpenedBlob> {
    const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {}
    if (asking !== 'first') headers[ASKING_HEADER] = asking
    const asked = { method: 'GET', path: BLOB_PATH + formatDigest(digest), headers } as const
    const response = await this.#send(peer, asked, signal)
    const { body } = response
    try {
      if (response.status === 503) {
        const others = decodeReferral((await collect(body, REFERRAL_BYTES)).toString())
        if (others) throw new Busy(`member ${peer.id} names others`, others)
      }
      const { size, empty } = judgeHead(response, start, peer.id)
      if (empty) body.discard()
      else this.#count(peer, body)
      return { size, body: empty ? nothing() : body }
    } catch (error) {
      body.discard()
      throw error
    }
  }

  /**
   * Sends one request over the data plane; an answer of any status. What comes counts as bytes of that member, unless it says no.
   * Rejects with the reason of `signal`, UNTRUSTED when somebody else is there, or with what else went wrong.
   */
  async request(peer: Dialled, asked: MemberRequest, signal: AbortSignal): Promise<WireResponse> {
    const response = await this.#send(peer, asked, signal)
    if (response.status < 300 && !asked.countsItself) this.#count(peer, response.body)
    return response
  }

  /** So many bytes of blobs came with an answer of which who asked counts them itself. */
  came({ id }: Dialled, bytes: number): void {
    this.#components.onBytes(id, bytes)
  }

  /** Requests to a member that have been sent and are not answered to the end. */
  underWay(peer: string): number {
    return this.#pools.get(peer)?.pool.running ?? 0
  }

  /** Sees whether the member lets us in; resolves with the address that led there. Rejects as `open` does. */
  reach(peer: Dialled, signal: AbortSignal): Promise<string> {
    return this.#poolOf(peer).reach(signal)
  }

  /** Ends all connections to a member, and what is under way on them. */
  forget(peer: string): void {
    const known = this.#pools.get(peer)
    if (!known) return
    this.#pools.delete(peer)
    const closing = known.pool.destroy().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const peer of [...this.#pools.keys()]) this.forget(peer)
    await Promise.all(this.#closing)
  }

  async #send(peer: Dialled, asked: MemberRequest, signal: AbortSignal, isLast = false): Promise<WireResponse> {
    signal.throwIfAborted()
    const dispatcher = this.#poolOf(peer)
    const { method, path, headers = {}, body, patience } = asked
    const { admission, ...times } = this.#limits
    const connect = admission + MAX_ADDRESSES * DIAL_STAGGER
    const limits = { ...times, peer: `member ${peer.id}`, connect, ...patience }
    const id = currentRequestId()
    const named = id === undefined ? headers : { ...headers, [REQUEST_ID]: id }
    const wired = { method, url: new URL(`http://blobs${path}`), headers: named, body }
    const response = await exchange(dispatcher, wired, limits, signal)
    if ('failure' in response) throw noAnswer(response.failure, peer.id)
    const { purges } = this.#components
    if (!purges || (response.headers[PURGES] ?? '') === purges.mark()) return response
    response.body.discard()
    if (isLast) this.#estranged.stalled(peer.id)
    if (isLast || this.#estranged.until(peer.id) > 0)
      throw new WarrenError('UPSTREAM_BUSY', `member ${peer.id} has not carried out the same purges yet`)
    await this.#agree(purges.agree(peer.id), signal)
    return this.#send(peer, asked, signal, true)
  }

  async #agree(agreeing: Promise<void>, signal: AbortSignal): Promise<void> {
    const scope = new AbortScope(signal)
    try {
      await Promise.race([agreeing.catch(() => {}), this.#components.clock.sleep(AGREE_LIMIT, scope.signal)])
    } finally {
      scope.end(OVER)
    }
  }

  #count({ id }: Dialled, body: WireResponse['body']): void {
    body.whenOver(() => this.#components.onBytes(id, body.received))
  }

  #poolOf(peer: Dialled): PeerPool {
    if (this.#closed) throw new WarrenError('DRAINING', 'this node is stopping, so no member is asked any more')
    const used = this.#components.clock.now()
    let known = this.#pools.get(peer.id)
    if (!known) {
      this.#dropUnused(used)
      const components = { gate: this.#components.gate, secureContext: this.#secureContext }
      known = { pool: new PeerPool(components, { id: peer.id, admission: this.#limits.admission }), used }
      this.#pools.set(peer.id, known)
    }
    known.used = used
    known.pool.addresses = peer.addresses
    return known.pool
  }

  /** Members come and go by the hundred. */
  #dropUnused(now: number): void {
    for (const [id, { pool, used }] of this.#pools) if (now - used > UNUSED_LIMIT && !pool.busy) this.forget(id)
  }
}

/** A whole body of at most so many bytes. Rejects with UPSTREAM_FAILED when there are more. */
export async function collect(body: WireResponse['body'], most: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of body) {
    parts.push(part)
    if (body.received > most) throw new WarrenError('UPSTREAM_FAILED', `an answer has more than ${most} bytes`)
  }
  return Buffer.concat(parts)
}

async function* nothing(): AsyncGenerator<Buffer, void> {}
