import type { Plan } from '../../node/cache/plan.ts'
import type { Site } from '../sites.ts'
import { checksumParsers } from './checksum.ts'
import { expectBuild, expectChecksum, expectNow, type Siblings } from './expect.ts'
import { hasPart } from './layout.ts'
import { listingParser } from './listing.ts'
import { type MetadataFacts, metadataParser } from './metadata.ts'
import {
  type Checked,
  type ChecksumAlgorithm,
  metadataBeside,
  type Of,
  parsePath,
  type Resource,
  upstreamPath,
} from './paths.ts'
import { changing, common, describer, FOR_GOOD, IMMUTABLE, MUTABLE, subjectOfMetadata, subjectsOf } from './plan-parts.ts'
import { publishedAt, type Source } from './published.ts'
import { readingsOf } from './readings.ts'

/** The longest ones name thousands of versions in some hundred KB. */
const MAX_METADATA = 4 << 20
/** Thousands of names with their links. */
const MAX_LISTING = 4 << 20
/** What clients read at once to learn what they need further, and what proves a file: some KB of text. */
const SMALL_TEXT = /\.(?:pom|module|xml|json|asc|txt)$/
const MAX_CHECKSUM = 16 << 10
/** Ms: shorter than a file counts as absent, or one that has come by then would be kept without a look at its checksum. */
const NO_CHECKSUM = 2_000

/** Under these names clients look for checksums, and then ask for no file with them (maven-resolver, «Checksums in headers»). */
const DIGEST_HEADERS = { sha1: 'x-checksum-sha1', md5: 'x-checksum-md5' }

/** One upstream, and whether another one is asked for what this one does not have. */
export interface Asked extends Site {
  readonly isElsewhere?: boolean
}

export function planOf(resource: Resource, site: Asked): Plan {
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

function filePlan(resource: Of<'file'>, site: Asked): Plan {
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
    located: true,
    ...subjectsOf(resource),
    ...publishedOf(resource, site),
  }
  switch (placed.kind) {
    case 'release':
      return {
        ...plan,
        expect: (lookup, signal) => expectChecksum(siblings, lookup, signal),
      }
    case 'build': {
      const list = planOf(parsePath(metadataBeside(upstreamPath(resource))), site)
      const names = (facts: unknown) => isBuildIn(facts, path)
      return {
        ...plan,
        expect: (lookup, signal) => expectBuild(siblings, { plan: list, names }, lookup, signal),
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
  const plan = lookUpPlan(of, algorithm, site)
  if (!isFixed(of)) return plan
  const { lifetime: _, negative: __, ...fixed } = plan
  return { ...fixed, kind: 'immutable' }
}

/** A checksum as it is looked up: also that of what never changes may have been wrong, and then upstream has mended it. */
export function lookUpPlan(of: Checked, algorithm: ChecksumAlgorithm, site: Site): Plan {
  return siblingsOf(of, site).plan(algorithm)
}

function siblingsOf(of: Checked, site: Asked): Siblings {
  const plan = (algorithm: ChecksumAlgorithm): Plan => {
    const path = `${of.path}.${algorithm}`
    return {
      ...common({ kind: 'checksum', path }, site),
      ...changing(site),
      ...(isFixed(of) ? { lifetime: FOR_GOOD, negative: NO_CHECKSUM, responseHeaders: IMMUTABLE } : {}),
      headers: { accept: '*/*' },
      describe: describer(path, site),
      document: checksumParsers[algorithm],
      maxBytes: MAX_CHECKSUM,
      ...(of.kind === 'file' || of.kind === 'other' ? subjectsOf(of) : {}),
      ...(of.kind === 'metadata' ? subjectOfMetadata(of) : {}),
    }
  }
  return { isSmall: SMALL_TEXT.test(of.path), isElsewhere: site.isElsewhere === true, plan }
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
    maxBytes: MAX_LISTING,
  }
}

/** Indexes and catalogues, and what fits no layout: some have a few bytes, others a gigabyte. */
function otherPlan(resource: Of<'other' | 'prefixes'>, site: Site): Plan {
  const facts = resource.kind === 'other' ? { ...subjectsOf(resource), ...publishedOf(resource, site) } : {}
  return { ...common(resource, site), ...changing(site), headers: { accept: '*/*' }, streamed: true, ...facts }
}

function publishedOf(resource: Of<'file' | 'other'>, site: Site): Pick<Plan, 'published'> {
  const sources = sourcesOf(resource, site)
  return { published: (lookup, signal) => publishedAt(sources, lookup, signal) }
}

/** Of a snapshot the file itself is looked for, since its version is as old as the first build; of all else the directory of the version. */
function sourcesOf(resource: Of<'file' | 'other'>, site: Site): readonly Source[] {
  const [directories, [file = '']] = [resource.path.split('/').slice(0, -1), resource.path.split('/').slice(-1)]
  if (resource.kind === 'file' && resource.placed.kind !== 'release') {
    const isIn: Source['isIn'] = (facts) => isBuildIn(facts, file)
    return [{ ...sourceOf(directories.join('/'), site), name: file, isIn }]
  }
  return readingsOf(directories).flatMap(({ version, directory }) =>
    version === undefined
      ? []
      : [{ ...sourceOf(directory, site), name: version, isIn: ({ versions = [] }) => versions.includes(version) }],
  )
}

/** Whether a list of builds has the one that a file is of. */
function isBuildIn(facts: unknown, file: string): boolean {
  const { builds = [] } = (facts ?? {}) as Partial<MetadataFacts>
  return builds.some((build) => hasPart(file, build))
}

/** What lists a directory. */
function sourceOf(directory: string, site: Site): Pick<Source, 'listing' | 'metadata'> {
  const metadata = planOf(parsePath(`${upstreamPath({ kind: 'other', path: directory })}/maven-metadata.xml`), site)
  return { listing: directoryPlan(directory, site), metadata }
}
