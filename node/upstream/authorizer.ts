import { LRUCache } from 'lru-cache'
import { WarrenError } from '../errors.ts'
import type { WireRequest, WireResponse } from '../wire/exchange.ts'
import { isSameWay, type Way, wayOf } from './challenge-answer.ts'
import { CHALLENGE_ENTRIES, MAX_CHALLENGES } from './constants.ts'
import { authorization, type CredentialEntry, type Credentials } from './credentials.ts'
import type { Tokens } from './tokens.ts'

export interface AuthorizerComponents {
  readonly credentials: Credentials
  readonly tokens: Tokens
}

/** What a request belongs to. */
export interface Purpose {
  readonly base: URL
  /** Scope of the token that it needs, where the challenge does not say so. */
  readonly scope: string | undefined
}

/** What is shown to upstream. */
interface Proof {
  readonly authorization: string
  /** The token in it. */
  readonly token: string | undefined
  /** There is no newer one. */
  readonly isNew: boolean
}

/** Tells upstreams who asks, as they want to be told. */
export class Authorizer {
  readonly #components: AuthorizerComponents
  /** By origin and scope; by origin alone as well, for scopes that were not asked for yet. */
  readonly #ways = new LRUCache<string, Way>({ max: CHALLENGE_ENTRIES })

  constructor(components: AuthorizerComponents) {
    this.#components = components
  }

  /**
   * Sends a request for the upstream's own origin, again where a 401 says how. Resolves with a 401 that cannot be helped; rejects
   * with UPSTREAM_DENIED where a token is refused, and with the trouble of the token service.
   */
  async send(
    request: WireRequest,
    purpose: Purpose,
    send: (request: WireRequest) => Promise<WireResponse>,
    signal: AbortSignal,
  ): Promise<WireResponse> {
    if (request.headers.authorization !== undefined) return send(request)
    const { base, scope } = purpose
    const entry = this.#components.credentials.of(base.origin)
    let way = this.#known(purpose)
    let proof = way && (await this.#knownProof(way, purpose, entry, signal))
    for (let further = MAX_CHALLENGES; ; further--) {
      const response = await send(proof ? withProof(request, proof) : request)
      if (response.status !== 401) return response
      const next = wayOf(response.headers['www-authenticate'], entry, scope)
      const isAnswered = proof?.isNew && way && next && isSameWay(way, next)
      if (!next || isAnswered || further === 0) {
        if (way?.kind !== 'token' || !way.withheld) return response
        response.body.discard()
        throw withheld(base, way.realm)
      }
      // Gives its place up: the token service may be at the same origin.
      response.body.discard()
      proof = await this.#proof(next, purpose, entry, proof?.token, signal)
      // Only now: a way that leads to trouble would be gone once more before upstream is asked for another.
      this.#remember(purpose, next)
      way = next
    }
  }

  async #proof(
    way: Way,
    { base }: Purpose,
    entry: CredentialEntry | undefined,
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<Proof | undefined> {
    if (way.kind === 'credentials') return entry && { authorization: authorization(entry), token: undefined, isNew: true }
    const { realm, service, scope } = way
    const wish = { base, realm, service, scope, entry: way.withheld ? undefined : entry }
    const { token, isNew } = await this.#components.tokens.get(wish, refused, signal)
    return { authorization: `Bearer ${token}`, token, isNew }
  }

  async #knownProof(way: Way, purpose: Purpose, entry: CredentialEntry | undefined, signal: AbortSignal) {
    try {
      return await this.#proof(way, purpose, entry, undefined, signal)
    } catch (error) {
      // Upstream may have another token service by now: the next request finds out.
      for (const key of keysOf(purpose)) this.#ways.delete(key)
      throw error
    }
  }

  #known(purpose: Purpose): Way | undefined {
    const [exact, general] = keysOf(purpose)
    const way = this.#ways.get(exact)
    if (way) return way
    const like = this.#ways.get(general)
    if (like?.kind !== 'token') return like
    return purpose.scope === undefined ? undefined : { ...like, scope: purpose.scope }
  }

  #remember(purpose: Purpose, way: Way): void {
    for (const key of keysOf(purpose)) this.#ways.set(key, way)
  }
}

function keysOf({ base, scope }: Purpose): readonly [exact: string, general: string] {
  return [`${base.origin} ${scope ?? ''}`, base.origin]
}

function withProof(request: WireRequest, { authorization }: Proof): WireRequest {
  return { ...request, headers: { ...request.headers, authorization } }
}

function withheld(base: URL, realm: URL): WarrenError {
  return new WarrenError(
    'UPSTREAM_DENIED',
    `${base.origin} wants a token of ${realm.origin}, which is another site and was not shown the credentials; name it as realm beside them if it may see them`,
  )
}
