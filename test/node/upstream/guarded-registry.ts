import type { IncomingMessage, ServerResponse } from 'node:http'
import { using } from './fixture.ts'
import { type Handler, httpServer, type TestServer } from './servers.ts'

/** A request as a server saw it. */
export interface Seen {
  readonly method: string
  readonly url: URL
  readonly authorization: string | undefined
  readonly body: string
}

export const SCOPE = 'repository:library/x:pull'

/** A registry on loopback that wants tokens, and the service that gives them. */
export class GuardedRegistry {
  readonly server: TestServer
  readonly service: TestServer
  /** What was asked of the registry and of the service, in order. */
  readonly asked: Seen[] = []
  readonly asks: Seen[] = []
  /** Tokens that the registry takes, with the scope that each is good for. */
  readonly good = new Map<string, string>()
  /** The whole challenge; undefined for one that names realm, service and scope. */
  challenge: ((scope: string) => string | undefined) | undefined
  /** What the service answers; undefined for a token that is good. */
  tokens: ((seen: Seen, response: ServerResponse) => void) | undefined
  /** What the registry answers to who shows a good token. */
  registry: (seen: Seen, response: ServerResponse) => void = (_seen, response) => response.end('content')
  /** An `Authorization` that is as good as any token. */
  password: string | undefined
  /** Seconds. */
  life: number | undefined = 300

  private constructor(server: TestServer, service: TestServer) {
    this.server = server
    this.service = service
  }

  static async start(): Promise<GuardedRegistry> {
    const handlers: { registry?: Handler; service?: Handler } = {}
    const server = await using(httpServer((...exchange) => handlers.registry?.(...exchange)))
    const service = await using(httpServer((...exchange) => handlers.service?.(...exchange)))
    const guarded = new GuardedRegistry(server, service)
    handlers.registry = async (request, response) => guarded.#registry(await seen(request, server), response)
    handlers.service = async (request, response) => guarded.#service(await seen(request, service), response)
    return guarded
  }

  get origin(): string {
    return this.server.origin
  }

  get realm(): string {
    return `${this.service.origin}/token`
  }

  /** What was shown to the registry, in order. */
  get shown(): (string | undefined)[] {
    return this.asked.map(({ authorization }) => authorization)
  }

  /** The usual challenge. */
  bearer(scope?: string, realm = this.realm): string {
    return `Bearer realm="${realm}",service="registry.example.test"${scope === undefined ? '' : `,scope="${scope}"`}`
  }

  #registry(asked: Seen, response: ServerResponse): void {
    this.asked.push(asked)
    const [, name = ''] = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(asked.url.pathname) ?? []
    const scope = `repository:${name}:pull`
    const token = /^Bearer (.*)$/.exec(asked.authorization ?? '')?.[1] ?? ''
    if (this.good.get(token) === scope || (this.password !== undefined && this.password === asked.authorization)) {
      this.registry(asked, response)
      return
    }
    const challenge = this.challenge ? this.challenge(scope) : this.bearer(scope)
    response.writeHead(401, challenge === undefined ? {} : { 'www-authenticate': challenge }).end('who asks?')
  }

  #service(asked: Seen, response: ServerResponse): void {
    this.asks.push(asked)
    if (this.tokens) this.tokens(asked, response)
    else response.end(JSON.stringify(this.give(asked)))
  }

  /** A token that is good for the scope that was asked for. */
  give({ url, body }: Seen): Record<string, unknown> {
    const token = `token-${this.asks.length}`
    this.good.set(token, new URLSearchParams(body).get('scope') ?? url.searchParams.get('scope') ?? '')
    return { token, ...(this.life === undefined ? {} : { expires_in: this.life }) }
  }
}

async function seen(request: IncomingMessage, { origin }: TestServer): Promise<Seen> {
  const body = Buffer.concat(await Array.fromAsync(request)).toString()
  const { method = '', url = '', headers } = request
  return { method, url: new URL(url, origin), authorization: headers.authorization, body }
}
