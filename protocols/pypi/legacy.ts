import { eq, valid } from '@renovatebot/pep440'
import { cacheKey, type DocumentParser, type ParsedDocument, type Plan } from '../../node/cache/plan.ts'
import { scan, shape, textOf } from '../json/scan.ts'
import type { Offers } from '../protocol.ts'
import { boundedBy } from '../sites.ts'
import { canonical, isProjectName, normaliseName } from './names.ts'
import { MAX_PAGE, PAGE_LIFETIME, type Site } from './plans.ts'

/** A document of the legacy JSON API, which only some tools ask for. It names files upstream. */
export interface LegacyPath {
  /** Normalised. */
  readonly project: string
  /** In the normal form of PEP 440 where it is one; undefined where the newest one is meant, and all are listed. */
  readonly version: string | undefined
  /** Below the root of the index. */
  readonly path: string
}

function areEqual(a: string, b: string): boolean {
  return valid(a) !== null && valid(b) !== null && eq(a, b)
}

interface LegacyFacts {
  readonly name: string
  readonly version: string
}

const PAGE = shape({ info: shape({ name: shape(), version: shape() }) })

/** Throws for everything that is no such document. */
export function parseLegacy(bytes: Buffer): ParsedDocument<LegacyFacts> {
  const info = scan(bytes, PAGE).members.get('info')
  const name = textOf(bytes, info?.members.get('name'))
  const version = textOf(bytes, info?.members.get('version'))
  if (name === undefined || !isProjectName(name) || version === undefined) {
    throw new Error('not a document of a project: «info» has to have its «name» and «version»')
  }
  return { spans: [], facts: { name: normaliseName(name), version: canonical(version) } }
}

const parser: DocumentParser<LegacyFacts> = {
  id: 'pypi-legacy-1',
  module: import.meta.url,
  exportName: 'parseLegacy',
  parse: parseLegacy,
}

/** Undefined for an index that is not known to have any. */
export function legacyPlan({ project, version, path }: LegacyPath, { mirror, base, lifetime }: Site): Plan | undefined {
  if (!base.endsWith('/simple/')) return undefined
  return {
    key: cacheKey({ ecosystem: 'pypi', base, path: `../${path}` }),
    ecosystem: 'pypi',
    mirror,
    kind: 'mutable',
    url: new URL(`../${path}`, base).href,
    base,
    subject: { type: 'pypi', name: project, ...(version === undefined ? {} : { version }) },
    headers: { accept: 'application/json' },
    responseHeaders: { 'cache-control': 'no-cache', 'content-type': 'application/json' },
    document: parser,
    isMeant: (facts) => {
      const { name, version: told } = facts as LegacyFacts
      // An index may write 1.0 as 1.0.0, which is the same version.
      return name === project && (version === undefined || told === version || areEqual(told, version))
    },
    maxBytes: MAX_PAGE,
    lifetime: boundedBy(PAGE_LIFETIME, lifetime),
  }
}

type File = { readonly upload_time_iso_8601?: unknown }

interface Page {
  readonly info: { readonly version: string }
  readonly releases?: Readonly<Record<string, readonly File[]>>
  readonly urls?: readonly File[]
}

/**
 * What such a document says of versions that a policy does not let through is left out. All of it is about one version: where that
 * is not let through, nothing is offered.
 */
export function legacyOffers(project: string): Offers {
  return { id: `pypi-legacy-offers-1 ${project}`, withhold }
}

function withhold(bytes: Buffer, allows: Parameters<Offers['withhold']>[1]): Buffer {
  const page = JSON.parse(bytes.toString('utf8')) as Page
  const { info, releases, urls } = page
  if (!allows(canonical(info.version), publishedIn(urls)) || !releases) return bytes
  const all = Object.entries(releases)
  const left = all.filter(([version, files]) => allows(canonical(version), publishedIn(files)))
  return left.length === all.length ? bytes : Buffer.from(JSON.stringify({ ...page, releases: Object.fromEntries(left) }))
}

/** When the first of some files was uploaded, in ms since the epoch; undefined where nothing tells. */
function publishedIn(files: unknown): number | undefined {
  const times = (Array.isArray(files) ? files : [])
    .map((file: File | null) => Date.parse(String(file?.upload_time_iso_8601)))
    .filter((time) => !Number.isNaN(time))
  return times.length > 0 ? times.reduce((first, time) => Math.min(first, time)) : undefined
}
