import { afterEach, beforeEach, expect } from 'vitest'
import { type Body, readAll } from '../../../node/body.ts'
import { Cache, type CacheComponents, type CacheInit, type Found } from '../../../node/cache/cache.ts'
import type { CacheEvents } from '../../../node/cache/cache-events.ts'
import { Documents } from '../../../node/cache/documents.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { isWarrenError, type WarrenError } from '../../../node/errors.ts'
import { MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { Mesh } from '../../../node/mesh/mesh.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import type { Store } from '../../../node/store/store.ts'
import { type MemoryAnswer, type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import type { Upstream, UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { Random } from '../../harness/random.ts'

export const NEVER = new AbortController().signal
export const MINUTE = 60_000

/** Repeatable bytes that hold no pattern. */
export const bytesOf = (length: number, seed = 1): Buffer => new Random(seed).bytes(length)

/** What the cache told, as lines. */
class RecordedEvents implements CacheEvents {
  readonly lines: string[] = []

  corrupt(_plan: Plan, source: string, reason: string): void {
    this.lines.push(`corrupt ${source}: ${reason}`)
  }

  unverified(_plan: Plan, reason: string): void {
    this.lines.push(`unverified: ${reason}`)
  }

  refreshFailed(_plan: Plan, reason: string): void {
    this.lines.push(`refresh failed: ${reason}`)
  }

  count(start: string): number {
    return this.lines.filter((line) => line.startsWith(start)).length
  }
}

const cleanups: (() => Promise<void>)[] = []
const rejections: unknown[] = []
const note = (reason: unknown) => void rejections.push(reason)

/** Call at the top of a test file: closes what `makeCache` made, and fails a test that leaves a rejection unhandled. */
export function useCacheTests(): void {
  beforeEach(() => void process.on('unhandledRejection', note))
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    // Unhandled rejections are told after the microtasks of a turn.
    await turns(3)
    process.off('unhandledRejection', note)
    expect(rejections.splice(0)).toEqual([])
  })
}

export function afterTest(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup)
}

export interface Parts {
  readonly script?: MemoryScript
  readonly upstream?: Upstream
  readonly store?: Store
  readonly mesh?: Mesh
  readonly clock?: VirtualClock
  readonly init?: Partial<CacheInit>
  readonly mayPrefetch?: CacheComponents['mayPrefetch']
}

/** A cache with twins for neighbours. `script` is upstream. */
export function makeCache(parts: Parts = {}) {
  const clock = parts.clock ?? new VirtualClock()
  const memory = new MemoryStore()
  const store = parts.store ?? memory
  const network = new MemoryNetwork()
  const mesh = network.join({ id: 'self' })
  const upstream = new MemoryUpstream(parts.script ?? (() => ({ status: 404 })))
  const documents = new Documents({ records: store.records, clock })
  const events = new RecordedEvents()
  const init = { staleWhileRevalidate: MINUTE, staleIfError: 7 * 24 * 60 * MINUTE, negative: 30_000, ...parts.init }
  const neighbours = { store, mesh: parts.mesh ?? mesh, upstream: parts.upstream ?? upstream }
  const cache = new Cache({ ...neighbours, documents, clock, events, mayPrefetch: parts.mayPrefetch ?? (() => true) }, init)
  afterTest(async () => {
    await cache.close()
    await documents.close()
    await upstream.close()
  })
  const get = (plan: Plan, options: { revalidate?: boolean; head?: boolean; signal?: AbortSignal } = {}) =>
    Promise.resolve(cache.get(plan, { signal: NEVER, ...options }))
  /** Gets and reads to the end. */
  const fetch = async (plan: Plan, options: { revalidate?: boolean } = {}) => read(await get(plan, options))
  return { cache, clock, memory, store, network, mesh, upstream, documents, events, get, fetch }
}

export type Kit = ReturnType<typeof makeCache>

/** All bytes of an answer, which is closed. */
export async function read(found: Found): Promise<Buffer> {
  try {
    return Buffer.from(await readAll(found.body))
  } finally {
    found.body.close()
  }
}

/** Bytes [start, end) of a body. Waits for them as long as they may come. */
export async function readRange(body: Body, start: number, end: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let at = start; at < end; ) {
    const part = await body.read(at, end - at, (size) => Buffer.allocUnsafe(size))
    if (part.length === 0) break
    parts.push(Buffer.from(part))
    at += part.length
  }
  return Buffer.concat(parts)
}

/** How many bytes a reader gets before it has to wait. */
export async function available(body: Body): Promise<number> {
  for (let at = 0; ; ) {
    const reading = Promise.resolve(body.read(at, 1 << 20, (size) => Buffer.allocUnsafe(size)))
    reading.catch(() => {})
    if (!(await settled(reading))) return at
    const { length } = await reading
    if (length === 0) return at
    at += length
  }
}

/** The WarrenError that a promise rejects with; anything else fails the test. */
export async function failure(promise: Promise<unknown>): Promise<WarrenError> {
  const error = await promise.then(
    () => new Error('it was expected to fail'),
    (thrown: unknown) => thrown,
  )
  if (isWarrenError(error)) return error
  throw error
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await failure(promise)).code
}

/** Lets everything run that waits for neither time nor the network. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** Lets time pass until the work is done. */
export async function inTime<T>(clock: VirtualClock, work: Promise<T>, step = 50): Promise<T> {
  let over = false
  const end = () => {
    over = true
  }
  work.then(end, end)
  while (!over) await clock.advance(step)
  return work
}

/** Whether a promise has settled once everything ran that waits for neither time nor the network. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let over = false
  const end = () => {
    over = true
  }
  promise.then(end, end)
  await turns()
  return over
}

export interface Serving extends MemoryAnswer {
  readonly etag?: string
  /** Whether Range is honoured; it is by default. */
  readonly ranges?: boolean
}

/** The answer of a server that knows Range and If-Range (RFC 9110 section 14); `cutAt` is an offset of the whole. */
export function serve(request: UpstreamRequest, bytes: Buffer, serving: Serving = {}): MemoryAnswer {
  const { etag, ranges = true, cutAt, ...rest } = serving
  const { start = 0, ifRange } = request.range ?? {}
  const headers: Record<string, string> = { ...rest.headers, ...(etag === undefined ? {} : { etag }) }
  const partial = ranges && start > 0 && (ifRange === undefined || ifRange === etag)
  if (partial && start >= bytes.length) {
    return { ...rest, status: 416, headers: { 'content-range': `bytes */${bytes.length}` } }
  }
  const from = partial ? start : 0
  if (partial) headers['content-range'] = `bytes ${start}-${bytes.length - 1}/${bytes.length}`
  const cut = cutAt === undefined ? {} : { cutAt: Math.max(0, cutAt - from) }
  return { ...rest, ...cut, status: partial ? 206 : 200, headers, body: bytes.subarray(from) }
}
