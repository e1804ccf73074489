import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { WarrenError } from '../errors.ts'
import type { WireRequest, WireResponse } from '../wire/exchange.ts'
import { MAX_TOKEN, MAX_TOKEN_ANSWER, MAX_TOKEN_LIFE, TOKEN_LIFE, TOKEN_PATIENCE, WRONG_REST } from './constants.ts'
import { authorization, type CredentialEntry } from './credentials.ts'
import { type HeadersInit, requestHeaders } from './headers.ts'

/** A token that is wanted. */
export interface TokenWish {
  /** The upstream that it is for. */
  readonly base: URL
  /** URL of the token service. */
  readonly realm: URL
  readonly service: string | undefined
  /** Scopes with blanks between them. */
  readonly scope: string | undefined
  /** What is shown to the token service. */
  readonly entry: CredentialEntry | undefined
}

export interface GivenToken {
  readonly token: string
  /** Seconds. */
  readonly life: number
}

export interface TokenServiceComponents {
  readonly clock: Clock
  readonly send: SendToService
}

/** Sends a request and what it is redirected to; rejects where there is no answer. */
type SendToService = (request: WireRequest, base: URL, signal: AbortSignal) => Promise<WireResponse>

const text = z
  .string()
  .max(MAX_TOKEN)
  .regex(/^[\x21-\x7e]+$/)
const answer = z
  .object({
    token: text.optional().catch(undefined),
    access_token: text.optional().catch(undefined),
    expires_in: z.number().positive().max(MAX_TOKEN_LIFE).catch(TOKEN_LIFE),
  })
  .transform(({ token, access_token, expires_in }) => ({ token: token ?? access_token, life: expires_in }))

/** Fetches tokens (distribution, «Token Authentication Specification» and «Oauth2 Token Authentication»). */
export class TokenService {
  readonly #components: TokenServiceComponents
  readonly #init: HeadersInit
  /** When credentials turned out to be wrong, by origin of the upstream: services lock accounts after some tries. */
  readonly #wrong = new Map<string, { readonly from: number; readonly error: WarrenError }>()

  constructor(components: TokenServiceComponents, init: HeadersInit) {
    this.#components = components
    this.#init = init
  }

  /** Rejects with UPSTREAM_DENIED where the service gives none to whom asks, and as any upstream in trouble does. */
  async ask(wish: TokenWish, signal: AbortSignal): Promise<GivenToken> {
    const { origin } = wish.realm
    const now = this.#components.clock.now()
    const wrong = wish.entry && this.#wrong.get(wish.entry.origin)
    if (wrong && now >= wrong.from && now < wrong.from + WRONG_REST) throw wrong.error
    const patience = AbortSignal.timeout(TOKEN_PATIENCE)
    try {
      const response = await this.#components.send(this.#request(wish), wish.base, AbortSignal.any([signal, patience]))
      const given = response.status === 200 ? parse(await readBounded(response, origin), origin) : undefined
      if (given) return given
      response.body.discard()
      const error = refusal(response.status, wish)
      if (response.status === 401 && wish.entry) this.#wrong.set(wish.entry.origin, { from: now, error })
      throw error
    } catch (error) {
      if (!patience.aborted || signal.aborted) throw error
      throw new WarrenError('UPSTREAM_TIMEOUT', `${origin}: no token within ${TOKEN_PATIENCE / 1000} s`)
    }
  }

  #request({ base, realm, service, scope = '', entry }: TokenWish): WireRequest {
    const scopes = scope.split(' ').filter((one) => one !== '')
    if (entry && 'token' in entry) {
      const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'warren' })
      if (service !== undefined) form.set('service', service)
      if (scopes.length > 0) form.set('scope', scopes.join(' '))
      form.set('refresh_token', entry.token.reveal())
      const body = Buffer.from(form.toString())
      const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
      return { method: 'POST', url: realm, body, headers: this.#headers('POST', realm, base, headers) }
    }
    const url = new URL(realm)
    if (service !== undefined) url.searchParams.set('service', service)
    for (const one of scopes) url.searchParams.append('scope', one)
    const headers = { accept: 'application/json', ...(entry ? { authorization: authorization(entry) } : {}) }
    return { method: 'GET', url, headers: this.#headers('GET', url, base, headers) }
  }

  #headers(method: 'GET' | 'POST', url: URL, base: URL, headers: Readonly<Record<string, string>>) {
    return requestHeaders({ method, url: url.href, base: base.href, headers }, this.#init)
  }
}

function refusal(status: number, { realm, base, entry }: TokenWish): WarrenError {
  if (status !== 401 && status !== 403)
    return new WarrenError('UPSTREAM_FAILED', `${realm.origin} answered ${status} where it was asked for a token`)
  const why = entry
    ? `refuses the credentials that are configured for ${base.origin}`
    : `gives no token for ${base.origin} without credentials`
  return new WarrenError('UPSTREAM_DENIED', `${realm.origin} ${why} (${status})`)
}

/** The causes are left out: they would quote the token. */
function parse(bytes: Buffer, origin: string): GivenToken {
  const { data } = answer.safeParse(json(bytes))
  if (data?.token !== undefined) return { token: data.token, life: data.life }
  throw new WarrenError('UPSTREAM_FAILED', `${origin} answered without a token that can be sent`)
}

function json(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

async function readBounded({ body }: WireResponse, origin: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  // Leaving the loop early frees the connection.
  for await (const part of body) {
    size += part.length
    if (size > MAX_TOKEN_ANSWER)
      throw new WarrenError('UPSTREAM_FAILED', `${origin} answered with more than ${MAX_TOKEN_ANSWER} bytes instead of a token`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
