import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { type Body, bufferBody } from '../../../node/body.ts'
import type { Found, GetOptions, Source, Wanted } from '../../../node/cache/found.ts'
import type { ParsedDocument, Plan } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { BaseUrl } from '../../../node/http/base-url.ts'
import { Composer } from '../../../node/http/composer.ts'
import { Door, type DoorEvents } from '../../../node/http/door.ts'
import { HostAllowList } from '../../../node/http/hosts.ts'
import type { Timeouts } from '../../../node/http/listener.ts'
import { Mounts } from '../../../node/http/mounts.ts'
import { RenderedCache } from '../../../node/http/rendered.ts'
import { ScratchPool } from '../../../node/http/scratch-pool.ts'
import { Sender } from '../../../node/http/sender.ts'
import { type AdminHandler, HttpServer } from '../../../node/http/server.ts'
import type { Withholder } from '../../../node/policy/withholding.ts'
import { type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import type { MirrorRequest, Protocol, Route } from '../../../protocols/protocol.ts'
import { HttpClient } from '../../harness/http.ts'
import { RawConnection } from '../../harness/raw.ts'

const UPSTREAM = 'http://upstream.example.test/'

const open: { close(): unknown }[] = []

afterEach(async () => {
  // Latest first: clients before the servers that they talk to.
  for (const one of open.splice(0).reverse()) await one.close()
})

/** Closes something after the test. */
export function using<T extends { close(): unknown }>(started: T): T {
  open.push(started)
  return started
}

/** Lets a listener answer plain HTTP until the test ends. Resolves with its base URL, without a slash at the end. */
export async function plainServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  using({
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What the door told of a request. */
export type Told =
  | { readonly served: string; readonly source: Source | 'fixed'; readonly bytes: number }
  | { readonly refused: string; readonly error: WarrenError; readonly path: string }
  | { readonly bug: unknown; readonly path: string }

class Recorder implements DoorEvents {
  readonly told: Told[] = []

  served(served: string, _protocol: string, source: Source | 'fixed', bytes: number): void {
    this.told.push({ served, source, bytes })
  }

  refused(refused: string, _protocol: string | undefined, error: WarrenError, path: string): void {
    this.told.push({ refused, error, path })
  }

  /** To leave is nothing that an answer is told of. */
  left(): void {}

  bug(bug: unknown, path: string): void {
    this.told.push({ bug, path })
  }
}

/**
 * A grammar for tests: `pass/…` goes to upstream each time, `fixed` is answered at once, `two/…` has two plans, `by-accept/…`
 * depends on a header, `bad` is no path, `broken` is a mistake in the grammar; everything else is one plan whose key is the path.
 */
export const plain: Protocol = {
  name: 'plain',
  defaultUpstreams: [UPSTREAM],
  rootAliases: ['/-/alias/'],
  settings: [],
  route: (request) => routePlain(request),
  planOf: () => undefined,
  formatError: (error) => ({
    contentType: 'application/json',
    body: JSON.stringify({ code: error.code, message: error.message }),
  }),
}

function routePlain({ method, path, query, headers }: MirrorRequest): Route {
  if (path === 'bad') throw new WarrenError('BAD_REQUEST', 'no such path; ask for another one')
  if (path === 'broken') throw new TypeError('a mistake at /secret/place/grammar.ts:12')
  if (path === 'fixed') return { reply: { status: 200, headers: { 'content-type': 'text/plain' }, body: 'fixed' } }
  if (path.startsWith('pass/')) {
    const passed = method === 'POST' || method === 'HEAD' ? method : 'GET'
    return { pass: { method: passed, url: UPSTREAM + path.slice(5) + query, base: UPSTREAM, headers: { accept: '*/*' } } }
  }
  if (method !== 'GET' && method !== 'HEAD') throw new WarrenError('METHOD_NOT_ALLOWED', 'this is for reading only')
  if (path.startsWith('two/')) return { plans: [plan(`${path}#1`), plan(`${path}#2`)] }
  if (path.startsWith('by-accept/')) return { plans: [plan(`${path}#${headers.accept}`)] }
  return { plans: [plan(path)] }
}

function plan(key: string): Plan {
  return { key, ecosystem: 'plain', mirror: 'plain', kind: 'immutable', url: UPSTREAM + encodeURI(key), base: UPSTREAM }
}

/** An artifact as the cache would find it. */
export function artifact(bytes: Buffer | Body, more: Partial<Found> = {}): Found {
  const body = Buffer.isBuffer(bytes) ? bufferBody(bytes) : bytes
  return { source: 'local', headers: { 'content-type': 'application/octet-stream' }, body, digest: 'sha256:abc', ...more }
}

/** A document whose `@` are where it names its registry; each becomes the base URL and `suffix`. */
export function documentOf(
  text: string,
  more: Partial<Found> = {},
  suffix = 'x',
): Found & { readonly document: ParsedDocument } {
  const spans = [...text.matchAll(/@/g)].map((match): [number, number, string] => [match.index, match.index + 1, suffix])
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-cache', vary: 'accept-encoding' }
  return {
    source: 'local',
    headers,
    body: bufferBody(Buffer.from(text)),
    digest: `sha256:${text.length}`,
    age: 3,
    document: { spans, facts: null },
    ...more,
  }
}

export interface FaceInit {
  /** What the cache has at hand; nothing by default. */
  readonly atHand?: (key: string, wanted: Wanted, revalidate: boolean) => Found | undefined
  /** What the cache finds; throws what the cache rejects with. */
  readonly find?: (plan: Plan, options: GetOptions) => Found | Promise<Found>
  /** The one of the mirror at `/m/`; `plain` by default. */
  readonly protocol?: Protocol
  readonly withholder?: Withholder
  readonly upstream?: MemoryScript
  readonly hosts?: readonly string[]
  readonly listen?: readonly string[]
  readonly publicUrl?: string
  readonly trustedProxies?: readonly string[]
  readonly timeouts?: Partial<Timeouts>
  readonly admin?: AdminHandler
  readonly nodeId?: string
  readonly renderedBytes?: number
}

/** A door behind a real server on a free port, in front of a scripted cache. */
export class Face {
  readonly pool = new ScratchPool()
  readonly rendered: RenderedCache
  readonly upstream: MemoryUpstream
  readonly door: Door
  readonly server: HttpServer
  readonly troubles: unknown[] = []
  readonly #events = new Recorder()
  #origin = ''

  constructor(init: FaceInit) {
    this.rendered = new RenderedCache(
      { onTrouble: (error) => this.troubles.push(error) },
      { bytes: init.renderedBytes ?? 1 << 20 },
    )
    this.upstream = new MemoryUpstream(init.upstream ?? (() => ({ status: 404 })))
    const find = init.find ?? (() => Promise.reject(new WarrenError('UPSTREAM_ABSENT', 'there is no such thing')))
    this.door = new Door(
      {
        policy: { admit() {} },
        composer: new Composer({ withholder: init.withholder ?? { of: () => undefined } }),
        cache: {
          get: find,
          atHand: (wanted, revalidate) => init.atHand?.(wanted.key, wanted, revalidate),
          lacked: () => false,
          holds: () => false,
          isFresh: () => false,
        },
        upstream: this.upstream,
        sender: new Sender({ pool: this.pool, rendered: this.rendered }),
        hosts: new HostAllowList({ hosts: init.hosts ?? [], listen: init.listen ?? ['127.0.0.1'] }),
        baseUrl: new BaseUrl({ publicUrl: init.publicUrl, trustedProxies: init.trustedProxies ?? [] }),
        events: this.#events,
      },
      { nodeId: init.nodeId ?? 'node-1', mounts: new Mounts([mirrorAt('/m/', init.protocol)]) },
    )
    this.server = new HttpServer(
      { door: this.door, admin: init.admin ?? (() => false), onTrouble: (error) => this.troubles.push(error) },
      {
        listen: [{ host: '127.0.0.1', port: 0 }],
        adminListen: { host: '127.0.0.1', port: 0 },
        timeouts: { drain: 2_000, ...init.timeouts },
      },
    )
  }

  get origin(): string {
    return this.#origin
  }

  /** `127.0.0.1:<port>`. */
  get host(): string {
    return new URL(this.#origin).host
  }

  get told(): readonly Told[] {
    return this.#events.told
  }

  async start(): Promise<this> {
    const { listen } = await this.server.start()
    const [first] = listen
    if (!first || !('port' in first)) throw new Error('no TCP listener')
    this.#origin = `http://127.0.0.1:${first.port}`
    return this
  }

  /** The URL of a path below the mirror. */
  url(path: string): string {
    return `${this.#origin}/m/${path}`
  }

  async close(): Promise<void> {
    await this.server.stop()
    await this.rendered.close()
    await this.upstream.close()
  }
}

export function mirrorAt(path: string, protocol: Protocol = plain) {
  return { mirror: { name: 'plain', path, upstreams: [UPSTREAM] }, protocol }
}

/** A started face; closed after the test, after all clients of `client()` and `raw()`. */
export async function face(init: FaceInit = {}): Promise<Face> {
  return using(new Face(init)).start()
}

export function client(maxSockets?: number): HttpClient {
  return using(new HttpClient(maxSockets))
}

/** @param from address of this machine that the connection comes from */
export async function raw(origin: string, from?: string): Promise<RawConnection> {
  return using(await RawConnection.open(origin, from))
}

/** Resolves once it is so, polling the event loop; the test's own limit ends it otherwise. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** One status line and headers from the start of raw bytes, and what follows. */
export function parseHead(received: string): { status: number; headers: Map<string, string>; rest: string } {
  const end = received.indexOf('\r\n\r\n')
  const [line = '', ...fields] = received.slice(0, end).split('\r\n')
  const headers = fields.map((field): [string, string] => {
    const at = field.indexOf(':')
    return [field.slice(0, at).toLowerCase(), field.slice(at + 1).trim()]
  })
  return { status: Number(line.split(' ')[1]), headers: new Map(headers), rest: received.slice(end + 4) }
}
