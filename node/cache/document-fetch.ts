import { createHash } from 'node:crypto'
import { formatDigest, isOfBytes } from '../digest.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import { fetchedIn } from '../store/purged.ts'
import type { NameRecord } from '../store/store.ts'
import type { Upstream, UpstreamResponse } from '../upstream/upstream.ts'
import { conditionsOf, mayBeRight, mayKeep, recordHeaders, refusal, validators } from './answer.ts'
import { DOCUMENT_BYTES, SMALL_DOCUMENT_BYTES } from './constants.ts'
import { collect, tooLarge, unpack } from './document-body.ts'
import type { DocumentTurns } from './document-turns.ts'
import type { Source } from './found.ts'
import { ageThrough, freshFor, renewedFor } from './freshness.ts'
import { links } from './links.ts'
import { atUpstream, childrenOf, type Expectation, type Lookup, type ParsedDocument, type Plan } from './plan.ts'
import type { Shelf, ShelfComponents } from './shelf.ts'
import { Mismatch, verify } from './verify.ts'

/** Bytes that go into the store at a time. */
const PIECE_BYTES = 1 << 20

/** How often a document and what others say of it are fetched until they fit, and the pause between, in ms. */
const CHECK_ROUNDS = 3
const CHECK_PAUSE = 500

export interface FetchComponents extends ShelfComponents {
  readonly upstream: Upstream
  readonly shelf: Shelf
  readonly turns: DocumentTurns
  readonly lookup: Lookup
  /** The same, but whatever is mutable is asked for again, however lately that was done. */
  readonly anew: Lookup
}

export interface FetchedDocument {
  readonly record: NameRecord
  /** Where the bytes came from, if not from upstream. */
  readonly source?: Source | undefined
  /** The bytes, unless upstream said that the record is still right. */
  readonly bytes?: Buffer
  readonly document?: ParsedDocument
}

export interface FetchOptions {
  readonly signal: AbortSignal
  /** Upstream itself has to confirm it, also where a seed is asked. */
  readonly revalidate?: boolean
  /** No seed is asked. */
  readonly direct?: boolean
}

interface Answer extends Pick<UpstreamResponse, 'headers' | 'through'> {
  /** As it came over the wire. */
  readonly packed: Buffer
  /** Of purges, when it was asked for. */
  readonly generation: number
}

/**
 * Fetches a mutable document whole, or hears that the one we hold is still right. Nothing replaces a stored document unless
 * it arrived complete and is what its grammar says it must be, and what others say of it.
 */
export async function fetchDocument(
  components: FetchComponents,
  plan: Plan,
  held: NameRecord | undefined,
  options: FetchOptions,
): Promise<FetchedDocument> {
  const { signal } = options
  for (let round = 1; ; round++) {
    try {
      if (round === 1) return await fetchOnce(components, plan, held, options)
      return await fetchOnce({ ...components, lookup: components.anew }, plan, undefined, { signal, revalidate: true })
    } catch (error) {
      // It was replaced between the two requests, or a cache on the way has the one and not the other.
      if (!(error instanceof Mismatch) || round === CHECK_ROUNDS) throw error
      await components.clock.sleep(CHECK_PAUSE, signal)
    }
  }
}

async function fetchOnce(
  components: FetchComponents,
  plan: Plan,
  held: NameRecord | undefined,
  options: FetchOptions,
): Promise<FetchedDocument> {
  const { generation } = components.store.purged
  const response = await request(components.upstream, plan, held, options)
  if (response.status !== 304 || !held) {
    const answer = { ...(await receive(components.upstream, plan, response, options)), generation }
    try {
      return await unpackAndKeep(components, plan, answer, options.signal)
    } catch (error) {
      if (!answer.through || !isWarrenError(error, 'UPSTREAM_CORRUPT')) throw error
      // The seed may lie, or be of another version, whose grammar takes what this one does not: upstream itself is to tell.
      return fetchOnce(components, plan, undefined, { ...options, direct: true })
    }
  }
  response.destroy()
  const found = await components.shelf.open(plan, held, 'upstream')
  found?.body.close()
  // Still right, but the bytes are gone or purged: without them there is nothing to compare with, so everything is asked for.
  if (!found || components.store.purged.covers(plan.key, held)) return fetchOnce(components, plan, undefined, options)
  return { record: await renewed(components, plan, held, response), source: sourceOf(response) }
}

