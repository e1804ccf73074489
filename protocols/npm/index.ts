import { WarrenError } from '../../node/errors.ts'
import type { FixedReply, Mirror, MirrorRequest, PassThrough, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor, siteOf, sitesOf } from '../sites.ts'
import { chooseVariant, FULL_TYPE } from './accept.ts'
import { formatError } from './errors.ts'
import { isExactVersion } from './names.ts'
import { offers } from './offers.ts'
import { parseAudit, parsePath, upstreamPath } from './paths.ts'
import { type Kept, planOf } from './plans.ts'
import { defaultUpstreams } from './upstreams.ts'

/** Characters of a search's query, the question mark included. */
const MAX_QUERY = 2048
/** What describes the body of a POST; nothing else of the client's goes upstream, its credentials and cookies least of all. */
const BODY_HEADERS = ['content-type', 'content-encoding', 'content-length']

/** The registry protocol of npm, pnpm, yarn and bun, for reading. */
export const npm: Protocol = {
  name: 'npm',
  defaultUpstreams,
  settings: ['tarballUrls'],
  // In any case: registries have taken no capital letters for long, and whoever asks for some must not be led past a route.
  names: {
    example: '@corp/*',
    levels: '/',
    canonical: (pattern) => (/^[\w.~@/*!'()-]+$/.test(pattern) ? pattern.toLowerCase() : undefined),
  },
  // npm takes the path of `dist.attestations.url` as it is, and so loses the mount (pacote, `lib/registry.js`).
  rootAliases: ['/-/npm/v1/attestations/'],
  route,
  formatError,
}

const TO_WRITE =
  'publish and log in at the registry itself, with "publishConfig": {"registry": …} in package.json or --registry <url>'

function route(request: MirrorRequest, mirror: Mirror): Route {
  if (request.method === 'POST') return { pass: audit(request, mirror) }
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notForWriting(request.method, TO_WRITE)
  const resource = parsePath(request.path)
  switch (resource.kind) {
    case 'root':
    case 'ping':
      return { reply: json(200, {}) }
    case 'whoami':
      // Without a challenge: npm would take one for a demand to log in here.
      return { reply: json(401, { error: 'Warren has no users; ask the registry itself, with «npm whoami --registry <url>»' }) }
    case 'audit':
      throw new WarrenError('METHOD_NOT_ALLOWED', 'an audit is asked for by POST, with the packages in its body')
    case 'search':
      return { pass: read(request.method, upstreamPath(resource) + checkedQuery(request.query), mirror) }
    case 'dist-tags':
      return { pass: read(request.method, upstreamPath(resource), mirror, resource.name) }
    default:
      return { plans: plans(resource, request, mirror), ...(isOffer(resource) ? { offers } : {}) }
  }
}

/** Whether it names versions that the request does not. */
function isOffer(resource: Kept): boolean {
  return resource.kind === 'packument' || (resource.kind === 'manifest' && !isExactVersion(resource.selector))
}

function plans(resource: Kept, request: MirrorRequest, mirror: Mirror): Planned['plans'] {
  const variant = chooseVariant(request.headers.accept)
  const { tarballUrls = 'rewrite' } = mirror
  const name = 'name' in resource ? resource.name.toLowerCase() : ''
  return plansFor(mirror, name, (base) => planOf(resource, { ...siteOf(mirror, base), tarballUrls }, variant))
}

function read(method: 'GET' | 'HEAD', path: string, mirror: Mirror, name = ''): PassThrough {
  const [base] = sitesOf(mirror, name.toLowerCase())
  return { method, url: new URL(base + path).href, base, headers: { accept: FULL_TYPE } }
}

function audit(request: MirrorRequest, mirror: Mirror): PassThrough {
  const path = parseAudit(request.path)
  if (path === undefined) throw notForWriting('POST', TO_WRITE)
  const [base] = sitesOf(mirror, '')
  const headers: Record<string, string> = { accept: FULL_TYPE }
  for (const name of BODY_HEADERS) {
    const value = request.headers[name]
    if (value !== undefined) headers[name] = checkedHeader(name, value)
  }
  return { method: 'POST', url: base + path, base, headers }
}

function checkedHeader(name: string, value: string | string[]): string {
  const legal = name === 'content-length' ? /^\d{1,10}$/ : /^[ -~]{1,200}$/
  if (typeof value === 'string' && legal.test(value)) return value
  throw new WarrenError('BAD_REQUEST', `the header «${name}» cannot be passed on; send it once, in plain ASCII`)
}

function checkedQuery(query: string): string {
  if (query === '' || (query.length <= MAX_QUERY && /^\?[!-~]*$/.test(query) && !query.includes('#'))) return query
  throw new WarrenError('BAD_REQUEST', `the query of a search has at most ${MAX_QUERY} characters, all of them printable ASCII`)
}

function json(status: number, body: object): FixedReply {
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body: JSON.stringify(body) }
}
