import type { Plan, Subject } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import { boundedBy, placeOf, type Site } from '../sites.ts'
import { isPage, mediaType } from './media-types.ts'
import { type Of, type Resource, upstreamPath } from './paths.ts'
import { looseReadings, type Reading, readingsOf } from './readings.ts'

const SECOND = 1000
const YEAR = 365 * 24 * 3600 * SECOND

/** A release or a build is there for all within a minute; ten seconds keep the clients of one build off upstream. */
const LIFETIME = { floor: 10 * SECOND, cap: 60 * SECOND }
/** Of what belongs to something that never changes. It is asked for again nevertheless when what it says has to be known. */
export const FOR_GOOD = { floor: YEAR, cap: YEAR }

/** Clients ask again each time; a lifetime of their own would add to ours. */
export const MUTABLE = { 'cache-control': 'no-cache' }
export const IMMUTABLE = { 'cache-control': 'public, max-age=31536000, immutable' }

export function common(resource: Pick<Resource, 'kind' | 'path'>, site: Site): ReturnType<typeof placeOf> {
  return placeOf('maven', site, upstreamPath(resource))
}

export function changing({ lifetime }: Site): Required<Pick<Plan, 'kind' | 'lifetime' | 'responseHeaders'>> {
  return { kind: 'mutable', lifetime: boundedBy(LIFETIME, lifetime), responseHeaders: MUTABLE }
}

/** Gives the type by the name of the file. Throws UPSTREAM_CORRUPT for a page: clients would put it into their own repository. */
export function describer(path: string, { mirror }: Site): NonNullable<Plan['describe']> {
  const type = { 'content-type': mediaType(path) }
  return (_facts, headers) => {
    if (!isPage(headers, path)) return type
    throw new WarrenError('UPSTREAM_CORRUPT', `${mirror}: upstream sent a web page in place of ${path}`)
  }
}

type Subjects = Pick<Plan, 'subject' | 'readings'>

/** The packages that a file may be of. Nothing in a hidden directory is of any: those have indexes and the like. */
export function subjectsOf({ kind, path }: Of<'file' | 'other'>): Subjects {
  const directories = path.split('/').slice(0, -1)
  if (directories[0]?.startsWith('.')) return {}
  const [subject, ...readings] = (kind === 'file' ? readingsOf : looseReadings)(directories).map(subjectOf)
  return { ...(subject ? { subject } : {}), ...(readings.length > 0 ? { readings } : {}) }
}

function subjectOf({ group, artifact, version }: Pick<Reading, 'group' | 'artifact' | 'version'>): Subject {
  return { type: 'maven', namespace: group, name: artifact, ...(version === undefined ? {} : { version }) }
}

export function subjectOfMetadata({ of }: Of<'metadata'>): Subjects {
  if (of.what === 'builds') return { subject: subjectOf(of) }
  const directories = of.directory.split('/')
  const name = directories.pop()
  return name === undefined || directories.length === 0
    ? {}
    : { subject: { type: 'maven', namespace: directories.join('.'), name } }
}
