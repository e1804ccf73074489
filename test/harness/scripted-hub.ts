import { type Clock, systemClock } from '../../node/clock.ts'
import { type Answer, answer, json } from './answer.ts'
import { headers as changed, spoil } from './fault.ts'
import { BLOB_UNKNOWN, blobAnswer, MANIFEST_UNKNOWN, manifestAnswer, referrersAnswer, tagsAnswer } from './hub-answers.ts'
import { HubCdn } from './hub-cdn.ts'
import { HubContent, type Repository } from './hub-content.ts'
import { HubTokens } from './hub-tokens.ts'
import { ociError } from './oci-error.ts'
import type { Manifest } from './oci-types.ts'
import { PullLimit } from './pull-limit.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

/** Names have slashes and may themselves have a component `tags`, so that the last of these words counts. */
const PATH = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/
const KINDS: Readonly<Record<string, string>> = { manifests: 'manifest', blobs: 'blob', tags: 'tags', referrers: 'referrers' }

/**
 * A registry as Docker Hub is one, on three loopback ports: the registry itself, its token service and the storage that it
 * redirects to. Each of them has a tally by kind (`GET manifest`, `HEAD blob`, …), faults, rates, and can be gone. The knobs
 * may be turned while it runs.
 */
export class ScriptedHub extends UpstreamServer {
  readonly content = new HubContent()
  readonly tokens: HubTokens
  readonly cdn: HubCdn
  /** Whether it wants tokens at all. */
  authenticates = true
  /** Whether its challenge names the scope. */
  challengesScope = true
  /** Which requests for blobs are sent to the storage: that refuses HEAD, so that `all` makes HEAD of a blob a dead end. */
  redirects: 'all' | 'get' | 'none' = 'all'
  /** Whether it knows the referrers API. */
  hasReferrers = true
  /** Most tags of a page. */
  pageSize = 1000
  /** Whether the Link to the next page names the origin, too. */
  links: 'absolute' | 'relative' = 'absolute'
  /** Whether the limiter against abuse is at work, which stands before all else and says nothing but 429. */
  abused = false
  readonly #service: string
  #limit: PullLimit | undefined
  #pulls = 0

  constructor(clock: Clock = systemClock, service = 'registry.docker.io') {
    super(clock)
    this.#service = service
    this.tokens = new HubTokens(this.content, service, clock)
    this.cdn = new HubCdn(this.content, clock)
  }

  /** Manifests that were got, which is what Docker Hub counts; a fault that spoils the answer does not undo that. */
  get pulls(): number {
    return this.#pulls
  }

  /** From now on so many pulls are given in a window; the default is what it has for those who are not known. */
  limitPulls(limit = 100, windowSeconds = 21_600): void {
    this.#limit = new PullLimit(this.clock, limit, windowSeconds)
  }

  /** Adds an image with all that it names and points a tag to it, also one that pointed elsewhere. */
  publish(name: string, tag: string | undefined, image: Manifest): void {
    this.content.publish(name, tag, image)
  }

  override async start(): Promise<this> {
    await Promise.all([super.start(), this.tokens.start(), this.cdn.start()])
    return this
  }

  override async stop(): Promise<void> {
    await Promise.all([super.stop(), this.tokens.stop(), this.cdn.stop()])
  }

  /** All three are gone. */
  override async gone(): Promise<void> {
    await Promise.all([super.gone(), this.tokens.gone(), this.cdn.gone()])
  }

  override async back(): Promise<void> {
    await Promise.all([super.back(), this.tokens.back(), this.cdn.back()])
  }

  protected kindOf(path: string, method: string): string {
    const [bare = ''] = path.split('?')
    const what = KINDS[PATH.exec(bare)?.[2] ?? ''] ?? (bare === '/v2/' ? 'ping' : 'other')
    return `${method} ${what}`
  }

  protected find({ method, target, path, headers }: LoggedRequest): Answer {
    if (this.abused) return answer(429)
    const url = new URL(target, this.origin)
    const [bare = ''] = path.split('?')
    const [, name = '', what, reference = ''] = PATH.exec(bare) ?? []
    const scope = name === '' ? '' : `repository:${name}:pull`
    const spoken = { 'docker-distribution-api-version': 'registry/2.0' }
    if (this.authenticates && !this.tokens.allows(headers.authorization, scope))
      return spoil(this.#challenge(scope, headers.authorization), changed(spoken))
    const found = this.#route(method, what, url, name, reference, headers.accept)
    return spoil(found, changed(spoken))
  }

  #route(method: string, what: string | undefined, url: URL, name: string, reference: string, accept?: string): Answer {
    if (method !== 'GET' && method !== 'HEAD') return ociError(405, 'UNSUPPORTED', 'The operation is unsupported.')
    if (url.pathname === '/v2/') return json({})
    const repository = this.content.find(name)
    if (!repository) return what === undefined ? answer(404, 'page not found') : ociError(404, 'NAME_UNKNOWN', 'unknown name')
    switch (what) {
      case 'manifests':
        return this.#manifest(method, repository, reference, accept)
      case 'blobs':
        return this.#blob(method, repository, reference)
      case 'tags':
        return tagsAnswer(name, repository, url, this.pageSize, this.links === 'absolute' ? this.origin : '')
      default:
        return this.hasReferrers
          ? referrersAnswer(repository, reference, url.searchParams.get('artifactType'))
          : MANIFEST_UNKNOWN
    }
  }

  #manifest(method: string, repository: Repository, reference: string, accept?: string): Answer {
    const found = manifestAnswer(repository, reference, accept)
    if (method === 'GET' && found.status === 200) {
      if (this.#limit && !this.#limit.take()) return this.#tooMany(this.#limit)
      this.#pulls++
    }
    return this.#limit && found.status === 200 ? spoil(found, changed(this.#limit.headers)) : found
  }

  #tooMany(limit: PullLimit): Answer {
    const message = 'You have reached your unauthenticated pull rate limit.'
    return ociError(429, 'TOOMANYREQUESTS', message, { ...limit.headers, 'retry-after': `${limit.retryAfter}` })
  }

  #blob(method: string, repository: Repository, digest: string): Answer {
    const blob = repository.blobs.get(digest)
    if (!blob) return BLOB_UNKNOWN
    const redirected = this.redirects === 'all' || (this.redirects === 'get' && method === 'GET')
    return redirected ? answer(307, '', { location: this.cdn.sign(digest) }) : blobAnswer(blob)
  }

  #challenge(scope: string, authorization: string | undefined): Answer {
    const named = scope !== '' && this.challengesScope ? `,scope="${scope}"` : ''
    const why = this.tokens.allows(authorization, '') ? 'insufficient_scope' : 'invalid_token'
    const error = authorization === undefined ? '' : `,error="${why}"`
    const challenge = `Bearer realm="${this.tokens.realm}",service="${this.#service}"${named}${error}`
    return ociError(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge })
  }
}
