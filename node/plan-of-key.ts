import { protocols } from '../protocols/index.ts'
import type { Mirror, Protocol } from '../protocols/protocol.ts'
import { type Plan, parseKey } from './cache/plan.ts'
import { replan } from './cache/replan.ts'

/**
 * The plan of what a key names: as one of the mirrors makes it, else as one would that had only its upstream. So what was kept for a
 * mirror that is no more is still known to be of a package.
 */
export function planOfKey(
  key: string,
  mounted: Iterable<{ readonly mirror: Mirror; readonly protocol: Protocol }>,
): Plan | undefined {
  const plan = replan(key, mounted)
  if (plan) return plan
  const { ecosystem, base } = parseKey(key) ?? {}
  const protocol = protocols.find(({ name }) => name === ecosystem)
  if (!protocol || base === undefined) return undefined
  const mirror = { name: protocol.name, path: '/', upstreams: [base], registry: hostOf(base) }
  return replan(key, [{ mirror, protocol }])
}

/** What stands before the names of images, where clients have no other name for their registry. */
function hostOf(base: string): string {
  return URL.parse(base)?.host ?? ''
}
