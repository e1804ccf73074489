import type { Plan } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { matches, type Site } from '../sites.ts'
import { aptFile } from './apt-layout.ts'
import { hasQuery, type RawFile } from './paths.ts'
import { byHashPlan, immutablePlan, indexPlan, mutablePlan, pinnedPlan, poolPlan, releasePlan } from './plans.ts'

/**
 * What a digest is known of stays what it is, and a release file moves, whatever the operator's globs say; those count before what
 * the path looks like, and the one for what changes before the other, since it is the exception that does no harm.
 */
export function chosenPlan(file: RawFile, site: Site, mirror: Mirror): Plan {
  const { path } = file
  const apt = hasQuery(file) ? undefined : aptFile(path)
  const pin = mirror.pins && Object.hasOwn(mirror.pins, path) ? mirror.pins[path] : undefined
  if (pin) return pinnedPlan(file, site, pin)
  if (apt?.kind === 'by-hash') return byHashPlan(apt, site)
  if (apt?.kind === 'release') return releasePlan(apt, site)
  if (mirror.mutable?.some((glob) => matches(glob, path))) return mutablePlan(file, site, true)
  if (mirror.immutable?.some((glob) => matches(glob, path))) return immutablePlan(file, site)
  if (apt?.kind === 'index') return indexPlan(apt, site)
  if (apt?.kind === 'pool') return poolPlan(apt, file, site)
  return mutablePlan(file, site, false)
}
