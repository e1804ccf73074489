import type { FixedReply, Mirror, MirrorRequest, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor } from '../sites.ts'
import { variantOf } from './accept.ts'
import { claim } from './claim.ts'
import { formatError } from './errors.ts'
import { nextPage } from './link.ts'
import { planNamed } from './named.ts'
import { namespaceOf } from './namespace.ts'
import { offers } from './offers.ts'
import { isEmptyList, parsePath, type Resource } from './paths.ts'
import { fallbackPlan, planOf, registryOf } from './plans.ts'
import { registries } from './registries.ts'
import { inMirror, namesOf } from './sites.ts'

/** The distribution API of container registries, for pulling: containerd, Docker, podman, skopeo, BuildKit, ORAS. */
export const oci: Protocol = {
  name: 'oci',
  defaultUpstreams: [],
  settings: [],
  names: { example: 'corp/*', levels: '/', canonical: (pattern) => pattern.toLowerCase() },
  rootAliases: [],
  registries,
  claim,
  route,
  planOf: planNamed,
  formatError,
}

function route(request: MirrorRequest, mirror: Mirror): Route {
  const { method, query, target = '' } = request
  if (method !== 'GET' && method !== 'HEAD') throw notForWriting(method, 'push to the registry itself')
  const resource = parsePath(request.path, query)
  const ns = namespaceOf(query)
  const fields: Record<string, string> = ns === undefined ? {} : { 'oci-namespace': ns }
  // Never a challenge: a client would ask the registry's token service for a token to show here.
  if (resource.kind === 'root') return { reply: json({}, fields) }
  const named = inMirror(resource, mirror)
  // Its answer is decided here, since some registries take zero for «all».
  if (isEmptyList(named)) return { reply: json({ name: named.name, tags: [] }, { 'cache-control': 'no-cache', ...fields }) }
  const planned: Planned = { plans: plans(named, request, mirror), ...(ns === undefined ? {} : { fields }) }
  if (named.kind !== 'tags' && named.kind !== 'referrers') return planned
  const { pathname } = new URL(planned.plans[0].url)
  const ending = pathname.slice(pathname.indexOf(`/v2/${named.name}/`))
  const list = { ...planned, link: (link: string) => nextPage(link, { ending, target }) }
  return named.kind === 'tags' ? { ...list, offers } : list
}

function plans(resource: Exclude<Resource, { kind: 'root' }>, request: MirrorRequest, mirror: Mirror): Planned['plans'] {
  const variant = resource.kind === 'tag' ? variantOf(request.headers.accept) : ''
  return plansFor(mirror, namesOf(resource.name, mirror), (base) => {
    const site = registryOf(mirror, base)
    const plan = planOf(resource, site, variant)
    return resource.kind === 'referrers' ? [plan, fallbackPlan(resource, site)] : plan
  })
}

function json(body: object, headers: Record<string, string>): FixedReply {
  const api = { 'content-type': 'application/json', 'docker-distribution-api-version': 'registry/2.0' }
  return { status: 200, headers: { ...api, ...headers }, body: JSON.stringify(body) }
}
