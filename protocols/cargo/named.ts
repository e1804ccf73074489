import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { isUpstream, mayAsk, replanned } from '../sites.ts'
import { foldedName } from './names.ts'
import { parsePath } from './paths.ts'
import { planOf, siteAt } from './plans.ts'

/** `planOf` of the protocol. Where an archive is, `dl` of the registry's own `config.json` tells. */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const { base, path } = named
    const resource = parsePath(path)
    if (resource.kind === 'git') return undefined
    // Whatever upstream a crate comes from is asked for its configuration.
    const may = 'name' in resource ? mayAsk(mirror, foldedName(resource.name), base) : isUpstream(mirror, base)
    return may ? planOf(resource, siteAt(mirror, base)) : undefined
  })
}
