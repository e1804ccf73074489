import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import { shortest } from '../path-grammar.ts'
import type { Mirror } from '../protocol.ts'
import { mayAsk, replanned } from '../sites.ts'
import { parsePath } from './paths.ts'
import { boundName, isKept, planOf, siteAt } from './plans.ts'

/** `planOf` of the protocol. Where a tarball is that lies in a far place, its packument tells. */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const resource = parsePath(shortest(named.path))
    if (!isKept(resource) || !mayAsk(mirror, boundName(resource), named.base)) return undefined
    return planOf(resource, siteAt(mirror, named.base), named.variant === 'full' ? 'full' : 'abbreviated')
  })
}
