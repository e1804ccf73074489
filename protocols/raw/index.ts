import type { Plan } from '../../node/cache/plan.ts'
import { isStep } from '../path-grammar.ts'
import type { Mirror, MirrorRequest, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { matches, plansFor, type Site, siteOf } from '../sites.ts'
import { type AptFile, aptFile } from './apt-layout.ts'
import { formatError } from './errors.ts'
import { parsePath, type RawFile } from './paths.ts'
import { byHashPlan, immutablePlan, indexPlan, mutablePlan, namesOf, pinnedPlan, poolPlan, releasePlan } from './plans.ts'

/**
 * Files below one configured base, whatever they are: archives of Debian packages, downloads of releases, distributions of build
 * tools. There is no mirror that nobody configured, and no path names another base.
 */
export const raw: Protocol = {
  name: 'raw',
  defaultUpstreams: [],
  builtIn: false,
  mounts: '/raw/',
  settings: ['immutable', 'mutable', 'pins'],
  names: { example: 'releases/*', levels: '/', canonical: canonicalPattern },
  rootAliases: [],
  route,
  formatError,
}

/** As paths are when they are asked about: one that is written in any other way would bind nothing. */
function canonicalPattern(pattern: string): string | undefined {
  const path = pattern.replace(/^\//, '')
  // The slash at the end of a folder has nothing behind it.
  const hasStep = path.replace(/\/$/, '').split('/').some(isStep)
  return hasStep || /[\p{Cc}\\%?#]/u.test(path) ? undefined : path
}

function route(request: MirrorRequest, mirror: Mirror): Route {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notForWriting(request.method, 'upload to the server itself')
  const file = parsePath(request.path, request.query)
  // Where a query is part of the name, the path alone tells nothing.
  const apt = request.query === '' ? aptFile(file.path) : undefined
  return { plans: plansFor(mirror, namesOf(file.path), (base) => planOf(file, apt, siteOf(mirror, base), mirror)) }
}

/**
 * What a digest is known of stays what it is, and a release file moves, whatever the operator's globs say; those count before what
 * the path looks like, and the one for what changes before the other, since it is the exception that does no harm.
 */
function planOf(file: RawFile, apt: AptFile | undefined, site: Site, mirror: Mirror): Plan {
  const { path } = file
  const pin = mirror.pins && Object.hasOwn(mirror.pins, path) ? mirror.pins[path] : undefined
  if (pin) return pinnedPlan(file, site, pin)
  if (apt?.kind === 'by-hash') return byHashPlan(apt, site)
  if (apt?.kind === 'release') return releasePlan(apt, site)
  if (mirror.mutable?.some((glob) => matches(glob, path))) return mutablePlan(file, site, true)
  if (mirror.immutable?.some((glob) => matches(glob, path))) return immutablePlan(file, site)
  if (apt?.kind === 'index') return indexPlan(apt, site)
  if (apt?.kind === 'pool') return poolPlan(apt, file, site)
  return mutablePlan(file, site, false)
}
