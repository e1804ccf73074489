import type { Plan } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import type { FixedReply, Mirror, MirrorRequest, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor, sitesOf } from '../sites.ts'
import { chooseForm, HTML_TYPE, JSON_TYPE, VERSIONED_HTML_TYPE } from './accept.ts'
import { formatError } from './errors.ts'
import { type LegacyPath, legacyOffers, legacyPlan } from './legacy.ts'
import { planNamed } from './named.ts'
import { normaliseName } from './names.ts'
import { offersOf } from './offers.ts'
import { type FilePath, filesOf, isWheel, parsePath } from './paths.ts'
import { filePlan, metadataPlan, pagePlan, type Site, signaturePlan, siteAt, wheelForMetadata } from './plans.ts'
import { renditionOf } from './renditions.ts'
import { defaultUpstreams } from './upstreams.ts'
import { metadataRendition } from './wheel.ts'

/** The simple API of Python package indexes (PEP 503, 691), for pip, uv, Poetry and the like; for reading. */
export const pypi: Protocol = {
  name: 'pypi',
  defaultUpstreams,
  settings: ['fileHosts'],
  names: { example: 'corp-*', canonical: (pattern) => (/^[\w.*-]+$/.test(pattern) ? normaliseName(pattern) : undefined) },
  rootAliases: [],
  route,
  planOf: planNamed,
  formatError,
}

const TO_WRITE = 'upload to the index itself, with «twine upload --repository-url <url>»'

function route(request: MirrorRequest, mirror: Mirror): Route {
  const { method, path } = request
  if (method !== 'GET' && method !== 'HEAD') throw notForWriting(method, TO_WRITE)
  const resource = parsePath(path)
  switch (resource.kind) {
    case 'root':
      throw new WarrenError('BAD_REQUEST', 'the list of all projects is not served; ask for «simple/project/»')
    case 'moved':
      // The mount itself is reached with and without the slash that the rest would be relative to.
      return { reply: moved(path === '' ? mirror.path + resource.location : resource.location) }
    case 'page':
      return page(resource.project, request, mirror)
    case 'legacy':
      return legacy(resource, mirror)
    case 'metadata':
      return metadata(resource, mirror)
    case 'file':
      return { plans: plans(resource, mirror, (site) => filePlan(resource, site)) }
    case 'signature':
      return { plans: plans(resource, mirror, (site) => signaturePlan(resource, site)) }
  }
}

function page(project: string, request: MirrorRequest, mirror: Mirror): Route {
  const form = chooseForm(request.headers.accept)
  if (form === undefined) return { reply: notAcceptable() }
  const rendition = renditionOf(form, project)
  return {
    plans: plans({ project }, mirror, (site) => pagePlan(project, site)),
    below: filesOf(project),
    offers: offersOf(project),
    ...(rendition ? { rendition } : {}),
  }
}

/** Of a wheel whose page promises metadata there are always some: in itself. */
function metadata(resource: FilePath, mirror: Mirror): Planned {
  if (!isWheel(resource)) return { plans: plans(resource, mirror, (site) => metadataPlan(resource, site)) }
  const both = (site: Site) => [metadataPlan(resource, site), wheelForMetadata(resource, site)] as const
  return { plans: plans(resource, mirror, both), rendition: metadataRendition }
}

type Of = (site: Site) => Plan | Readonly<Planned['plans']>

function plans({ project }: Pick<FilePath, 'project'>, mirror: Mirror, of: Of): Planned['plans'] {
  return plansFor(mirror, project, (base) => of(siteAt(mirror, base)))
}

/** Beside its simple API an index may have the older one. */
function legacy(resource: LegacyPath, mirror: Mirror): Planned {
  const { project, path } = resource
  const [first, ...others] = sitesOf(mirror, project).flatMap((base) => legacyPlan(resource, siteAt(mirror, base)) ?? [])
  if (first) return { plans: [first, ...others], offers: legacyOffers(project) }
  throw new WarrenError(
    'UPSTREAM_ABSENT',
    `${mirror.name}: this index has no «${path}» that is known; ask for «simple/${project}/»`,
  )
}

function moved(location: string): FixedReply {
  // Not for good: the mount may be another mirror's tomorrow.
  return { status: 301, headers: { location, 'cache-control': 'no-cache', 'content-type': 'text/plain' }, body: '' }
}

function notAcceptable(): FixedReply {
  const types = [JSON_TYPE, VERSIONED_HTML_TYPE, HTML_TYPE.split(';', 1)[0]].join(', ')
  const headers = { 'content-type': 'text/plain; charset=utf-8', vary: 'accept', 'cache-control': 'no-store' }
  return { status: 406, headers, body: `there are only ${types}\n` }
}
