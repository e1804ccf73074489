import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'
import { originOf, parseAuthority } from './authority.ts'
import { forwardedBase } from './forwarded.ts'

export interface BaseUrlInit {
  /** What the operator says that clients call this node; overrides everything. */
  readonly publicUrl?: string | undefined
  /** Networks in CIDR form whose `Forwarded` and `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[]
}

/**
 * The URL under which the asking client sees this node, without a trailing slash. Order: `publicUrl`; what a trusted proxy
 * says; the request's own `Host`, which the caller has checked; the address of the socket for HTTP/1.0. It is written into
 * documents, so every part of it is taken apart and put together again: nothing but a plain URL can come out.
 */
export class BaseUrl {
  readonly #publicUrl: string | undefined
  readonly #proxies: ReturnType<typeof ipaddr.parseCIDR>[]

  constructor(init: BaseUrlInit) {
    this.#publicUrl = init.publicUrl === undefined ? undefined : new URL(init.publicUrl).href.replace(/\/+$/, '')
    this.#proxies = init.trustedProxies.map((cidr) => ipaddr.parseCIDR(cidr))
  }

  of(request: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    if (this.#publicUrl !== undefined) return this.#publicUrl
    const { socket } = request
    const scheme = 'encrypted' in socket ? 'https' : 'http'
    const own = parseAuthority(request.headers.host ?? '') ?? {
      host: bare(socket.localAddress) ?? 'localhost',
      port: socket.localPort,
    }
    const told = this.#trusts(socket.remoteAddress) ? forwardedBase(request, scheme, own) : undefined
    return told ?? originOf(scheme, own)
  }

  #trusts(address: string | undefined): boolean {
    if (this.#proxies.length === 0 || address === undefined || !ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    return this.#proxies.some((cidr) => cidr[0].kind() === parsed.kind() && parsed.match(cidr))
  }
}

/** Undefined on a Unix socket. A dual-stack listener reports IPv4 inside IPv6. */
function bare(address: string | undefined): string | undefined {
  return address !== undefined && ipaddr.isValid(address) ? ipaddr.process(address).toString() : undefined
}
