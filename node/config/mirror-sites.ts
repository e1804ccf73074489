import type { NameRoute, NameRules } from '../../protocols/protocol.ts'
import { binds } from '../../protocols/sites.ts'
import { MAX_ROUTES } from './constants.ts'
import type { MirrorEntry } from './mirror-entry.ts'
import type { Given, Problems } from './problems.ts'
import type { Authority, MirrorConfig } from './schema.ts'

/** Where a mirror asks, and for what. */
export type Sites = Pick<MirrorConfig, 'upstreams' | 'routes' | 'authorities'>

/** A base URL that an entry names, and where it stands in the entry. */
interface Named {
  readonly url: string
  readonly path: readonly PropertyKey[]
  readonly ca?: string | undefined
}

interface Written {
  readonly entry: MirrorEntry
  readonly given: Given
  /** Asked in order if the entry names no upstreams. */
  readonly usual: readonly string[]
}

/**
 * The upstreams of a mirror and what is bound to which of them: first what `routes` says, then what upstreams say of themselves
 * (`only`). An upstream that is for some names only is asked for no others.
 */
export function sitesIn({ entry, given, usual }: Written, names: NameRules | undefined, problems: Problems): Sites {
  const listed = entry.upstreams ?? []
  const twice = listed.findIndex(({ url }, i) => listed.findIndex((other) => other.url === url) < i)
  if (twice >= 0) problems.wrong(given, stepsOf(given, twice), 'a URL that the list does not have yet')
  const routes: NameRoute[] = []
  const bind = (pattern: string, upstream: string | undefined, path: readonly PropertyKey[]) => {
    const route = routeOf(pattern, upstream, names)
    // A star stands for nothing that another star would not stand for, so that it may be looked at as any character.
    const before = route && routes.find((one) => binds(one, route.pattern))
    if (!route) problems.wrong(given, path, `for a pattern of names, such as ${names?.example ?? 'corp-*'}`)
    else if (before) problems.wrong(given, path, `before ${before.pattern}, which binds all that ${route.pattern} does`)
    else routes.push(route)
  }
  for (const [pattern, target] of Object.entries(entry.routes ?? {}))
    bind(pattern, target === false ? undefined : target.url, ['routes', pattern])
  for (const [i, { url, only = [] }] of listed.entries())
    for (const [at, pattern] of only.entries()) bind(pattern, url, ['upstreams', i, 'only', at])
  if (routes.length > MAX_ROUTES) problems.wrong(given, ['upstreams'], `for at most ${MAX_ROUTES} patterns of names in all`)
  const upstreams = entry.upstreams ? listed.flatMap(({ url, only }) => (only ? [] : [url])) : usual
  const authorities = namedIn(entry, given).flatMap((one) => authorityOf(one, given, problems))
  return {
    upstreams,
    ...(routes.length === 0 ? {} : { routes }),
    ...(authorities.length === 0 ? {} : { authorities }),
  }
}

/** All base URLs that an entry names. */
export function namedIn({ upstreams = [], routes = {} }: MirrorEntry, given: Given): Named[] {
  return [
    ...upstreams.map(({ url, ca }, i) => ({ url, ca, path: stepsOf(given, i) })),
    ...Object.entries(routes).flatMap(([pattern, target]): Named[] => {
      if (target === false) return []
      const path = ['routes', pattern]
      return [{ ...target, path: isGroup(Object(Object(given.value).routes)[pattern]) ? [...path, 'url'] : path }]
    }),
  ]
}

/** Steps to the URL of an upstream, which stands for itself or in a group. */
function stepsOf({ value }: Given, at: number): PropertyKey[] {
  const steps = ['upstreams', at]
  return isGroup(Object(Object(value).upstreams)[at]) ? [...steps, 'url'] : steps
}

function routeOf(written: string, upstream: string | undefined, names: NameRules | undefined): NameRoute | undefined {
  const levels = names?.levels ?? ''
  // «@corp/» means what is below, as «@corp» does; with the slash it would be no name and have nothing below it.
  const pattern = levels.includes(written.at(-1) ?? ' ') ? written.slice(0, -1) : written
  const canonical = names?.canonical ? names.canonical(pattern) : pattern
  if (!canonical || /[\p{Cc}\s]/u.test(canonical)) return undefined
  return { pattern: canonical, upstream, ...(levels === '' ? {} : { levels }) }
}

function authorityOf({ url, ca, path }: Named, given: Given, problems: Problems): Authority[] {
  if (ca === undefined) return []
  const { origin, protocol } = new URL(url)
  if (protocol === 'https:') return [{ origin, file: ca }]
  problems.wrong(given, [...path.slice(0, -1), 'ca'], `left out: ${url} is asked without TLS`)
  return []
}

function isGroup(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
