import { cacheKey, type Plan, type Subject } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import { boundedBy } from '../sites.ts'
import { checksumParsers } from './checksum.ts'
import { expectBuild, expectChecksum, expectNow, type Siblings } from './expect.ts'
import type { Coordinates, Placed } from './layout.ts'
import { listingParser } from './listing.ts'
import { isPage, mediaType } from './media-types.ts'
import { metadataParser } from './metadata.ts'
import {
  type Checked,
  type ChecksumAlgorithm,
  type FileResource,
  metadataBeside,
  parsePath,
  type Resource,
  upstreamPath,
} from './paths.ts'
import { publishedAt } from './published.ts'

/** One upstream of a mirror. */
export interface Site {
  readonly mirror: string
  readonly base: string
  /** Longest lifetime of what changes, in ms, if not the usual one. */
  readonly lifetime?: number
}

type Of<Kind extends Resource['kind']> = Extract<Resource, { kind: Kind }>

const SECOND = 1000
const YEAR = 365 * 24 * 3600 * SECOND

/** A release or a build is there for all within a minute; ten seconds keep the clients of one build off upstream. */
const LIFETIME = { floor: 10 * SECOND, cap: 60 * SECOND }
/** Of what belongs to something that never changes. It is asked for again nevertheless when what it says has to be known. */
const FOR_GOOD = { floor: YEAR, cap: YEAR }

/** The longest ones name thousands of versions in some hundred KB. */
const MAX_METADATA = 16 << 20
const MAX_CHECKSUM = 16 << 10

/** Clients ask again each time; a lifetime of their own would add to ours. */
const MUTABLE = { 'cache-control': 'no-cache' }
const IMMUTABLE = { 'cache-control': 'public, max-age=31536000, immutable' }

/** Under these names clients look for checksums, and then ask for no file with them (maven-resolver, «Checksums in headers»). */
const DIGEST_HEADERS = { sha1: 'x-checksum-sha1', md5: 'x-checksum-md5' }

export function planOf(resource: Resource, site: Site): Plan {
  switch (resource.kind) {
    case 'file':
      return filePlan(resource, site)
    case 'metadata':
      return metadataPlan(resource, site)
    case 'checksum':
      return checksumPlan(resource.of, resource.algorithm, site)
    case 'directory':
      return directoryPlan(resource.path, site)
    default:
      return otherPlan(resource, site)
  }
}

function filePlan(resource: FileResource, site: Site): Plan {
  const { path, placed } = resource
  const siblings = siblingsOf(resource, site)
  const plan: Plan = {
    ...common(resource, site),
    kind: 'immutable',
    headers: { accept: '*/*' },
    responseHeaders: IMMUTABLE,
    describe: describer(path, site),
    // Members are asked by the strongest that upstream has beside the file, and know only what was computed on the way.
    algorithms: ['sha1', 'md5', 'sha512'],
    digestHeaders: DIGEST_HEADERS,
    subject: subjectOf(placed),
  }
  switch (placed.kind) {
    case 'release': {
      const sources = sourcesOf(placed, site)
      return {
        ...plan,
        expect: (lookup, signal) => expectChecksum(siblings, lookup, signal),
        published: (lookup, signal) => publishedAt(placed.version, sources, lookup, signal),
      }
    }
    case 'build': {
      const list = planOf(parsePath(metadataBeside(upstreamPath(resource))), site)
      return {
        ...plan,
        expect: (lookup, signal) => expectBuild(siblings, list, lookup, signal),
        published: async () => placed.built,
      }
    }
    default:
      return {
        ...plan,
        ...changing(site),
        streamed: true,
        expect: (lookup, signal) => expectNow(siblings, lookup, signal),
      }
  }
}

export function metadataPlan(resource: Of<'metadata'>, site: Site): Plan {
  const siblings = siblingsOf(resource, site)
  return {
    ...common(resource, site),
    ...changing(site),
    headers: { accept: '*/*' },
    describe: describer(resource.path, site),
    document: metadataParser,
    maxBytes: MAX_METADATA,
    expect: (lookup, signal) => expectNow(siblings, lookup, signal),
    ...subjectOfMetadata(resource),
  }
}

