import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import { shortest } from '../path-grammar.ts'
import type { Mirror } from '../protocol.ts'
import { replanned } from '../sites.ts'
import { parsePath } from './paths.ts'
import { lookUpPlan, planOf } from './plans.ts'
import { sitesFor } from './sites.ts'

/**
 * `planOf` of the protocol. A checksum is planned as it is looked up, and not as clients get it, for whom it never changes: one that was
 * wrong can be asked for again then.
 */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const resource = parsePath(shortest(named.path))
    const site = sitesFor(mirror, resource).find(({ base }) => base === named.base)
    if (!site) return undefined
    return resource.kind === 'checksum' ? lookUpPlan(resource.of, resource.algorithm, site) : planOf(resource, site)
  })
}
