import { createHash } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import { type Answer, json } from './answer.ts'
import type { HubContent } from './hub-content.ts'
import { ociError } from './oci-error.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

interface Token {
  /** `repository:<name>:pull` of each repository that it is good for. */
  readonly scopes: ReadonlySet<string>
  readonly expires: number
}

/** The token service of a scripted registry (distribution, «Token Authentication Specification»). */
export class HubTokens extends UpstreamServer {
  /** Life of a token in seconds, as it says itself. */
  lifeSeconds = 300
  /** Whether it tells how long a token lives; without that it is a minute. */
  tellsLife = true
  /** Under which name the token is given. */
  field: 'token' | 'access_token' | 'both' = 'both'
  /**
   * Whether a token is good for a repository that is not there. Docker Hub's is not: it does not tell what is private from what
   * does not exist, and answers 401 for both.
   */
  grantsUnknown = false
  /** Who may have tokens for private repositories; whoever gives other credentials gets none at all. */
  readonly users = new Map<string, string>()
  readonly #content: HubContent
  readonly #service: string
  readonly #tokens = new Map<string, Token>()
  #issued = 0

  constructor(content: HubContent, service: string, clock: Clock) {
    super(clock)
    this.#content = content
    this.#service = service
  }

  /** The realm that a challenge names. */
  get realm(): string {
    return `${this.origin}/token`
  }

  /** Forgets all tokens: whoever has one is asked for another. */
  revoke(): void {
    this.#tokens.clear()
  }

  /** Whether a request's Authorization is good for a scope; an empty scope only wants a token. */
  allows(authorization: string | undefined, scope: string): boolean {
    const token = this.#tokens.get(/^Bearer (\S+)$/i.exec(authorization ?? '')?.[1] ?? '')
    if (!token || token.expires <= this.clock.now()) return false
    return scope === '' || token.scopes.has(scope)
  }

  protected kindOf(): string {
    return 'token'
  }

  protected find({ method, target, headers }: LoggedRequest): Answer {
    const url = new URL(target, this.origin)
    if (method !== 'GET' || url.pathname !== '/token') return ociError(404, 'NOT_FOUND', 'there is only /token')
    if (url.searchParams.get('service') !== this.#service) return ociError(400, 'UNSUPPORTED', 'another service')
    const known = this.#knows(headers.authorization)
    if (headers.authorization !== undefined && !known) return ociError(401, 'UNAUTHORIZED', 'incorrect username or password')
    const names = url.searchParams.getAll('scope').flatMap((scopes) => scopes.split(' ').flatMap(pulled))
    // What the asker may not have is left out, and the token is given nevertheless.
    const scopes = new Set(names.filter((name) => this.#grants(name, known)).map((name) => `repository:${name}:pull`))
    const now = this.clock.now()
    const life = this.tellsLife ? this.lifeSeconds : 60
    const token = createHash('sha256')
      .update(`${this.#service} ${++this.#issued}`)
      .digest('base64url')
    this.#tokens.set(token, { scopes, expires: now + life * 1000 })
    return json({
      ...(this.field === 'access_token' ? {} : { token }),
      ...(this.field === 'token' ? {} : { access_token: token }),
      ...(this.tellsLife ? { expires_in: life, issued_at: new Date(now).toISOString() } : {}),
    })
  }

  #grants(name: string, known: boolean): boolean {
    const repository = this.#content.find(name)
    return repository ? known || !repository.private : this.grantsUnknown
  }

  #knows(authorization: string | undefined): boolean {
    const basic = /^Basic (\S+)$/i.exec(authorization ?? '')?.[1]
    if (basic === undefined) return false
    const [user = '', ...password] = Buffer.from(basic, 'base64').toString().split(':')
    return this.users.has(user) && this.users.get(user) === password.join(':')
  }
}

/** The repository that a scope is to pull from, such as `repository:library/x:pull,push`. */
function pulled(scope: string): string[] {
  const [, name, actions] = /^repository:(.+):([a-z,*]+)$/.exec(scope) ?? []
  return name !== undefined && actions?.split(',').includes('pull') ? [name] : []
}
