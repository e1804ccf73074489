import type { NamedKey, Plan } from '../../node/cache/plan.ts'
import { shortest, splitQuery } from '../path-grammar.ts'
import type { Mirror } from '../protocol.ts'
import { mayAsk, replanned, siteOf } from '../sites.ts'
import { aptFile } from './apt-layout.ts'
import { chosenPlan } from './chosen.ts'
import { hasQuery, parsePath } from './paths.ts'
import { CHECKSUMS_VARIANT, checksumsPlan, hasChecksums, namesOf, releasePlan } from './plans.ts'

/** The keys of release files: see `releasesOf`. */
const RELEASE = /^((?:.*?\/)?)dists\/\/(InRelease|Release(?:\.gpg)?)\/(.+)$/

/** `planOf` of the protocol. What never changes, and what is pinned, is what this mirror says. */
export function planNamed(named: NamedKey, mirror: Mirror): Plan | undefined {
  return replanned(named, mirror, () => {
    const [, root, name, suite] = RELEASE.exec(named.path) ?? []
    const isRelease = name !== undefined
    const [path, query] = splitQuery(isRelease ? `${root}dists/${suite}/${name}` : named.path)
    const file = parsePath(shortest(path), query)
    if (!mayAsk(mirror, namesOf(file.path), named.base)) return undefined
    const site = siteOf(mirror, named.base)
    if (isRelease) {
      const apt = hasQuery(file) ? undefined : aptFile(file.path)
      return apt?.kind === 'release' ? releasePlan(apt, site) : undefined
    }
    if (named.variant !== CHECKSUMS_VARIANT) return chosenPlan(file, site, mirror)
    return hasChecksums(file.path) && !hasQuery(file) ? checksumsPlan(file.path, site) : undefined
  })
}