/** As clients are told; undefined for upstream itself. */
export function sourceOf({ through }: Pick<UpstreamResponse, 'through'>): 'seed' | 'stale' | undefined {
  return through?.stale ? 'stale' : through?.kind
}

/** The record of what upstream says is still right. */
export async function renewed(
  { store, clock }: Pick<FetchComponents, 'store' | 'clock'>,
  plan: Plan,
  held: NameRecord,
  answer: Pick<UpstreamResponse, 'headers' | 'through'>,
): Promise<NameRecord> {
  // The stored headers describe the stored bytes, and stay.
  const now = clock.now()
  const age = ageThrough(answer)
  const record = { ...held, checkedAt: now - age, freshFor: renewedFor(plan, held, answer.headers, now) + age }
  // What cannot be written down is true nevertheless.
  await store.records.put(plan.key, record).catch(() => {})
  return record
}

async function request(
  upstream: Upstream,
  plan: Plan,
  held: NameRecord | undefined,
  { signal, revalidate = false, direct = false }: FetchOptions,
): Promise<UpstreamResponse> {
  const conditions = held && conditionsOf(held)
  const headers = { ...plan.headers, 'accept-encoding': 'gzip', ...conditions?.headers }
  const { key, ...place } = atUpstream(plan)
  const known = { ...(direct || key === undefined ? {} : { key }), ...(conditions ? { held: conditions.held } : {}) }
  const response = await upstream.fetch({ method: 'GET', url: plan.url, headers, revalidate, ...known, ...place }, signal)
  const { status } = response
  const odd = status === 206 || (status === 304 && !(conditions && mayBeRight(conditions, response)))
  const no = odd
    ? new WarrenError('UPSTREAM_FAILED', `${plan.mirror}: upstream answered ${status} to a plain GET`)
    : refusal(plan, response)
  if (!no) return response
  response.destroy()
  throw no
}

async function answerOf(response: UpstreamResponse, plan: Plan): Promise<Omit<Answer, 'generation'>> {
  const { headers, through } = response
  return { headers, ...(through ? { through } : {}), packed: await collect(response, mostOf(plan), plan.brought) }
}

const mostOf = ({ maxBytes = DOCUMENT_BYTES }: Plan) => Math.min(maxBytes, DOCUMENT_BYTES)

/** A body that breaks off is asked for once more; a document is too small to be worth resuming. */
async function receive(
  upstream: Upstream,
  plan: Plan,
  first: UpstreamResponse,
  options: FetchOptions,
): ReturnType<typeof answerOf> {
  let response = first
  try {
    return await answerOf(response, plan)
  } catch (error) {
    response.destroy()
    if (!isWarrenError(error, 'UPSTREAM_CUT') || options.signal.aborted) throw error
    response = await request(upstream, plan, undefined, options)
    return await answerOf(response, plan)
  } finally {
    response.destroy()
  }
}

/** Small documents never wait behind large ones. */
async function unpackAndKeep(
  components: FetchComponents,
  plan: Plan,
  answer: Answer,
  signal: AbortSignal,
): Promise<FetchedDocument> {
  const { headers, packed } = answer
  const most = mostOf(plan)
  const small = await unpack(packed, headers, Math.min(SMALL_DOCUMENT_BYTES, most))
  if (!small && most <= SMALL_DOCUMENT_BYTES) throw tooLarge(most)
  // Before its turn: what others say of it may be in a large document that needs one, too.
  const expected = await plan.expect?.(components.lookup, signal)
  if (small) return { ...(await keep(components, plan, answer, small, expected, signal)), source: sourceOf(answer) }
  return components.turns.run(plan.ecosystem, signal, async () => {
    const bytes = await unpack(packed, headers, most)
    if (!bytes || bytes.length > most) throw tooLarge(most)
    return { ...(await keep(components, plan, answer, bytes, expected, signal)), source: sourceOf(answer) }
  })
}

