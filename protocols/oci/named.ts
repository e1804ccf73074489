import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import { splitQuery } from '../path-grammar.ts'
import type { Mirror } from '../protocol.ts'
import { mayAsk, replanned } from '../sites.ts'
import { acceptOf, variantOf } from './accept.ts'
import { isEmptyList, parsePath } from './paths.ts'
import { API, planOf, registryOf } from './plans.ts'
import { inMirror, namesOf } from './sites.ts'

/** `planOf` of the protocol. What a manifest is said to be by the one that names it is in no key: its own bytes tell. */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const { base, path, variant } = named
    if (!path.startsWith(API)) return undefined
    const resource = parsePath(...splitQuery(path.slice(API.length)))
    if (resource.kind === 'root' || isEmptyList(resource)) return undefined
    const image = inMirror(resource, mirror)
    if (!mayAsk(mirror, namesOf(image.name, mirror), base)) return undefined
    // Upstream is asked by it, so that nothing may stand in it but what the grammar itself puts there.
    const wanted = image.kind === 'tag' ? variantOf(acceptOf(variant)) : ''
    return planOf(image, registryOf(mirror, base), wanted)
  })
}
