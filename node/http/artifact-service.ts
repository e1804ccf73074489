import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Finder, Found } from '../cache/found.ts'
import type { Intake } from '../cache/intake.ts'
import { comingThrough, type Plan, parseKey } from '../cache/plan.ts'
import type { Clock } from '../clock.ts'
import { type Digest, formatDigest } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import {
  ARTIFACT_PATH,
  AS_BLOB,
  BYTES,
  ETAG,
  encodePromised,
  HELD,
  IF_RANGE,
  keyInPath,
  PROMISED,
  UNTOLD,
} from '../mesh/artifacts/artifact-wire.ts'
import { BLOB_PATH } from '../mesh/blobs/constants.ts'
import { LARGE_BYTES } from '../mesh/swarm/constants.ts'
import { UploadRate } from '../mesh/swarm/upload-rate.ts'
import type { NameRecord } from '../store/store.ts'
import { Crowded } from '../upstream/crowded.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { untilClientLeaves } from './client-left.ts'
import { wantsConfirmation } from './exchange.ts'
import type { MemberBudgets } from './member-budgets.ts'
import type { Asker, MemberService } from './member-door.ts'
import type { Sender } from './sender.ts'
import { nodesIn } from './via.ts'

export interface ArtifactServiceComponents {
  readonly cache: Pick<Finder, 'get' | 'holds' | 'isFresh'>
  readonly sender: Sender
  readonly upstream: Pick<Upstream, 'isPrivate' | 'budget'>
  readonly budgets: MemberBudgets
  readonly intake: Intake
  readonly clock: Clock
  /** Whether this node fetches for others now: as a seed, or where all members do. */
  isFetcher(): boolean
  /** The plan of what a key names, from this node's own configuration; undefined where none of its mirrors has that. */
  plan(key: string): Plan | undefined
  /** Whether one of its mirrors has the upstream of a key, be it for other names only. */
  hasUpstreamOf(key: string): boolean
  record(key: string): NameRecord | undefined
  /** Of which digests what a key names has one: none where nothing promises any; undefined while it is not known. */
  promised(key: string): readonly Digest[] | undefined
  /** Resolves once `promised` tells all that it will, if that is soon. Rejects with the signal's reason. */
  learnt(key: string, signal: AbortSignal): Promise<void>
  /** A digest by which members can have what a key names as a blob, or its beginning. */
  blobOf(key: string): Digest | undefined
}

/** Ms between signs of life while upstream is being asked; whoever waits gives up without any. */
const SIGN_INTERVAL = 2_000
/** Bytes a second that go to members who cannot ask others for them, being told no digest, before they are told that instead. */
const UNTOLD_RATE = 32 << 20
/** Ms until the first of them: most answers are there before, and each sign is a message more for both sides. */
const FIRST_SIGN = 250

/**
 * Fetches for members what they name by cache key, once for all, and sends it while it comes. A member says nothing of where: this
 * node plans from its own configuration, and what it fetches with credentials it has for nobody.
 */
export class ArtifactService implements MemberService {
  readonly prefix = ARTIFACT_PATH
  readonly #components: ArtifactServiceComponents
  readonly #untold: UploadRate

  constructor(components: ArtifactServiceComponents) {
    this.#components = components
    this.#untold = new UploadRate(components, { rate: UNTOLD_RATE })
  }

