import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { LRUCache } from 'lru-cache'
import { WarrenError } from '../errors.ts'
import { REACH_ENTRIES, REACH_TTL } from './constants.ts'
import { entitlement, type Reach, reaches, reachOf } from './reach.ts'

/** A name that stands for addresses which must not be dialled from where it was found. */
export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError'
}

/** The base of an upstream that nobody configured. Neither it nor what it leads to may be in this network. */
export class PublicBase extends URL {}

export interface AddressGuardComponents {
  readonly lookup?: LookupFunction
}

/**
 * Keeps what upstreams name (redirects, download URLs in an index) away from addresses that only this machine or its network
 * can reach: server-side request forgery. A host may be as private as the configured upstream that led to it, not more.
 */
export class AddressGuard {
  readonly #lookup: LookupFunction
  readonly #bases = new LRUCache<string, Promise<Reach>>({ max: REACH_ENTRIES, ttl: REACH_TTL })

  constructor(components: AddressGuardComponents = {}) {
    this.#lookup = components.lookup ?? systemLookup
  }

  /**
   * How far a request for `url` may reach, on behalf of the upstream at `base`; undefined: anywhere, the operator wrote it. Under
   * a `PublicBase` nowhere but to public addresses.
   * Rejects with UPSTREAM_REFUSED when the address is written out and too private. A name is judged when it is dialled, by
   * `lookup`; through a proxy that is the proxy's business.
   */
  async limit(url: URL, base: URL, proxied: boolean): Promise<Reach | undefined> {
    const isNamed = base instanceof PublicBase
    if (url.origin === base.origin && !isNamed) return undefined
    const written = writtenReach(url.hostname)
    // What only a client named is looked up here as well: a proxy may stand where private addresses can be reached.
    if (written === undefined && proxied && isNamed && (await this.#baseReach(url.hostname)) !== 'public')
      throw refused(url, 'its name leads into a private network')
    if (written === 'public' || (written === undefined && proxied)) return 'public'
    const limit = isNamed ? 'public' : await this.#baseReach(base.hostname)
    if (written !== undefined && !reaches(written, limit)) throw refused(url, `its address is ${written}`)
    return limit
  }

  /** A look-up that yields only addresses within `limit`, so that what is dialled is what was checked (DNS rebinding). */
  lookup(limit: Reach | undefined): LookupFunction {
    const lookup = this.#lookup
    if (limit === undefined) return lookup
    return (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error) return callback(error, [])
        const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]
        const allowed = all.filter(({ address }) => reaches(reachOf(address), limit))
        const first = allowed[0]
        if (!first) return callback(new RefusedAddressError(`${hostname} has only ${kindsOf(all)} addresses`), [])
        if (options.all) callback(null, allowed)
        else callback(null, first.address, first.family)
      })
    }
  }

  #baseReach(hostname: string): Promise<Reach> {
    const known = this.#bases.get(hostname)
    if (known) return known
    const written = writtenReach(hostname)
    const reach = written === undefined ? this.#resolve(hostname) : Promise.resolve(written)
    this.#bases.set(hostname, reach)
    return reach
  }

  #resolve(hostname: string): Promise<Reach> {
    return new Promise((resolve) => {
      this.#lookup(hostname, { all: true }, (error, found) => {
        // An unknown base gives no right to anything private.
        if (error) return resolve('public')
        const all = Array.isArray(found) ? found.map(({ address }) => address) : [found]
        resolve(entitlement(all.map(reachOf)))
      })
    })
  }
}

/** The error for a URL that is not asked. */
export function refused(url: URL, why: string, cause?: unknown): WarrenError {
  return new WarrenError('UPSTREAM_REFUSED', `${url.origin} is not asked: ${why}`, { cause })
}

/**
 * The reach of a host that needs no look-up. The URL parser has already turned every spelling of an IPv4 address (octal, hex,
 * one number) into four decimals, and every IPv6 address into its short form in brackets.
 */
function writtenReach(hostname: string): Reach | undefined {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0) return reachOf(host)
  // RFC 6761 section 6.3: loopback, whatever a resolver says.
  return /^(?:.+\.)?localhost\.?$/.test(host) ? 'loopback' : undefined
}

function kindsOf(addresses: readonly { address: string }[]): string {
  return [...new Set(addresses.map(({ address }) => reachOf(address)))].join(' and ') || 'no'
}