/**
 * A checksum as upstream has it, byte for byte. That of what never changes is never asked for again by clients, who send `no-cache`
 * with everything.
 */
export function checksumPlan(of: Checked, algorithm: ChecksumAlgorithm, site: Site): Plan {
  const plan = siblingsOf(of, site)(algorithm)
  if (!isFixed(of)) return plan
  const { lifetime: _, ...fixed } = plan
  return { ...fixed, kind: 'immutable' }
}

/** A checksum as it is looked up: also that of what never changes may have been wrong, and then upstream has mended it. */
function siblingsOf(of: Checked, site: Site): Siblings {
  return (algorithm) => {
    const path = `${of.path}.${algorithm}`
    return {
      ...common({ kind: 'checksum', path }, site),
      ...changing(site),
      ...(isFixed(of) ? { lifetime: FOR_GOOD, responseHeaders: IMMUTABLE } : {}),
      headers: { accept: '*/*' },
      describe: describer(path, site),
      document: checksumParsers[algorithm],
      maxBytes: MAX_CHECKSUM,
      ...(of.kind === 'file' ? { subject: subjectOf(of.placed) } : {}),
      ...(of.kind === 'metadata' ? subjectOfMetadata(of) : {}),
    }
  }
}

function isFixed(of: Checked): boolean {
  return of.kind === 'file' && of.placed.kind !== 'snapshot'
}

function directoryPlan(path: string, site: Site): Plan {
  return {
    ...common({ kind: 'directory', path }, site),
    ...changing(site),
    headers: { accept: 'text/html, */*;q=0.1' },
    responseHeaders: { ...MUTABLE, 'content-type': 'text/html' },
    document: listingParser,
  }
}

/** Indexes and catalogues: some have a few bytes, others a gigabyte. */
function otherPlan(resource: Of<'other' | 'prefixes'>, site: Site): Plan {
  return { ...common(resource, site), ...changing(site), headers: { accept: '*/*' }, streamed: true }
}

function common(
  resource: Pick<Resource, 'kind' | 'path'>,
  site: Site,
): Pick<Plan, 'key' | 'ecosystem' | 'mirror' | 'url' | 'base'> {
  const path = upstreamPath(resource)
  return {
    key: cacheKey({ ecosystem: 'maven', base: site.base, path }),
    ecosystem: 'maven',
    mirror: site.mirror,
    url: site.base + path,
    base: site.base,
  }
}

function changing({ lifetime }: Site): Required<Pick<Plan, 'kind' | 'lifetime' | 'responseHeaders'>> {
  return { kind: 'mutable', lifetime: boundedBy(LIFETIME, lifetime), responseHeaders: MUTABLE }
}

/** Gives the type by the name of the file. Throws UPSTREAM_CORRUPT for a page: clients would put it into their own repository. */
function describer(path: string, { mirror }: Site): NonNullable<Plan['describe']> {
  const type = { 'content-type': mediaType(path) }
  return (_facts, headers) => {
    if (!isPage(headers, path)) return type
    throw new WarrenError('UPSTREAM_CORRUPT', `${mirror}: upstream sent a web page in place of ${path}`)
  }
}

function subjectOf({ group, artifact, version }: Coordinates): Subject {
  return { type: 'maven', namespace: group, name: artifact, version }
}

function subjectOfMetadata({ of }: Of<'metadata'>): { subject?: Subject } {
  if (of.what === 'builds') return { subject: subjectOf(of) }
  const directories = of.directory.split('/')
  const name = directories.pop()
  return name === undefined || directories.length === 0
    ? {}
    : { subject: { type: 'maven', namespace: directories.join('.'), name } }
}

function sourcesOf({ directory }: Placed, site: Site): { listing: Plan; metadata: Plan } {
  const path = `${directory}/maven-metadata.xml`
  const metadata = metadataPlan({ kind: 'metadata', path, of: { what: 'versions', directory } }, site)
  return { listing: directoryPlan(directory, site), metadata }
}
