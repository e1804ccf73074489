import type { Digest } from '../digest.ts'

/** One request to an upstream registry. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Absolute http(s) URL. */
  readonly url: string
  /** The cache key of what is asked for, by which somebody else may be asked instead; not set where only upstream can answer. */
  readonly key?: string
  /** Peer ids of those who are not to be asked instead. */
  readonly unasked?: ReadonlySet<string>
  /** sha256 (hex) of the bytes that are held of it: whoever sees that there are no others may answer 304. */
  readonly held?: string
  /**
   * Nothing here tells of which digests it is: who answers in upstream's stead and will know it waits for that. Where nobody does, the
   * request rejects and upstream is not asked, since members may have it that are asked by digest.
   */
  readonly untold?: boolean
  /** Whoever asks is ready to be told that others have it as well, in the place of its bytes. */
  readonly asBlob?: boolean
  /** Somebody else's copy will not do unless upstream confirms it. */
  readonly revalidate?: boolean
  /** Lower-case names. `host` and `connection` are the client's own business; to `via` it adds itself. */
  readonly headers?: Readonly<Record<string, string>>
  /** Request body of a POST. */
  readonly body?: Buffer
  /**
   * The configured base URL of the upstream that the request belongs to. Its origin decides about credentials and about
   * private addresses: another host may be private only if this one is.
   */
  readonly base: string
  /** Whether a client named the upstream and nobody configured it: then not even its own address may be private. */
  readonly publicOnly?: boolean
  /** Ask for the bytes from `start` on, up to `end` if there is one; `ifRange` is a strong validator (RFC 9110 section 13.1.5). */
  readonly range?: { readonly start: number; readonly end?: number; readonly ifRange?: string }
  /** Scope of the token that it needs, where upstream's challenge does not say so; such as `repository:library/x:pull`. */
  readonly scope?: string
  /** `manual`: a redirect is the answer. It is followed by default. */
  readonly redirect?: 'follow' | 'manual'
}

/** A seed of the mesh between upstream and this node. */
interface Through {
  readonly kind: 'seed'
  /** Its peer id. */
  readonly id: string
  /** Whether its bytes may go out before all of them were seen to be right, as upstream's may. */
  readonly trusted: boolean
  /** What it sent is older than upstream allows: upstream is in trouble, or is being asked. */
  readonly stale: boolean
  /** Of which digests it says that an artifact has one: none where nothing promises it any; undefined where it does not say. */
  readonly promised?: readonly Digest[] | undefined
  /** What it sent cannot be what upstream has. */
  blame(reason: string): void
}

export interface UpstreamResponse {
  readonly status: number
  /** Lower-case names; repeated headers are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** Where the answer came from after redirects. */
  readonly url: string
  /**
   * The body as it came off the wire, never decoded. Ends cleanly only when it is complete by its own framing; a cut rejects
   * with UPSTREAM_CUT, silence with UPSTREAM_TIMEOUT. Leaving the loop early, or `destroy`, frees the connection.
   */
  readonly body: AsyncIterable<Buffer>
  /** Set where a seed of the mesh asked upstream, or answered from what it has. */
  readonly through?: Through
  /** Frees the connection without reading the rest; idempotent. */
  destroy(): void
}

export interface HostHealth {
  readonly origin: string
  readonly state: 'closed' | 'open' | 'half-open' | 'frozen'
  /** Ms since the epoch until which no request is made; 0 when requests flow. */
  readonly until: number
  readonly inFlight: number
  readonly queued: number
  readonly requests: number
  readonly failures: number
  /** Of these the ones since the last answer; left out where there are none. */
  readonly failedInRow?: number
  readonly lastError?: string
  /** What it still grants, where it says so. */
  readonly budget?: Budget
}

/** What an upstream still grants, as it told in its latest answer that said so. */
export interface Budget {
  /** Requests in a window. */
  readonly limit: number
  /** Requests that were left. */
  readonly remaining: number
  /** Seconds. */
  readonly window: number
  /** Whom it counts them for: an address or an account, as it says itself. */
  readonly source?: string
  /** When it told so, in ms since the epoch. */
  readonly at: number
  /** Nearly nothing is left, and the window is not over. */
  readonly isLow: boolean
}

/** Fetches from registries. */
export interface Upstream {
  /**
   * Sends a request and resolves when the headers are in. Any status below 500 but 429 is an answer; 429 rejects with
   * UPSTREAM_BUSY, 5xx with UPSTREAM_FAILED, and what never answered with UPSTREAM_UNREACHABLE or UPSTREAM_TIMEOUT. So does
   * trouble with the token service that upstream names; where that gives no token it rejects with UPSTREAM_DENIED.
   * GET and HEAD are tried again where that makes sense; a POST is sent once.
   */
  fetch(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>
  health(): HostHealth[]
  /** Whether what is asked on behalf of the upstream at `base` is asked with credentials. */
  isPrivate(base: string): boolean
  /** What the upstream at `base` still grants; undefined: it sets no limit, or none is known any more. */
  budget(base: string): Budget | undefined
  /** Whether a request like this goes first to a seed near by that says of which digests the answer is; none does, if not set. */
  tells?(request: Pick<UpstreamRequest, 'key' | 'base' | 'publicOnly'>): boolean
  close(): Promise<void>
}
