import type { Plan } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { type Site as AnySite, boundedBy, mayAsk, placeOf, siteOf } from '../sites.ts'
import { configParser } from './config.ts'
import { crateIndexParser } from './crate-index.ts'
import { expectCrate, releaseOf } from './expect.ts'
import { crateFacts } from './facts.ts'
import { foldedName } from './names.ts'
import { type Resource, upstreamPath } from './paths.ts'

/** One upstream of a mirror. */
export interface Site extends AnySite {
  /** Whether this upstream may be asked for a crate. */
  mayHave(name: string): boolean
}

type Of<Kind extends Resource['kind']> = Extract<Resource, { kind: Kind }>

const SECOND = 1000
const MINUTE = 60 * SECOND

/** What was published or yanked is seen within a minute; ten seconds keep a burst of clients off upstream. */
const INDEX_LIFETIME = { floor: 10 * SECOND, cap: MINUTE }
/** Each run of cargo asks for it before all else, and years go by in which it stays the same. */
const CONFIG_LIFETIME = { floor: MINUTE, cap: 5 * MINUTE }
/** A registry's own has some hundred bytes. */
const MAX_CONFIG = 64 << 10
/** The largest of the public registry has some three million bytes. */
const MAX_INDEX = 16 << 20

/** What cargo itself sends for all of an index. */
const INDEX_HEADERS = { accept: 'text/plain', 'cargo-protocol': 'version=1' }
/** Clients ask again each time, which costs them a 304; a lifetime of their own would add to ours. */
const MUTABLE_HEADERS = { 'cache-control': 'no-cache', vary: 'accept-encoding' }
const CRATE_HEADERS = {
  'content-type': 'application/octet-stream',
  'cache-control': 'public, max-age=31536000, immutable',
}

export function siteAt(mirror: Mirror, base: string): Site {
  return { ...siteOf(mirror, base), mayHave: (crate) => mayAsk(mirror, foldedName(crate), base) }
}

export function planOf(resource: Exclude<Resource, { kind: 'git' }>, site: Site): Plan {
  switch (resource.kind) {
    case 'config':
      return configPlan(site)
    case 'index':
      return indexPlan(resource.name, site)
    case 'crate':
      return cratePlan(resource, site)
  }
}

function configPlan(site: Site): Plan {
  return {
    ...common({ kind: 'config' }, site),
    kind: 'mutable',
    headers: INDEX_HEADERS,
    responseHeaders: { ...MUTABLE_HEADERS, 'content-type': 'application/json' },
    document: configParser,
    lifetime: boundedBy(CONFIG_LIFETIME, site.lifetime),
    maxBytes: MAX_CONFIG,
  }
}

function indexPlan(name: string, site: Site): Plan {
  const lower = name.toLowerCase()
  return {
    ...common({ kind: 'index', name: lower }, site),
    kind: 'mutable',
    headers: INDEX_HEADERS,
    subject: { type: 'cargo', name: lower },
    responseHeaders: { ...MUTABLE_HEADERS, 'content-type': 'text/plain; charset=utf-8' },
    document: crateIndexParser,
    isMeant: (facts) => crateFacts(facts, lower) !== undefined,
    prefetch: (facts) => {
      const wanted = crateFacts(facts, lower)?.dependencies ?? []
      return wanted.filter((one) => site.mayHave(one)).map((one) => indexPlan(one, site))
    },
    lifetime: boundedBy(INDEX_LIFETIME, site.lifetime),
    maxBytes: MAX_INDEX,
  }
}

function cratePlan(resource: Of<'crate'>, site: Site): Plan {
  const { name, version, sha256 } = resource
  const index = indexPlan(name, site)
  const sources = { config: configPlan(site), index }
  return {
    ...common(resource, site),
    kind: 'immutable',
    // An archive that a server compresses once more is no longer what the digest is of.
    headers: { accept: '*/*', 'accept-encoding': 'identity' },
    // In the case of the index, whose path does not tell the true one: no registry has two names that differ in nothing else.
    subject: { type: 'cargo', name: name.toLowerCase(), version },
    responseHeaders: CRATE_HEADERS,
    ...(sha256 === undefined ? {} : { digests: [{ algorithm: 'sha256', hex: sha256 }] }),
    placed: true,
    guarded: true,
    expect: (lookup, signal) => expectCrate(resource, sources, lookup, signal),
    published: async (lookup, signal) => (await releaseOf(resource, index, lookup, signal))?.published,
  }
}

function common(resource: Exclude<Resource, { kind: 'git' }>, site: Site): ReturnType<typeof placeOf> {
  return placeOf('cargo', site, upstreamPath(resource))
}
