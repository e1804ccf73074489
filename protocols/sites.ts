import type { Plan } from '../node/cache/plan.ts'
import { WarrenError } from '../node/errors.ts'
import type { Mirror } from './protocol.ts'

/**
 * The upstreams of a mirror that may be asked about a name, in order. A name that a route matches is asked at that route's upstream
 * only, and at none if it has none; an upstream that routes name is still asked for all other names. Throws UPSTREAM_ABSENT
 * where none may be asked, and CONFIG_INVALID for a mirror without any.
 */
export function sitesOf(mirror: Mirror, name: string): readonly [string, ...string[]] {
  const route = mirror.routes?.find(({ pattern }) => matches(pattern, name))
  if (route) {
    if (route.upstream !== undefined) return [route.upstream]
    throw new WarrenError(
      'UPSTREAM_ABSENT',
      `«${name}» is asked at no upstream: mirrors.${mirror.name}.routes says so for ${route.pattern}`,
    )
  }
  const [first, ...others] = mirror.upstreams
  if (first !== undefined) return [first, ...others]
  throw new WarrenError('CONFIG_INVALID', `mirror «${mirror.name}» has no upstream; give it at least one base URL`)
}

/** A grammar's own bounds of a lifetime, in ms, under the longest one that a mirror allows. */
export function boundedBy(lifetime: NonNullable<Plan['lifetime']>, most: number | undefined): NonNullable<Plan['lifetime']> {
  return most === undefined ? lifetime : { floor: Math.min(lifetime.floor, most), cap: most }
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
