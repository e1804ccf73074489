import { WarrenError } from '../../node/errors.ts'
import type { FixedReply, Mirror, MirrorRequest, PassThrough, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor, sitesOf, sitesOfAny } from '../sites.ts'
import { chooseVariant, FULL_TYPE } from './accept.ts'
import { auditAt } from './audit.ts'
import { formatError } from './errors.ts'
import { planNamed } from './named.ts'
import { isExactVersion } from './names.ts'
import { offers } from './offers.ts'
import { packageIn, parseAudit, parsePath, type Resource, upstreamPath } from './paths.ts'
import { boundName, type Kept, planOf, siteAt } from './plans.ts'
import { subjectOf } from './subject.ts'
import { defaultUpstreams } from './upstreams.ts'

/** Characters of a search's query, the question mark included. */
const MAX_QUERY = 2048

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
  family: packageIn,
  route,
  planOf: planNamed,
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
      return { pass: search(request, mirror) }
    case 'dist-tags':
      return { pass: tags(request, resource, mirror) }
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
  return plansFor(mirror, boundName(resource), (base) => planOf(resource, siteAt(mirror, base), variant))
}

function audit(request: MirrorRequest, mirror: Mirror): PassThrough {
  const path = parseAudit(request.path)
  if (path === undefined) throw notForWriting('POST', TO_WRITE)
  return auditAt(path, request, mirror)
}

function tags({ method }: MirrorRequest, resource: Extract<Resource, { kind: 'dist-tags' }>, mirror: Mirror): PassThrough {
  const [base] = sitesOf(mirror, resource.name.toLowerCase())
  return { ...read(method, base, upstreamPath(resource)), subject: subjectOf(resource.name) }
}

function search({ method, query }: MirrorRequest, mirror: Mirror): PassThrough {
  const [base] = sitesOfAny(mirror, ['', ...namesIn(checkedQuery(query))])
  return read(method, base, upstreamPath({ kind: 'search' }) + query)
}

function read(method: string, base: string, path: string): PassThrough {
  return { method: method === 'HEAD' ? 'HEAD' : 'GET', url: new URL(base + path).href, base, headers: { accept: FULL_TYPE } }
}

/** What a search may be for: whoever looks for a name that is bound means what is there, and others need not hear of it. */
function namesIn(query: string): readonly string[] {
  const terms = (new URLSearchParams(query).get('text') ?? '').toLowerCase().split(/[\s"',;]+/)
  return terms.flatMap((term) => {
    const [, scope] = /^scope:@?(.+)$/.exec(term) ?? []
    const name = scope === undefined ? term : `@${scope}`
    // With the slash it is in whatever is bound of a scope.
    return name === '' ? [] : [name, `${name}/`]
  })
}

function checkedQuery(query: string): string {
  if (query === '' || (query.length <= MAX_QUERY && /^\?[!-~]*$/.test(query) && !query.includes('#'))) return query
  throw new WarrenError('BAD_REQUEST', `the query of a search has at most ${MAX_QUERY} characters, all of them printable ASCII`)
}

function json(status: number, body: object): FixedReply {
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body: JSON.stringify(body) }
}
