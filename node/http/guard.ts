import type { IncomingMessage } from 'node:http'
import { WarrenError } from '../errors.ts'
import type { BaseUrl } from './base-url.ts'
import type { HostAllowList } from './hosts.ts'

/** Characters of a header that a message repeats. */
const MAX_QUOTED = 100

/** Keeps out what a web page could make a browser on this machine send. Package managers never notice. */
export class Guard {
  readonly #hosts: HostAllowList
  readonly #baseUrl: BaseUrl

  constructor(components: { hosts: HostAllowList; baseUrl: BaseUrl }) {
    this.#hosts = components.hosts
    this.#baseUrl = components.baseUrl
  }

  /**
   * Throws FOREIGN_HOST for a name that this node is not known by (DNS rebinding), FOREIGN_ORIGIN for a request that a page of
   * another site makes, and BAD_REQUEST for two `Host` headers, of which a proxy may have judged the other one.
   */
  check(request: IncomingMessage): void {
    const { host, origin } = request.headers
    if (host === undefined ? request.httpVersionMinor !== 0 : !this.#hosts.allows(host)) {
      throw new WarrenError(
        'FOREIGN_HOST',
        `this node is not known as «${quoted(host ?? '')}»: use localhost, or add the name to «hosts:» in its configuration`,
      )
    }
    if (hasTwoHosts(request.rawHeaders)) throw new WarrenError('BAD_REQUEST', 'there are two Host headers; send one')
    if (origin !== undefined) this.#checkOrigin(origin, request)
    // A page can have things fetched without reading them (images, scripts), and its browser then sends no Origin; this, it does.
    const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers
    if (site === 'cross-site' && mode !== 'navigate') {
      throw new WarrenError('FOREIGN_ORIGIN', 'pages of other sites may not use this node; only its own pages may')
    }
  }

  #checkOrigin(origin: string, request: IncomingMessage): void {
    if (request.headers.host !== undefined && /^https?:\/\//.test(origin)) {
      if (origin.slice(origin.indexOf('//') + 2).toLowerCase() === request.headers.host.toLowerCase()) return
      if (origin === new URL(this.#baseUrl.of(request)).origin) return
    }
    throw new WarrenError('FOREIGN_ORIGIN', `pages of «${quoted(origin)}» may not use this node; only its own pages may`)
  }
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let seen = false
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (seen) return true
    seen = true
  }
  return false
}

function quoted(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, MAX_QUOTED)
}
