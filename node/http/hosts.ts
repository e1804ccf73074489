import { hostname, networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { canonicalHost, parseAuthority } from './authority.ts'

/** Names by which containers and virtual machines reach the machine they run on. */
const HOST_ALIASES = ['localhost', 'host.docker.internal', 'host.containers.internal']

/** Addresses that stand for all of the machine's: to listen on, not to be called by. */
const WILDCARDS = new Set(['0.0.0.0', '::'])

/** Verdicts that are remembered. An honest node hears a handful of names; a flood of made-up ones must not stay. */
const MAX_VERDICTS = 200

/**
 * Decides which `Host` a request may carry. A web page that resolves its own name to 127.0.0.1 (DNS rebinding) sends that
 * name: it must not be able to read the cache, nor have its name written into documents.
 */
export class HostAllowList {
  readonly #names: Set<string>
  readonly #verdicts = new Map<string, boolean>()

  constructor(init: { hosts: readonly string[]; listen: readonly string[] }) {
    const wildcard = init.listen.some((host) => WILDCARDS.has(host))
    const own = wildcard ? Object.values(networkInterfaces()).flatMap((list) => list ?? []) : []
    const names = [...HOST_ALIASES, hostname(), ...init.hosts, ...init.listen, ...own.map(({ address }) => address)]
    this.#names = new Set(names.map(canonicalHost).filter((name) => name !== '' && !WILDCARDS.has(name)))
  }

  /** `host` as it stands in the header: name or address, with or without a port. */
  allows(host: string): boolean {
    const known = this.#verdicts.get(host)
    if (known !== undefined) return known
    const verdict = this.#judge(host)
    if (this.#verdicts.size >= MAX_VERDICTS) this.#verdicts.clear()
    if (host.length <= 255) this.#verdicts.set(host, verdict)
    return verdict
  }

  #judge(text: string): boolean {
    const host = parseAuthority(text)?.host
    if (host === undefined) return false
    return this.#names.has(host) || (ipaddr.isValid(host) && ipaddr.parse(host).range() === 'loopback')
  }
}
