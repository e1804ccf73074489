import { WarrenError } from '../../node/errors.ts'
import type { Mirror, MirrorRequest, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { formatError } from './errors.ts'
import { planNamed } from './named.ts'
import { type Of, parsePath, provenBy, type Resource } from './paths.ts'
import { checksumPlan, metadataPlan, planOf } from './plans.ts'
import { checksumOf, checksumOfMerged, merged, versions } from './renditions.ts'
import { sitesFor } from './sites.ts'
import { defaultUpstreams } from './upstreams.ts'

/** Repositories in Maven's layout and in Ivy's, for reading: Maven, Gradle, sbt, coursier, Ivy, and whoever speaks as they do. */
export const maven: Protocol = {
  name: 'maven',
  defaultUpstreams,
  builtIn: { name: 'maven-central', path: '/maven/central/' },
  mounts: '/maven/',
  settings: [],
  names: {
    example: 'com.corp or com.corp:lib, without slashes',
    levels: '.:',
    canonical: canonicalPattern,
  },
  rootAliases: [],
  // A file, its checksums, and the metadata of a snapshot.
  family: (path) => path.slice(0, path.lastIndexOf('/') + 1),
  route,
  planOf: planNamed,
  formatError,
}

/** A group, or `group:artifact`; levels must not be empty, since no name is like that. */
const PATTERN = /^[\w*+-]+(?:\.[\w*+-]+)*(?::[\w.*+-]+)?$/

/** A group is for all below it in any case, and to whoever writes `com.corp.*` it is one of those. */
function canonicalPattern(pattern: string): string | undefined {
  return PATTERN.test(pattern) ? pattern.replace(/^([^:]+)\.\*$/, '$1') : undefined
}

const TO_WRITE = 'deploy to the repository itself, with <distributionManagement> in the POM or its like'

type Sites = ReturnType<typeof sitesFor>

function route({ method, path }: MirrorRequest, mirror: Mirror): Route {
  if (method !== 'GET' && method !== 'HEAD') throw notForWriting(method, TO_WRITE)
  const resource = parsePath(path)
  const sites = sitesFor(mirror, resource)
  if (resource.kind === 'metadata') return metadataRoute(resource, sites)
  if (resource.kind === 'checksum' && resource.of.kind === 'metadata')
    return checksumRoute(resource.of, resource.algorithm, sites)
  // What one repository has would keep clients from asking for what the others have.
  if (isOfPrefixes(resource) && isGroup(mirror))
    throw absent('a group of repositories has no list of prefixes: ask it for anything')
  const proven = sites.length > 1 ? provenBy(resource) : undefined
  if (proven?.kind === 'metadata') throw absent('what several repositories list together has been signed by none of them')
  const beside = proven && { beside: each(sites, (site) => planOf(proven, site)) }
  return { plans: each(sites, (site) => planOf(resource, site)), ...beside }
}

function metadataRoute(resource: Of<'metadata'>, sites: Sites): Planned {
  const plans = each(sites, (site) => metadataPlan(resource, site))
  return { plans, ...offersOf(resource), ...(sites.length > 1 ? { rendition: merged, all: true } : {}) }
}

function checksumRoute(of: Of<'metadata'>, algorithm: Parameters<typeof checksumOf>[0], sites: Sites): Planned {
  const documents = each(sites, (site) => metadataPlan(of, site))
  if (sites.length > 1) return { plans: documents, ...offersOf(of), rendition: checksumOfMerged(algorithm), all: true }
  const plans: Planned['plans'] = [documents[0], checksumPlan(of, algorithm, sites[0])]
  return { plans, ...offersOf(of), rendition: checksumOf(algorithm), all: true }
}

function offersOf({ of }: Of<'metadata'>): Pick<Planned, 'offers'> {
  return of.what === 'versions' ? { offers: versions } : {}
}

function each([first, ...others]: Sites, planFor: (site: Sites[0]) => Planned['plans'][0]): Planned['plans'] {
  return [planFor(first), ...others.map(planFor)]
}

/** Whether there are several repositories behind a mirror, be it for some names only. */
function isGroup({ upstreams, routes = [] }: Mirror): boolean {
  return new Set([...upstreams, ...routes.flatMap(({ upstream }) => upstream ?? [])]).size > 1
}

function isOfPrefixes(resource: Resource): boolean {
  return resource.kind === 'prefixes' || (resource.kind === 'checksum' && resource.of.kind === 'prefixes')
}

function absent(why: string): WarrenError {
  return new WarrenError('UPSTREAM_ABSENT', why)
}
