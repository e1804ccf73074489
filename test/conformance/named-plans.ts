import { expect } from 'vitest'
import { type Plan, parseKey } from '../../node/cache/plan.ts'
import type { Mirror, MirrorRequest, Protocol } from '../../protocols/protocol.ts'
import { PlanWalk } from '../harness/plan-walk.ts'

/** A registry of some ecosystem with what clients ask of it. */
export interface World {
  readonly protocol: Protocol
  /** Where it is, and settings of its mirror. */
  readonly base: string
  readonly settings?: Partial<Mirror>
  /** Bind all names that are asked for, and not what concerns none. */
  readonly patterns: readonly string[]
  readonly asks: readonly (string | Ask)[]
  /** What is only to be had where there is no other upstream. */
  readonly alone?: readonly string[]
  /** Some of what has to be among what comes of them, and is asked for by no client: paths of keys, with the variant behind them. */
  readonly reached: readonly string[]
  stop(): Promise<void>
}

type Ask = Partial<MirrorRequest> & { readonly path: string }

/** Alone, with another upstream that is gone, or for bound names only where that other one is for all else. */
type Place = 'alone' | 'second' | 'bound'

const GONE = 'http://127.0.0.1:9/'

/** A mirror of a world. */
export function mirrorOf({ protocol, base, settings, patterns }: World, place: Place): Mirror {
  const { levels } = protocol.names ?? {}
  const routes = patterns.map((pattern) => ({ pattern, upstream: base, ...(levels === undefined ? {} : { levels }) }))
  const upstreams = { alone: [base], second: [GONE, base], bound: [GONE] }[place]
  const mirror = { name: protocol.name, path: `/${protocol.name}/`, ...settings, upstreams }
  return place === 'bound' ? { ...mirror, routes } : mirror
}

/** All plans that come of what clients ask. */
export async function walk(world: World, mirror: Mirror): Promise<readonly Plan[]> {
  const found = new PlanWalk()
  const { asks, alone = [], protocol } = world
  for (const ask of mirror.upstreams[0] === GONE ? asks : [...asks, ...alone]) {
    const request = { method: 'GET', query: '', headers: {}, ...(typeof ask === 'string' ? { path: ask } : ask) }
    const route = protocol.route(request, mirror)
    if (!('plans' in route)) throw new Error(`${request.path} has no plan`)
    await found.from([...route.plans, ...(route.beside ?? [])])
  }
  return [...found.plans.values()]
}

/** What a plan says; of what it finds out later, that it does. */
function said(plan: Plan): Record<string, unknown> {
  const { responseHeaders, ...rest } = Object.fromEntries(
    Object.entries(plan).map(([name, value]) => [name, sayable(name, value)]),
  )
  return { ...rest, responseHeaders }
}

function sayable(name: string, value: unknown): unknown {
  if (typeof value === 'function') return 'known later'
  return name === 'standIn' || name === 'dated' ? (value as Plan).key : value
}

/** Each plan is made anew of its key alone, and says the same. `forgets` takes away what no key tells. */
export function checkPlans(
  plans: readonly Plan[],
  { protocol }: World,
  mirror: Mirror,
  forgets: (plan: Plan) => Partial<Plan> = () => ({}),
): void {
  for (const plan of plans) {
    const named = parseKey(plan.key)
    const again = named && protocol.planOf(named, mirror)
    expect(again, `no plan of ${plan.key}`).toBeDefined()
    if (again) expect(said({ ...again, ...forgets(plan) })).toEqual(said({ ...plan, ...forgets(plan) }))
  }
}
