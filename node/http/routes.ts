import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { MirrorRequest, Route } from '../../protocols/protocol.ts'
import { type Wanted, wantedOf } from '../cache/found.ts'
import { WarrenError } from '../errors.ts'
import type { Mounted, Mounts } from './mounts.ts'
import { splitTarget } from './target.ts'

export interface Routed {
  readonly mounted: Mounted
  readonly route: Route
}

/** Headers that a grammar looked at, and their values: for the same ones its answer is the same. */
type Read = readonly (readonly [name: string, value: string | string[] | undefined])[]

/** What a grammar made of a target. */
interface Remembered extends Routed {
  readonly read: Read
}

/** What a GET of a target wants first. */
export interface KeyedTarget extends Wanted {
  /** Name of that of the mirror. */
  readonly protocol: string
  /** Path to which what a document's spans lead to is relative, with a slash at both ends. */
  readonly below: string
}

interface RememberedKey extends KeyedTarget {
  readonly read: Read
}

/** Plans are some 1 KB each: about 5 MB at most, and more targets than an install asks for. */
const MAX_REMEMBERED = 4_096
/** One request asks for its target two or three times. */
const MAX_LATEST = 64
/** Bytes of targets and keys that are remembered beside the plans, and what each costs besides: some 50 000 targets. */
const MAX_KEY_BYTES = 16 << 20
const KEY_OVERHEAD = 200
/** Sets of headers that those share. Clients send a handful. */
const MAX_READS = 100
/** Longer targets are not worth the memory that strangers could fill with them. */
const MAX_TARGET = 512
/** Nor are longer header values, which stay in memory with every target. The longest `Accept` of a package manager has 100. */
const MAX_READ = 512

/**
 * Asks the grammar of a mirror what a request means, and remembers the answer: a route is pure, so it is the same for the same
 * target and the same values of those headers that the grammar read. Taking a path apart costs more than all the rest of a hit.
 */
export class Routes {
  readonly #mounts: Mounts
  readonly #remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED })
  /** Of targets that nobody asked for before: most artifacts are asked for once, and what is kept for long costs the collector most. */
  readonly #latest = new LRUCache<string, Remembered>({ max: MAX_LATEST })
  readonly #keys = new LRUCache<string, RememberedKey>({ maxSize: MAX_KEY_BYTES })
  readonly #reads = new LRUCache<string, Read>({ max: MAX_READS })
  #lastRead: Read = []

  constructor(mounts: Mounts) {
    this.#mounts = mounts
  }

  /** Throws NO_SUCH_MIRROR, and what the grammar throws. */
  of(request: Pick<IncomingMessage, 'url' | 'method' | 'headers'>): Routed {
    const { url: target = '/', method = 'GET' } = request
    const key = method === 'GET' ? target : `${method} ${target}`
    const known = this.#remembered.get(key) ?? this.#latest.get(key)
    if (known && isSame(known.read, request.headers)) return known
    return this.#ask(key, target, method, request.headers)
  }

  /** The key of what a GET wants first; undefined where it wants nothing that is kept. Throws as `of`. */
  keyOf(target: string, headers: IncomingHttpHeaders): KeyedTarget | undefined {
    const known = this.#keys.get(target)
    if (known && isSame(known.read, headers)) return known
    const { mounted, route } = this.of({ method: 'GET', url: target, headers })
    return keyWanted(mounted, route)
  }

  #ask(key: string, target: string, method: string, headers: IncomingHttpHeaders): Routed {
    const parts = splitTarget(target)
    const { path, query } = parts
    const place = this.#mounts.find(parts)
    if (!place) throw new WarrenError('NO_SUCH_MIRROR', this.#noMirror(path))
    const { mounted, rest } = place
    const watched = new WatchedHeaders(headers)
    const asked: MirrorRequest = { method, target, path: rest, query, headers: watched.view }
    const route = mounted.protocol.route(asked, mounted.mirror)
    if ('plans' in route && target.length <= MAX_TARGET && watched.read && charactersOf(watched.read) <= MAX_READ) {
      const read = this.#shared(watched.read)
      const wanted = method === 'GET' ? keyWanted(mounted, route) : undefined
      const isNew = wanted !== undefined && !this.#keys.has(target)
      const kept = isNew ? this.#latest : this.#remembered
      kept.set(key, { mounted, route, read })
      if (wanted) this.#rememberKey(target, { ...wanted, read })
    }
    return { mounted, route }
  }

  #rememberKey(target: string, entry: RememberedKey): void {
    this.#keys.set(target, entry, { size: target.length + entry.key.length + KEY_OVERHEAD })
  }

  /** Nearly always the same as before. */
  #shared(noted: ReadonlyMap<string, string | string[] | undefined>): Read {
    const last = this.#lastRead
    if (last.length === noted.size && last.every(([name, value]) => noted.has(name) && noted.get(name) === value)) return last
    this.#lastRead = this.#known([...noted])
    return this.#lastRead
  }

  #known(read: Read): Read {
    const text = JSON.stringify(read)
    const known = this.#reads.get(text)
    if (known) return known
    this.#reads.set(text, read)
    return read
  }

  #noMirror(path: string): string {
    const known = [...new Set(this.#mounts.all.map(({ mirror }) => mirror.path))].join(' ')
    return `no mirror is mounted at «${path.replace(/[^ -~]/g, '?').slice(0, 80)}»; there are: ${known || 'none'}`
  }
}

/** Undefined where more than what is kept under the key decides about the answer. */
function keyWanted({ mirror, protocol }: Mounted, route: Route): KeyedTarget | undefined {
  if (!('plans' in route) || route.fields || route.link || route.rendition || route.beside) return undefined
  const { below, offers, plans } = route
  return {
    ...wantedOf(plans[0], offers !== undefined),
    mirror: mirror.name,
    protocol: protocol.name,
    below: below === undefined ? mirror.path : mirror.path + below,
  }
}

function charactersOf(read: Iterable<Read[number]>): number {
  let sum = 0
  for (const [, value] of read) sum += value?.length ?? 0
  return sum
}

function isSame(read: Read, headers: IncomingHttpHeaders): boolean {
  return read.every(([name, value]) => headers[name] === value)
}

/** Headers that note who reads what, so that nobody has to keep a list of what a grammar depends on. */
class WatchedHeaders implements ProxyHandler<IncomingHttpHeaders> {
  readonly #read = new Map<string, string | string[] | undefined>()
  #wholly = false
  readonly view: IncomingHttpHeaders

  constructor(headers: IncomingHttpHeaders) {
    this.view = new Proxy(headers, this)
  }

  /** Undefined when the grammar went through all of them: then nothing says what the next request would need to share. */
  get read(): ReadonlyMap<string, string | string[] | undefined> | undefined {
    return this.#wholly ? undefined : this.#read
  }

  get(headers: IncomingHttpHeaders, name: string | symbol): unknown {
    this.#note(headers, name)
    return Reflect.get(headers, name)
  }

  has(headers: IncomingHttpHeaders, name: string | symbol): boolean {
    this.#note(headers, name)
    return Reflect.has(headers, name)
  }

  getOwnPropertyDescriptor(headers: IncomingHttpHeaders, name: string | symbol): PropertyDescriptor | undefined {
    this.#note(headers, name)
    return Reflect.getOwnPropertyDescriptor(headers, name)
  }

  ownKeys(headers: IncomingHttpHeaders): (string | symbol)[] {
    this.#wholly = true
    return Reflect.ownKeys(headers)
  }

  #note(headers: IncomingHttpHeaders, name: string | symbol): void {
    if (typeof name === 'string') this.#read.set(name, headers[name])
  }
}