  async answer(request: IncomingMessage, response: ServerResponse, member: Asker): Promise<number> {
    const { cache, budgets } = this.#components
    const { method = '', headers } = request
    if (!METHODS.includes(method))
      throw new WarrenError('METHOD_NOT_ALLOWED', 'artifacts are asked for by GET or HEAD, and told of by POST')
    budgets.ask(member)
    const plan = comingThrough(nodesIn(headers.via), this.#planOf(request.url ?? ''))
    const isHere = cache.holds(plan)
    const isNew = !isHere || wantsConfirmation(headers)
    // To see whether a copy is still right is no pull.
    if (isNew || !cache.isFresh(plan)) budgets.fetch(member, isNew && this.#isMetered(plan))
    if (method !== 'POST') return this.#send(plan, request, response, member)
    const told = { ...plan, brought: (bytes: number) => budgets.brought(member, bytes) }
    const teller = { peer: member.peer, mayGoOn: () => !budgets.isSpent(member) }
    if (!isHere && !this.#components.intake.take(told, teller))
      throw new WarrenError('NODE_BUSY', 'too much is waiting to be fetched')
    response.writeHead(202, { 'content-length': '0' }).end()
    return 0
  }

  async #send(plan: Plan, request: IncomingMessage, response: ServerResponse, member: Asker): Promise<number> {
    const { cache, sender, budgets, record } = this.#components
    const { method, headers } = request
    const revalidate = wantsConfirmation(headers)
    const endSigns = signsOfLife(response)
    let found: Found
    try {
      const signal = untilClientLeaves(response)
      // Whoever asks by HEAD wants to know whether it can be had, which a document that names it does not tell.
      const head = method === 'HEAD'
      const paid = { ...plan, brought: (bytes: number) => this.#charge(member, bytes, response) }
      found = await cache.get(paid, { signal, head, confirmed: head && record(plan.key)?.link === true, revalidate })
      if (headers[UNTOLD] !== undefined) await this.#learn(plan, found, signal)
    } catch (error) {
      // A pause that upstream wants is everybody's. Of a crowd here nobody else has to wait for the end.
      throw error instanceof Crowded ? new WarrenError('UPSTREAM_TIMEOUT', error.message, { cause: error }) : error
    } finally {
      endSigns()
    }
    // Many questions may have been let through before the first byte came. Of a document all is here by now.
    if (found.source === 'upstream' && !found.document && budgets.isSpent(member)) {
      found.body.close()
      throw new WarrenError('BUDGET_SPENT', 'what was asked for at the same time took all the new bytes of a day')
    }
    const known = record(plan.key)
    const told = { ...toldOf(plan, found, known), ...this.#promisedOf(plan) }
    if (headers[HELD] !== undefined && headers[HELD] === known?.blob) {
      found.body.close()
      response.writeHead(304, told).end()
      return 0
    }
    const isUntold = headers[UNTOLD] !== undefined && method === 'GET' && headers.range === undefined
    const blob = headers[AS_BLOB] === undefined ? undefined : this.#asBlob(plan, found, isUntold)
    if (blob) {
      const { size = '' } = found.body
      found.body.close()
      const at = { location: BLOB_PATH + formatDigest(blob), [BYTES]: String(size), 'content-length': '0' }
      response.writeHead(303, { ...found.headers, ...told, ...at }).end()
      return 0
    }
    // Bytes of another thing must not be joined with those that are there.
    if (headers[IF_RANGE] !== undefined && headers[IF_RANGE] !== known?.etag) delete request.headers.range
    const { document: _asItIs, ...raw } = found
    return sender.send({ ...raw, headers: { ...found.headers, ...told } }, { request, response, ...NO_CLIENT })
  }

  /** Whoever has no other way to know what it is waits for a document here rather than to fetch that itself. */
  async #learn({ key }: Plan, { body }: Found, signal: AbortSignal): Promise<void> {
    try {
      await this.#components.learnt(key, signal)
    } catch (error) {
      body.close()
      throw error
    }
  }

  /** What a member had fetched counts for it whether or not it takes any of it; without it the rest of something large is given up. */
  #charge(member: Asker, bytes: number, response: ServerResponse): void {
    const { budgets } = this.#components
    budgets.brought(member, bytes)
    if (response.headersSent && !response.writableEnded && budgets.isSpent(member)) response.destroy()
  }

  /** With what its bytes agree, so that who expects others knows that before they come. A document speaks for itself. */
  #promisedOf({ key, kind }: Plan): Record<string, string> {
    const promised = kind === 'immutable' ? this.#components.promised(key) : undefined
    const text = promised && encodePromised(promised)
    return text === undefined ? {} : { [PROMISED]: text }
  }

  /**
   * What is large is handed out as a blob, in parts of which others can take their share. So is what is small, to whoever asks for it only
   * because it does not know the digest: a crowd would have all of it from here, whoever else has it.
   */
  #asBlob({ key, document }: Plan, { body, source }: Found, isUntold: boolean): Digest | undefined {
    const { size = 0 } = body
    const blob = document ? undefined : this.#components.blobOf(key)
    const isTold = size > LARGE_BYTES || (isUntold && source === 'local')
    if (!blob || !isTold || (size <= LARGE_BYTES && this.#untold.fits(size))) return undefined
    return blob
  }

  #planOf(url: string): Plan {
    const { plan, hasUpstreamOf, record, upstream, isFetcher } = this.#components
    const key = keyInPath(url)
    if (key === undefined)
      throw new WarrenError('BAD_REQUEST', `behind ${ARTIFACT_PATH} there has to be a cache key in base64url`)
    const planned = isFetcher() ? plan(key) : undefined
    if (planned && !upstream.isPrivate(planned.base) && !record(planned.key)?.private) return planned
    // Of that upstream it is asked again for something else; whoever asked for this has to see for itself.
    const { base } = parseKey(key) ?? {}
    if (isFetcher() && base !== undefined && hasUpstreamOf(key) && !upstream.isPrivate(base)) {
      throw new WarrenError(
        'POLICY_DENIED',
        'this node asks that upstream for other things only, as far as others are concerned',
      )
    }
    // One answer for all, so that nobody learns what this node has a login for.
    throw new WarrenError('NO_SUCH_MIRROR', 'this node fetches nothing of that kind for others')
  }

  #isMetered({ base, document, pointsTo }: Plan): boolean {
    return (document !== undefined || pointsTo !== undefined) && this.#components.upstream.budget(base) !== undefined
  }
}

const METHODS = ['GET', 'HEAD', 'POST']

/** Documents go out as they came: each node puts its own clients' URL in. */
const NO_CLIENT = { base: () => '', reopen: async () => undefined }

/** «It is being fetched» (RFC 2518 section 10.1), again and again until what is returned is called. */
function signsOfLife(response: ServerResponse): () => void {
  const sign = () => {
    if (!response.headersSent && !response.destroyed) response.writeProcessing()
    timer = setTimeout(sign, SIGN_INTERVAL)
  }
  let timer = setTimeout(sign, FIRST_SIGN)
  return () => clearTimeout(timer)
}

/** What upstream said of it, for whoever may have to ask upstream itself later. */
function toldOf({ heedsNoStore }: Plan, { age = 0 }: Found, record: NameRecord | undefined): Record<string, string> {
  const told: Record<string, string> = {}
  if (record?.etag !== undefined) told[ETAG] = record.etag
  // What this node's own clients are told about lifetimes is for those, who ask again each time.
  if (record && record.freshFor !== null) told['cache-control'] = `max-age=${Math.floor(record.freshFor / 1_000)}`
  // Upstream may have forbidden it: that is known once it is here.
  else if (!record && heedsNoStore) told['cache-control'] = 'no-store'
  if (record?.freshFor !== null) told.age = String(age)
  return told
}
