import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { mayAsk, replanned } from '../sites.ts'
import { legacyPlan } from './legacy.ts'
import { isWheel, parsePath } from './paths.ts'
import { filePlan, metadataPlan, pagePlan, signaturePlan, siteAt, WHEEL_VARIANT, wheelForMetadata } from './plans.ts'

/** `planOf` of the protocol. Where a file is, its page tells. */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const resource = parsePath(belowMount(named.path))
    if (!('project' in resource) || !mayAsk(mirror, resource.project, named.base)) return undefined
    const site = siteAt(mirror, named.base)
    switch (resource.kind) {
      case 'page':
        return pagePlan(resource.project, site)
      case 'legacy':
        return legacyPlan(resource, site)
      case 'metadata':
        return metadataPlan(resource, site)
      case 'signature':
        return signaturePlan(resource, site)
      case 'file':
        return named.variant === WHEEL_VARIANT && isWheel(resource)
          ? wheelForMetadata(resource, site)
          : filePlan(resource, site)
    }
  })
}

/** Pages are below the base of an index, which is that of its simple API; files are called as they are here. */
function belowMount(path: string): string {
  if (path.startsWith('../')) return path.slice('../'.length)
  return /^files\/./.test(path) ? path : `simple/${path}`
}
