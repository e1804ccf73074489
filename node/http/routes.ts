import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { MirrorRequest, Route } from '../../protocols/protocol.ts'
import { WarrenError } from '../errors.ts'
import type { Mounted, Mounts } from './mounts.ts'

export interface Routed {
  readonly mounted: Mounted
  readonly route: Route
}

/** What a grammar made of a target, and the headers that it looked at to get there. */
interface Remembered extends Routed {
  readonly read: readonly (readonly [name: string, value: string | string[] | undefined])[]
}

/** Plans are some 2 KB each: about 10 MB at most, and more targets than an install asks for. */
const MAX_REMEMBERED = 4_096
/** Longer targets are not worth the memory that strangers could fill with them. */
const MAX_TARGET = 512

/**
 * Asks the grammar of a mirror what a request means, and remembers the answer: a route is pure, so it is the same for the same
 * target and the same values of those headers that the grammar read. Taking a path apart costs more than all the rest of a hit.
 */
export class Routes {
  readonly #mounts: Mounts
  readonly #remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED })

  constructor(mounts: Mounts) {
    this.#mounts = mounts
  }

  /** Throws NO_SUCH_MIRROR, and what the grammar throws. */
  of(request: Pick<IncomingMessage, 'url' | 'method' | 'headers'>): Routed {
    const { url: target = '/', method = 'GET' } = request
    const key = method === 'GET' ? target : `${method} ${target}`
    const known = this.#remembered.get(key)
    if (known?.read.every(([name, value]) => request.headers[name] === value)) return known
    return this.#ask(key, target, method, request.headers)
  }

  #ask(key: string, target: string, method: string, headers: IncomingHttpHeaders): Routed {
    const { path, query } = splitTarget(target)
    const place = this.#mounts.find(path)
    if (!place) throw new WarrenError('NO_SUCH_MIRROR', this.#noMirror(path))
    const { mounted, rest } = place
    const watched = new WatchedHeaders(headers)
    const asked: MirrorRequest = { method, path: rest, query, headers: watched.view }
    const route = mounted.protocol.route(asked, mounted.mirror)
    if ('plans' in route && target.length <= MAX_TARGET && watched.read) {
      this.#remembered.set(key, { mounted, route, read: [...watched.read] })
    }
    return { mounted, route }
  }

  #noMirror(path: string): string {
    const known = this.#mounts.all.map(({ mirror }) => mirror.path).join(' ')
    return `no mirror is mounted at «${path.replace(/[^ -~]/g, '?').slice(0, 80)}»; there are: ${known || 'none'}`
  }
}

/** The query with its question mark, or empty. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?')
  return at < 0 ? { path: target, query: '' } : { path: target.slice(0, at), query: target.slice(at) }
}

/** Headers that note who reads what, so that nobody has to keep a list of what a grammar depends on. */
class WatchedHeaders {
  readonly #read = new Map<string, string | string[] | undefined>()
  #wholly = false
  readonly view: IncomingHttpHeaders

  constructor(headers: IncomingHttpHeaders) {
    const note = (name: string | symbol) => {
      if (typeof name === 'string') this.#read.set(name, headers[name])
    }
    this.view = new Proxy(headers, {
      get: (target, name) => {
        note(name)
        return Reflect.get(target, name)
      },
      has: (target, name) => {
        note(name)
        return Reflect.has(target, name)
      },
      getOwnPropertyDescriptor: (target, name) => {
        note(name)
        return Reflect.getOwnPropertyDescriptor(target, name)
      },
      ownKeys: (target) => {
        this.#wholly = true
        return Reflect.ownKeys(target)
      },
    })
  }

  /** Undefined when the grammar went through all of them: then nothing says what the next request would need to share. */
  get read(): Iterable<readonly [string, string | string[] | undefined]> | undefined {
    return this.#wholly ? undefined : this.#read
  }
}
