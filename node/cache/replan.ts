import { type NamedKey, type Plan, parseKey } from './plan.ts'

/** A mirror, and the grammar that makes plans for it, as far as a key can be planned anew. */
export interface Planner<Mirror> {
  readonly mirror: Mirror
  readonly protocol: {
    readonly name: string
    planOf(named: NamedKey, mirror: Mirror): Plan | undefined
  }
}

/**
 * The plan of what a member names by its key: that of the first mirror which would make one itself. Nothing of it is the member's but
 * which of all that these mirrors have is meant. Undefined for what none of them would ever ask for.
 */
export function replan<Mirror>(key: string, planners: Iterable<Planner<Mirror>>): Plan | undefined {
  const named = parseKey(key)
  if (!named) return undefined
  for (const { mirror, protocol } of planners) {
    const plan = protocol.name === named.ecosystem ? protocol.planOf(named, mirror) : undefined
    if (plan) return plan
  }
  return undefined
}