async function keep(
  components: FetchComponents,
  plan: Plan,
  answer: Answer,
  bytes: Buffer,
  expected: Expectation | undefined,
  signal: AbortSignal,
): Promise<FetchedDocument> {
  const { store, documents, clock, upstream } = components
  const { headers, generation } = answer
  const now = clock.now()
  const age = ageThrough(answer)
  const isPrivate = upstream.isPrivate(plan.base)
  const target = plan.pointsTo && namedBy(plan.pointsTo, headers, bytes)
  const parser = (target ?? plan).document
  const parsed = parser && (await documents.parse(parser, bytes))
  const facts = parsed?.document.facts
  if (parsed && plan.isMeant?.(parsed.document.facts) === false) {
    throw new WarrenError('UPSTREAM_CORRUPT', `${plan.mirror}: ${plan.url} brought another document than the one asked for`)
  }
  // Nobody could be asked: it goes to who waits for it, and the next one asks again.
  const isUnknown =
    (plan.expect !== undefined && expected === undefined) || (parsed && !(await isProven(components, plan, facts, signal)))
  const algorithms = (expected?.digests ?? []).map(({ algorithm }) => algorithm).filter(isOfBytes)
  const staging = store.blobs.stage({ size: bytes.length, algorithms })
  try {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      if (staging.write(bytes.subarray(at, at + PIECE_BYTES))) continue
      // Nobody reads it from there.
      staging.release(staging.written)
      await staging.drained()
    }
    const { sha256 } = await staging.seal()
    const verified = expected ? await verify(plan, expected, staging) : (target?.digests ?? []).map(formatDigest)
    const record: NameRecord = {
      v: 1,
      blob: sha256,
      size: bytes.length,
      headers: target
        ? { ...recordHeaders(target, headers, facts), ...plan.responseHeaders }
        : recordHeaders(plan, headers, facts),
      ...validators(headers),
      fetchedAt: now,
      checkedAt: now - age,
      freshFor: freshFor(plan, headers, now) + age,
      verified,
      ...(isPrivate ? { private: true } : {}),
      ...fetchedIn(generation),
    }
    const records = new Map([[plan.key, record]])
    if (target) {
      records.set(target.key, { ...record, headers: recordHeaders(target, headers, facts), freshFor: null })
      for (const [key, link] of links(childrenOf(target, facts), { store, now, isPrivate, generation })) records.set(key, link)
    }
    const kept = !isUnknown && mayKeep(plan, headers) && (await staging.commit(records))
    if (!parsed || !parser) return { record, bytes }
    if (kept) await documents.keep(parser, sha256, parsed)
    return target ? { record, bytes } : { record, bytes, document: parsed.document }
  } finally {
    await staging.close()
  }
}

/** False while that cannot be told. Throws Mismatch for what is proven wrong. */
async function isProven({ lookup }: FetchComponents, plan: Plan, facts: unknown, signal: AbortSignal): Promise<boolean> {
  if (!plan.proof) return true
  const isRight = await plan.proof(facts, lookup, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    if (isWarrenError(error)) return undefined
    throw error
  })
  if (isRight !== false) return isRight ?? false
  throw new Mismatch('UPSTREAM_CORRUPT', `${plan.mirror}: ${plan.url} says what is not in the log that it speaks of`)
}

/** What a name points to, once its bytes are here. Throws UPSTREAM_CORRUPT when they are not what upstream says. */
function namedBy(pointsTo: NonNullable<Plan['pointsTo']>, headers: Answer['headers'], bytes: Buffer): Plan {
  const target = pointsTo(headers, createHash('sha256').update(bytes).digest('hex'))
  const digest = target?.digests?.[0]
  const computed = digest && createHash(digest.algorithm).update(bytes).digest('hex')
  if (target && computed === digest?.hex && bytes.length <= (target.maxBytes ?? bytes.length)) return target
  const promised = digest ? formatDigest(digest) : 'no digest'
  throw new WarrenError(
    'UPSTREAM_CORRUPT',
    `upstream's document has ${bytes.length} bytes and the digest ${computed ?? 'of nothing'}, and upstream says ${promised}`,
  )
}
