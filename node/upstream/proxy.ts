import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { WarrenError } from '../errors.ts'

/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>

interface Exception {
  /** Host name without leading dot, IP address, or CIDR block; `*` is every host. */
  readonly host: string
  readonly port: string | undefined
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/**
 * Which proxy a request goes through: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` as curl and Go read them; the lower-case
 * spelling wins.
 */
export class ProxyTable {
  readonly #proxies = new Map<string, URL>()
  readonly #exceptions: readonly Exception[]

  /** Throws CONFIG_INVALID for a proxy that is no http(s) URL. */
  constructor(env: Env) {
    for (const scheme of ['http', 'https']) {
      const url = proxyUrl(env, `${scheme}_proxy`)
      if (url) this.#proxies.set(`${scheme}:`, url)
    }
    const list = env.no_proxy || env.NO_PROXY || ''
    this.#exceptions = list
      .split(/[\s,]+/)
      .filter((entry) => entry !== '')
      .map(parseException)
  }

  /** Undefined: straight to the host. */
  proxyFor(url: URL): URL | undefined {
    const proxy = this.#proxies.get(url.protocol)
    return proxy && !this.#excepted(url) ? proxy : undefined
  }

  #excepted(url: URL): boolean {
    const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
    const port = url.port || DEFAULT_PORTS[url.protocol]
    return this.#exceptions.some((exception) => {
      if (exception.port !== undefined && exception.port !== port) return false
      return exception.host === '*' || matches(host, exception.host)
    })
  }
}

function proxyUrl(env: Env, name: string): URL | undefined {
  const upper = name.toUpperCase()
  const value = (env[name] || env[upper] || '').trim()
  if (value === '') return undefined
  const url = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`)
  if (url?.hostname && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  // Not the value itself: it may hold a password.
  throw new WarrenError(
    'CONFIG_INVALID',
    `${upper} is not a proxy that can be used; write http://host:port or https://host:port`,
  )
}

function parseException(entry: string): Exception {
  const text = entry.toLowerCase()
  const parts = /^(?:\[(?<six>[^\]]*)\]|(?<name>[^:]*))(?::(?<port>\d+))?$/.exec(text)?.groups
  // More than one colon and no brackets: a bare IPv6 address or block.
  const host = parts ? (parts.six ?? parts.name ?? '') : text
  return { host: host.replace(/^\*?\.(?=.)/, ''), port: parts?.port }
}

function matches(host: string, pattern: string): boolean {
  if (host === pattern) return true
  if (isIP(host) === 0) return pattern !== '' && host.endsWith(`.${pattern}`)
  const address = ipaddr.process(host)
  if (isIP(pattern) !== 0) return ipaddr.process(pattern).toString() === address.toString()
  if (!ipaddr.isValidCIDR(pattern)) return false
  const block = ipaddr.parseCIDR(pattern)
  return block[0].kind() === address.kind() && address.match(block)
}
