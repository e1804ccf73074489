import { cacheKey, type NamedKey, type Plan } from '../node/cache/plan.ts'
import { isWarrenError, WarrenError } from '../node/errors.ts'
import type { Mirror, NameRoute, Planned } from './protocol.ts'

/** One upstream of a mirror. */
export interface Site {
  readonly mirror: string
  readonly base: string
  /** Longest lifetime of what is mutable, in ms, if not the grammar's own. */
  readonly lifetime?: number
}

/**
 * The upstreams of a mirror that may be asked about a name, in order. A name that a route binds is asked at that route's upstream
 * only, whether that one has it or not, and at none if the route has none. An upstream of the mirror that a route names is asked for
 * unbound names as well; one that only routes name is not. `name` is empty for what concerns no name. Throws UPSTREAM_ABSENT where
 * none may be asked, and CONFIG_INVALID for a mirror without any.
 */
export function sitesOf(mirror: Mirror, name: string): readonly [string, ...string[]] {
  const { routes = [] } = mirror
  const route = routes.find((one) => binds(one, name))
  if (route) {
    if (route.upstream !== undefined) return [route.upstream]
    throw new WarrenError(
      'UPSTREAM_ABSENT',
      `«${name}» is asked at no upstream: mirrors.${mirror.name}.routes says so for ${route.pattern}`,
    )
  }
  const [first, ...others] = mirror.upstreams
  if (first !== undefined) return [first, ...others]
  if (routes.length > 0) {
    throw new WarrenError(
      'UPSTREAM_ABSENT',
      `${name === '' ? 'this' : `«${name}»`} is asked at no upstream: those of mirrors.${mirror.name} are for other names only`,
    )
  }
  throw new WarrenError('CONFIG_INVALID', `mirror «${mirror.name}» has no upstream; give it at least one base URL`)
}

/**
 * The same for what may be of any of several names: the first route that binds one of them counts, so that nothing is asked where it
 * must not be. What no route binds is called by the first name in messages.
 */
export function sitesOfAny(mirror: Mirror, names: readonly string[]): readonly [string, ...string[]] {
  for (const route of mirror.routes ?? []) {
    const bound = names.find((name) => binds(route, name))
    if (bound !== undefined) return sitesOf({ ...mirror, routes: [route] }, bound)
  }
  return sitesOf(mirror, names[0] ?? '')
}

/** Whether an upstream may be asked about a name, or about what may be called by several. */
export function mayAsk(mirror: Mirror, name: string | readonly string[], base: string): boolean {
  try {
    return sitesOfAny(mirror, [name].flat()).includes(base)
  } catch {
    return false
  }
}

/**
 * Whether a route is for a name. Where names have levels it is for everything below, too: whoever binds `@corp`, `com.corp` or
 * `*.corp.test` means what is in there, and a pattern that binds too little would let that out.
 */
export function binds({ pattern, levels = '' }: NameRoute, name: string): boolean {
  return matches(pattern, name) || Array.from(levels).some((level) => matches(`${pattern}${level}*`, name))
}

/** An upstream of a mirror, with what the mirror says of all of them. */
export function siteOf({ name, lifetime }: Mirror, base: string): Site {
  return { mirror: name, base, ...(lifetime === undefined ? {} : { lifetime }) }
}

/**
 * Plans for each upstream that may be asked about a name, or about what may be called by several, in order; `of` has one or several for
 * each. Throws as `sitesOf`.
 */
export function plansFor(
  mirror: Mirror,
  name: string | readonly string[],
  of: (base: string) => Plan | Readonly<Planned['plans']>,
): Planned['plans'] {
  const at = (base: string): Planned['plans'] => {
    const plans = of(base)
    return isSeveral(plans) ? [...plans] : [plans]
  }
  const [first, ...others] = sitesOfAny(mirror, typeof name === 'string' ? [name] : name)
  return [...at(first), ...others.flatMap(at)]
}

function isSeveral(plans: Plan | Readonly<Planned['plans']>): plans is Readonly<Planned['plans']> {
  return Array.isArray(plans)
}

/** Whether an upstream is one of a mirror, be it for some names only: of what concerns no name it may be asked, too. */
export function isUpstream({ upstreams, routes = [] }: Mirror, base: string): boolean {
  return upstreams.includes(base) || routes.some(({ upstream }) => upstream === base)
}

/**
 * The plan that a grammar makes of a key, if that is the plan's own key. Each has one spelling, and may come from anybody: what is spelt
 * in another way, or refused as a client's request would be, was made by no grammar.
 */
export function replanned({ key }: NamedKey, mirror: Mirror, make: () => Plan | undefined): Plan | undefined {
  // A client chose its upstream, and not the operator.
  if (mirror.onDemand) return undefined
  try {
    const plan = make()
    return plan?.key === key ? plan : undefined
  } catch (error) {
    if (isWarrenError(error)) return undefined
    throw error
  }
}

/** What a path below an upstream's base is called, and where it is. */
export function placeOf(
  ecosystem: string,
  { mirror, base }: Site,
  path: string,
  variant = '',
): Pick<Plan, 'key' | 'ecosystem' | 'mirror' | 'url' | 'base'> {
  return { key: cacheKey({ ecosystem, base, path, variant }), ecosystem, mirror, url: base + path, base }
}

/** A grammar's own bounds of a lifetime, in ms, under the longest one that a mirror allows. */
export function boundedBy(lifetime: NonNullable<Plan['lifetime']>, most: number | undefined): NonNullable<Plan['lifetime']> {
  return most === undefined ? lifetime : { ...lifetime, floor: Math.min(lifetime.floor, most), cap: most }
}

/** Whether a pattern with `*` for any characters matches all of a text; without exponential search. */
export function matches(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return pattern === text
  if (!text.startsWith(head) || text.length < head.length + tail.length) return false
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - tail.length >= at && text.endsWith(tail)
}
