import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { type Digest, parseDigest } from '../digest.ts'
import { type ErrorCode, errorCodes, isWarrenError, WarrenError } from '../errors.ts'
import { AS_BLOB, BYTES, decodePromised, ETAG, HELD, IF_RANGE, PROMISED, UNTOLD } from '../mesh/artifacts/artifact-wire.ts'
import { BLOB_PATH } from '../mesh/blobs/constants.ts'
import type { Mesh, Seed, SeedAnswer } from '../mesh/mesh.ts'
import type { Budget, HostHealth, Upstream, UpstreamRequest, UpstreamResponse } from '../upstream/upstream.ts'
import { AsBlob } from './as-blob.ts'
import { Handover } from './handover.ts'

export interface SeededUpstreamComponents {
  /** The way to upstream that this node has itself. */
  readonly upstream: Upstream
  readonly mesh: Mesh
  readonly clock: Clock
}

/** Seeds that are asked for one thing before this node goes upstream itself. */
const MOST_SEEDS = 3
/** Ms for which a seed that has no mirror of an upstream is not asked for anything of it, and pairs that are remembered. */
const UNKNOWN_TTL = 60_000
const UNKNOWN_ENTRIES = 1_000

/** What is said of an upstream that cannot be asked from here. */
const CUT: ReadonlySet<ErrorCode> = new Set(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT'])

/** What upstream said to the seed, as the status that it said it with. */
const NOES: Partial<Record<ErrorCode, number>> = {
  UPSTREAM_ABSENT: 404,
  UPSTREAM_GONE: 410,
  UPSTREAM_LEGAL: 451,
  UPSTREAM_DENIED: 403,
}

/**
 * Upstream as a node in a mesh asks it: through the seed that fetches for all, so that upstream is asked once for everybody. The
 * node's own way is for what no seed may know of (credentials), has a mirror for, or can get.
 */
export class SeededUpstream implements Upstream {
  readonly #upstream: Upstream
  readonly #mesh: Mesh
  readonly #handover: Handover
  readonly #unknown = new LRUCache<string, true>({ max: UNKNOWN_ENTRIES, ttl: UNKNOWN_TTL })

  constructor(components: SeededUpstreamComponents) {
    this.#upstream = components.upstream
    this.#mesh = components.mesh
    this.#handover = new Handover(components)
  }

  /** As `Upstream` has it; also rejects with AsBlob where the request says so. */
  async fetch(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    const { key, method, publicOnly, base, unasked } = request
    if (key === undefined || method === 'POST' || publicOnly || this.#upstream.isPrivate(base)) {
      return this.#upstream.fetch(request, signal)
    }
    const asked = { ...request, key, method }
    const heard = new Set(unasked)
    let isKnown = false
    const mayAsk = ({ id }: Seed) => !unasked?.has(id)
    for (const seed of this.#mesh.seeds(key).filter(mayAsk).slice(0, MOST_SEEDS)) {
      const response = this.#unknown.has(`${seed.id} ${base}`) ? 'no' : await this.#ask(seed, asked, signal)
      if (typeof response === 'object') return response
      if (response !== 'silence') heard.add(seed.id)
      // It has heard of it, and of its own trouble it knows best.
      isKnown ||= response === 'no'
      if (response === 'trouble') break
    }
    if (request.untold) throw new WarrenError('UPSTREAM_UNREACHABLE', 'no seed says what it is')
    const response = await this.#alone(asked, heard, signal)
    if (!isKnown && method === 'GET' && response.status === 200 && this.#mesh.relies) this.#handover.note(key)
    return response
  }

  /**
   * Its own way, and where that is cut the seeds after all that kept silent or were to be left alone for a while: they were too busy to
   * say that they are at it, or failed a moment ago, but are all that is left.
   */
  async #alone(request: Asked, heard: ReadonlySet<string>, signal: AbortSignal): Promise<UpstreamResponse> {
    try {
      return await this.#upstream.fetch(request, signal)
    } catch (error) {
      if (!isWarrenError(error) || !CUT.has(error.code)) throw error
      const left = this.#mesh.seeds(request.key, 'connected').filter(({ id }) => !heard.has(id))
      for (const seed of left.slice(0, MOST_SEEDS)) {
        const response = await this.#ask(seed, request, signal)
        if (typeof response === 'object') return response
      }
      throw error
    }
  }

  health(): HostHealth[] {
    return this.#upstream.health()
  }

  isPrivate(base: string): boolean {
    return this.#upstream.isPrivate(base)
  }

  budget(base: string): Budget | undefined {
    return this.#upstream.budget(base)
  }

  tells({ key, base, publicOnly }: Pick<UpstreamRequest, 'key' | 'base' | 'publicOnly'>): boolean {
    if (key === undefined || publicOnly || !this.#mesh.relies || this.#upstream.isPrivate(base)) return false
    const [home] = this.#mesh.seeds(key)
    // Names are taken from certified seeds only, and bytes rather from somebody near than from a seed in another zone.
    return home?.isSeed === true && !home.isFar && !this.#unknown.has(`${home.id} ${base}`)
  }

  close(): Promise<void> {
    this.#handover.stop()
    return this.#upstream.close()
  }

  /** «No» where this seed does not fetch it, «silence» where nobody knows, «trouble» where upstream cannot be asked from there. */
  async #ask(seed: Seed, request: Asked, signal: AbortSignal): Promise<UpstreamResponse | 'no' | 'silence' | 'trouble'> {
    const { method, key, url } = request
    let answer: SeedAnswer
    try {
      answer = await seed.ask({ method, key, headers: headersOf(request) }, signal)
    } catch {
      signal.throwIfAborted()
      return 'silence'
    }
    const { status, headers, body, destroy, discard, blame } = answer
    const through = {
      kind: 'seed',
      id: seed.id,
      trusted: seed.isSeed,
      stale: headers['x-warren-source'] === 'stale',
      promised: decodePromised(headers[PROMISED]),
      blame,
    } as const
    const code = errorCodes.find((one) => one === headers['x-warren-error'])
    if (code === undefined && [200, 206, 304, 416].includes(status)) {
      return { status, headers: upstreamHeaders(headers), url, body, destroy, through }
    }
    discard()
    const digest = status === 303 && request.asBlob ? blobAt(headers.location) : undefined
    if (digest) {
      const blob = { digest, size: sizeIn(headers[BYTES]), trusted: seed.isSeed }
      throw new AsBlob(seed.id, blob, upstreamHeaders(headers))
    }
    const no = code && NOES[code]
    if (no !== undefined) return { status: no, headers: {}, url, body: nothing(), destroy() {}, through }
    // Whoever went on would ask an upstream that wants to be left alone by all of us.
    if (code === 'UPSTREAM_BUSY') {
      throw new WarrenError(code, `upstream lets seed ${seed.id} wait, which fetches for the mesh`, retryAfter(headers))
    }
    if (code === 'NO_SUCH_MIRROR') this.#unknown.set(`${seed.id} ${request.base}`, true)
    if (code?.startsWith('UPSTREAM_')) return 'trouble'
    return code === 'NO_SUCH_MIRROR' || code === 'POLICY_DENIED' ? 'no' : 'silence'
  }
}

type Asked = UpstreamRequest & { readonly key: string; readonly method: 'GET' | 'HEAD' }

function headersOf({ range, held, revalidate, untold, asBlob, headers = {} }: Asked): Record<string, string> {
  const { via } = headers
  return {
    ...(range ? { range: `bytes=${range.start}-${range.end ?? ''}` } : {}),
    ...(range?.ifRange === undefined ? {} : { [IF_RANGE]: range.ifRange }),
    ...(held === undefined ? {} : { [HELD]: held }),
    ...(untold ? { [UNTOLD]: 'yes' } : {}),
    ...(asBlob ? { [AS_BLOB]: 'yes' } : {}),
    ...(revalidate ? { 'cache-control': 'no-cache' } : {}),
    ...(via === undefined ? {} : { via }),
  }
}

function blobAt(location = ''): Digest | undefined {
  return location.startsWith(BLOB_PATH) ? parseDigest(location.slice(BLOB_PATH.length)) : undefined
}

function sizeIn(bytes = ''): number | undefined {
  return /^\d{1,15}$/.test(bytes) ? Number(bytes) : undefined
}

/** Of the seed's headers those that upstream's would be. */
function upstreamHeaders(headers: SeedAnswer['headers']): Record<string, string> {
  const { etag: _own, [ETAG]: etag, [PROMISED]: _promised, [BYTES]: _bytes, ...rest } = headers
  return { ...rest, ...(etag === undefined ? {} : { etag }) }
}

function retryAfter({ 'retry-after': seconds = '' }: SeedAnswer['headers']): { retryAfter?: number } {
  return /^\d{1,6}$/.test(seconds) ? { retryAfter: Number(seconds) } : {}
}

async function* nothing(): AsyncGenerator<Buffer, void> {}
