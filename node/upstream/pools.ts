import { X509Certificate } from 'node:crypto'
import { Socket } from 'node:net'
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { Agent, buildConnector, type Dispatcher, Pool, ProxyAgent } from 'undici'
import { WarrenError } from '../errors.ts'
import type { AddressGuard } from './address-guard.ts'
import { H2_CONNECTION_WINDOW, H2_STREAM_WINDOW, KEEP_ALIVE, MAX_HEADER_SIZE } from './constants.ts'
import type { ProxyTable } from './proxy.ts'
import type { Reach } from './reach.ts'

export interface PoolsComponents {
  readonly guard: AddressGuard
  readonly proxies: ProxyTable
}

export interface PoolsInit {
  /** Ms to get a connection. */
  readonly connectTimeout: number
  /** Connections per origin. */
  readonly connections: number
  /** Certificates (PEM) of further authorities that are trusted beside the usual ones. */
  readonly ca: readonly string[]
  /** Those that are trusted at one origin only. Asked for each request, since they change while the node runs. */
  readonly caOf?: (origin: string) => readonly string[]
}

/** The connections to an origin with authorities of its own. */
interface Own {
  readonly ca: readonly string[]
  readonly secureContext: SecureContext
  readonly dispatchers: Map<string, Dispatcher>
}

/**
 * Keep-alive connections to upstreams: one set for each limit of addresses, one for each proxy; and such sets apart for each origin
 * that has authorities of its own, since nobody else is to be believed by them.
 */
export class Pools {
  readonly #components: PoolsComponents
  readonly #init: PoolsInit
  readonly #dispatchers = new Map<string, Dispatcher>()
  readonly #own = new Map<string, Own>()
  readonly #sockets = new Set<Socket>()
  readonly #secureContext: SecureContext | undefined

  constructor(components: PoolsComponents, init: PoolsInit) {
    this.#components = components
    this.#init = init
    this.#secureContext = init.ca.length === 0 ? undefined : trusting(init.ca)
  }

  /** Undefined: straight to the host. */
  proxyFor(url: URL): URL | undefined {
    return this.#components.proxies.proxyFor(url)
  }

  /** Where to send a request for `url` whose addresses are limited to `limit`. */
  dispatcher(url: URL, limit: Reach | undefined): Dispatcher {
    const own = this.#ownOf(url.origin)
    const dispatchers = own?.dispatchers ?? this.#dispatchers
    const secureContext = own?.secureContext ?? this.#secureContext
    const proxy = this.#components.proxies.proxyFor(url)
    const key = proxy?.href ?? limit ?? 'any'
    const known = dispatchers.get(key)
    if (known) return known
    const dispatcher = proxy ? this.#throughProxy(proxy, secureContext) : this.#direct(limit, secureContext)
    dispatchers.set(key, dispatcher)
    return dispatcher
  }

  /** Ends all connections, those that are being made included. */
  async destroy(): Promise<void> {
    const all = [this.#dispatchers, ...[...this.#own.values()].map(({ dispatchers }) => dispatchers)]
    const ended = all.flatMap((dispatchers) => [...dispatchers.values()].map((dispatcher) => dispatcher.destroy()))
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(ended)
  }

  #ownOf(origin: string): Own | undefined {
    const ca = this.#init.caOf?.(origin) ?? []
    const known = this.#own.get(origin)
    if (known && isSame(known.ca, ca)) return known
    // Made with other authorities: what is under way may end, and nothing new comes over them.
    for (const dispatcher of known?.dispatchers.values() ?? []) void dispatcher.close()
    this.#own.delete(origin)
    if (ca.length === 0) return undefined
    const own = { ca, secureContext: trusting([...this.#init.ca, ...ca]), dispatchers: new Map<string, Dispatcher>() }
    this.#own.set(origin, own)
    return own
  }

  #direct(limit: Reach | undefined, secureContext: SecureContext | undefined): Agent {
    const connect = buildConnector({ ...this.#tls(secureContext), lookup: this.#components.guard.lookup(limit) })
    return new Agent({ ...this.#options(), connect: this.#tracked(connect) })
  }

  #throughProxy(proxy: URL, secureContext: SecureContext | undefined): ProxyAgent {
    // Options of a pool to the proxy itself come with a connector only; a proxy that is silent is as good as a dead one.
    const factory = (origin: URL | string, given: object) => {
      const { connect } = given as { connect: buildConnector.connector }
      const limits = { ...this.#options(), headersTimeout: this.#init.connectTimeout }
      return new Pool(origin, { ...limits, ...given, connect: this.#tracked(connect) })
    }
    return new ProxyAgent({
      ...this.#options(),
      uri: proxy.href,
      factory,
      clientFactory: factory,
      connectTimeout: this.#init.connectTimeout,
      requestTls: this.#tls(secureContext),
      proxyTls: { ...this.#tls(this.#secureContext), allowH2: false },
    })
  }

  #tls(secureContext: SecureContext | undefined): buildConnector.BuildOptions {
    return { allowH2: true, preferH2: true, timeout: this.#init.connectTimeout, ...(secureContext ? { secureContext } : {}) }
  }

  #options() {
    return {
      allowH2: true,
      connections: this.#init.connections,
      keepAliveTimeout: KEEP_ALIVE,
      keepAliveMaxTimeout: KEEP_ALIVE,
      maxHeaderSize: MAX_HEADER_SIZE,
      h2Options: { settings: { initialWindowSize: H2_STREAM_WINDOW }, connectionWindowSize: H2_CONNECTION_WINDOW },
    }
  }

  #tracked(connect: buildConnector.connector): buildConnector.connector {
    return (options, callback) => {
      // Not in its type: it returns the socket at once, which is the only hold on one that is still being connected.
      const started: unknown = connect(options, (...[error, socket]) => {
        if (error) return callback(error, null)
        this.#track(socket)
        socket.on('error', asCut)
        callback(null, socket)
      })
      if (started instanceof Socket) this.#track(started)
    }
  }

  #track(socket: Socket): void {
    if (this.#sockets.has(socket)) return
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((pem, i) => pem === other[i])
}

/**
 * Made once for all connections, since parsing some 150 root certificates costs more than a handshake. `default` is what Node
 * trusts by itself, NODE_EXTRA_CA_CERTS included.
 */
function trusting(ca: readonly string[]): SecureContext {
  for (const [i, pem] of ca.entries()) {
    try {
      new X509Certificate(pem)
    } catch (cause) {
      // OpenSSL would pass over it without a word.
      throw new WarrenError('CONFIG_INVALID', `certificate ${i + 1} of those that are to be trusted is not a PEM certificate`, {
        cause,
      })
    }
  }
  return createSecureContext({ ca: [...getCACertificates('default'), ...ca] })
}

/**
 * undici takes a reset for the end of a body without length (some systems send one after the last byte). For a cache it is a
 * cut: the other side did not say that it was done.
 */
function asCut(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'ECONNABORTED'
}
