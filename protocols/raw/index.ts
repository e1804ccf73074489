import type { Plan } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import { isStep } from '../path-grammar.ts'
import type { Mirror, MirrorRequest, Planned, Protocol, Route } from '../protocol.ts'
import { matches, sitesOf } from '../sites.ts'
import { type AptFile, aptFile } from './apt-layout.ts'
import { formatError } from './errors.ts'
import { parsePath, type RawFile } from './paths.ts'
import { byHashPlan, immutablePlan, indexPlan, mutablePlan, pinnedPlan, poolPlan, releasePlan, type Site } from './plans.ts'

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
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notForWriting(request.method)
  const file = parsePath(request.path, request.query)
  // Where a query is part of the name, the path alone tells nothing.
  const apt = request.query === '' ? aptFile(file.path) : undefined
  const { name, lifetime } = mirror
  const plan = (base: string) =>
    planOf(file, apt, { mirror: name, base, ...(lifetime === undefined ? {} : { lifetime }) }, mirror)
  const [first, ...others] = sitesOf(mirror, file.path)
  return { plans: [plan(first), ...others.map(plan)] } satisfies Planned
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

function notForWriting(method: string): WarrenError {
  const what = /^[A-Z]{1,16}$/.test(method) ? method : 'that method'
  return new WarrenError('METHOD_NOT_ALLOWED', `Warren is a read cache and takes no ${what} here; upload to the server itself`)
}
