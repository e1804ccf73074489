import { isStep } from '../path-grammar.ts'
import type { Mirror, MirrorRequest, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor, siteOf } from '../sites.ts'
import { chosenPlan } from './chosen.ts'
import { formatError } from './errors.ts'
import { planNamed } from './named.ts'
import { parsePath } from './paths.ts'
import { namesOf } from './plans.ts'

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
  planOf: planNamed,
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
  return { plans: plansFor(mirror, namesOf(file.path), (base) => chosenPlan(file, siteOf(mirror, base), mirror)) }
}
