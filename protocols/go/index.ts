import { WarrenError } from '../../node/errors.ts'
import type { FixedReply, Mirror, MirrorRequest, Planned, Protocol, Route } from '../protocol.ts'
import { notForWriting } from '../read-only.ts'
import { plansFor } from '../sites.ts'
import { formatError } from './errors.ts'
import { planNamed } from './named.ts'
import { canonicalPattern, isCanonical } from './names.ts'
import { infoOffers, listOffers } from './offers.ts'
import { type DatabaseResource, parsePath, type Resource } from './paths.ts'
import { databasePlan, planOf, siteWith } from './plans.ts'
import { type Database, databaseOf, defaultUpstreams } from './upstreams.ts'

/** The module proxy protocol of the go command (`go help goproxy`), with the checksum database below it. */
export const go: Protocol = {
  name: 'go',
  defaultUpstreams,
  settings: ['sumdb'],
  names: { example: 'git.corp.test/*', levels: '/', canonical: canonicalPattern },
  rootAliases: [],
  family: (path) => path.split('/@', 1)[0] ?? path,
  route,
  planOf: planNamed,
  formatError,
}

/** A promise that all that is asked of the database is answered: the client goes nowhere else from then on. */
const SUPPORTED: FixedReply = {
  status: 200,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' },
  body: '',
}

function route(request: MirrorRequest, mirror: Mirror): Route {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw notForWriting(request.method, 'tag a version where the code is')
  const resource = parsePath(request.path)
  const database = databaseOf(mirror)
  if ('database' in resource) return databaseRoute(resource, mirror, database)
  const cachedOnly = String(request.headers['disable-module-fetch']).toLowerCase() === 'true'
  const plans = plansFor(mirror, resource.module, (base) => planOf(resource, siteWith(mirror, base, database, cachedOnly)))
  return { plans, ...offersOf(resource) }
}

function offersOf(resource: Resource): Pick<Planned, 'offers'> {
  if (resource.kind === 'list') return { offers: listOffers }
  const isQuery = resource.kind === 'latest' || (resource.kind === 'info' && !isCanonical(resource.version))
  return isQuery ? { offers: infoOffers } : {}
}

/** A record names a module, which a route may keep from an upstream; the rest of a database is of no module. */
function databaseRoute(resource: DatabaseResource, mirror: Mirror, database: Database | undefined): Route {
  if (database?.name !== resource.database) {
    const why = database ? `only ${database.name} is` : `mirrors.${mirror.name}.sumdb is off`
    throw new WarrenError('UPSTREAM_ABSENT', `the checksum database «${resource.database}» is not passed on: ${why}`)
  }
  if (resource.kind === 'supported' && database.certain) return { reply: SUPPORTED }
  const name = resource.kind === 'record' ? resource.module : ''
  const plan = (base: string) => databasePlan(resource, siteWith(mirror, base, database), database.verifier)
  return { plans: plansFor(mirror, name, plan) }
}
