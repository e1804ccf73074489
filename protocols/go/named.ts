import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { isUpstream, mayAsk, replanned } from '../sites.ts'
import { parsePath } from './paths.ts'
import { CACHED_ONLY, databasePlan, planOf, siteWith } from './plans.ts'
import { databaseOf } from './upstreams.ts'

/** `planOf` of the protocol. The database that is believed is the mirror's own: what is of another one has other keys. */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const { base, path, variant } = named
    const resource = parsePath(path)
    // Whatever upstream a module comes from is asked about the log that its checksum is in.
    const may = 'module' in resource ? mayAsk(mirror, resource.module, base) : isUpstream(mirror, base)
    if (!may) return undefined
    const database = databaseOf(mirror)
    const site = siteWith(mirror, base, database, variant.split(' ', 1)[0] === CACHED_ONLY)
    if (!('database' in resource)) return planOf(resource, site)
    return database?.name === resource.database ? databasePlan(resource, site, database.verifier) : undefined
  })
}
