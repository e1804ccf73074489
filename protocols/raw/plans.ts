import { cacheKey, type Lookup, type Plan } from '../../node/cache/plan.ts'
import { type Digest, formatDigest } from '../../node/digest.ts'
import { boundedBy, placeOf, type Site } from '../sites.ts'
import { type ByHashFile, type IndexFile, mayListPackages, type PoolFile, type ReleaseFile, type Suite } from './apt-layout.ts'
import { checksumsParser } from './checksums.ts'
import { type ChecksumPlace, expectChecked, expectHashed, expectListed, expectPackage, type HeldSuite } from './expect.ts'
import { packagesParser } from './packages.ts'
import { encodePath, hasQuery, type RawFile } from './paths.ts'
import { releaseParser } from './release.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Of servers that tell of no lifetime: else what they changed a minute ago would be asked for with each request. */
const SILENT = 10 * SECOND
/** RFC 9111, but for a server that says a year of what it replaces tomorrow. */
const LIFETIME = { floor: 0, cap: DAY, silent: SILENT }
/** Of what the operator says changes. */
const CHANGING_LIFETIME = { floor: 0, cap: MINUTE, silent: SILENT }
/** Release files and what they list change together, so that each of them is asked for each time. */
const NO_LIFETIME = { floor: 0, cap: 0 }
/** Checksums of what never changes. */
const CHECKSUMS_LIFETIME = { floor: HOUR, cap: DAY }
/** Ms: shorter than a file counts as absent, or one that has come by then would be kept without a look at its checksum. */
const NO_CHECKSUMS = 2_000

/** Debian's has 150 KB. */
const MAX_RELEASE = 16 << 20
const MAX_SIGNATURE = 1 << 20
const MAX_CHECKSUMS = 4 << 20

/** Clients ask again each time, which costs them a 304; a lifetime of their own would add to ours. */
const MUTABLE_HEADERS = { 'cache-control': 'no-cache' }
const IMMUTABLE_HEADERS = { 'cache-control': 'public, max-age=31536000, immutable' }

/** Files of checksums and signatures, which have none of their own. */
const IS_CHECKSUM = /(?:(\.(?:sha\d+(?:sum)?|md5(?:sum)?|asc|sig|sign|minisig|pem|crt))|(?:^|\/)(?:SHA\d+|MD5)SUMS[^/]*)$/i

/** What may be a web page by its name. All else that comes as one is the login of a network, or an error that says 200. */
const MAY_BE_PAGE = /(?:^|\/|\.x?html?|(?:^|\/)[^./]+)$/i

/** A path, and that of the file of which it is the checksum or the signature: who binds a file means what proves it as well. */
export function namesOf(path: string): readonly string[] {
  const [, ending] = IS_CHECKSUM.exec(path) ?? []
  return ending === undefined ? [path] : [path, ...namesOf(path.slice(0, -ending.length))]
}

/** What RFC 9111 says of it; with `changes`, what the operator says. */
export function mutablePlan(file: RawFile, site: Site, changes: boolean): Plan {
  const lifetime = boundedBy(changes ? CHANGING_LIFETIME : LIFETIME, site.lifetime)
  const plan: Plan = { ...common(file.target, site), ...MUTABLE, lifetime, heedsNoStore: true }
  // Pages are read as a whole, unpacked. What else a server keeps packed is passed on so, with the name of its packing.
  return MAY_BE_PAGE.test(file.path) ? plan : { ...plan, streamed: true, keeps: ['content-encoding'] }
}

/** A file of which the operator says what it is. */
export function pinnedPlan(file: RawFile, site: Site, pin: Digest): Plan {
  // What another mirror took unchecked from the same place must not stand in for it.
  return { ...common(file.target, site, { variant: formatDigest(pin) }), ...IMMUTABLE, digests: [pin] }
}

/** A file of which the operator says that it never changes. */
export function immutablePlan(file: RawFile, site: Site): Plan {
  const plan: Plan = { ...common(file.target, site), ...IMMUTABLE, keeps: ['content-encoding'] }
  const { path } = file
  if (IS_CHECKSUM.test(path) || path === '' || path.endsWith('/') || hasQuery(file)) return plan
  const name = path.slice(path.lastIndexOf('/') + 1)
  const places: readonly ChecksumPlace[] = [
    { plan: checksumsPlan(`${path}${SUM}`, site), alone: true },
    { plan: checksumsPlan(`${path.slice(0, -name.length)}${SUMS}`, site), alone: false },
  ]
  return { ...plan, located: true, expect: (lookup, signal) => expectChecked(name, places, lookup, signal) }
}

/** Of what is read for its checksums only, and so kept apart from the same file as a client gets it. */
export const CHECKSUMS_VARIANT = 'checksums'

/** Where the checksum of a file is, behind its name, and where those of a folder are. */
const SUM = '.sha256'
const SUMS = 'SHA256SUMS'

/** Whether checksums may be looked for at a path. */
export function hasChecksums(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return name === SUMS || (name.endsWith(SUM) && name !== SUM)
}

export function checksumsPlan(path: string, site: Site): Plan {
  return {
    ...common(encodePath(path), site, { variant: CHECKSUMS_VARIANT }),
    ...MUTABLE,
    document: checksumsParser,
    lifetime: CHECKSUMS_LIFETIME,
    negative: NO_CHECKSUMS,
    maxBytes: MAX_CHECKSUMS,
  }
}

export function releasePlan({ root, suite, file }: Omit<ReleaseFile, 'kind'>, site: Site): Plan {
  const keyPath = encodePath(`${releasesOf(root)}${file}/${suite}`)
  const plan: Plan = {
    ...common(encodePath(`${root}dists/${suite}/${file}`), site, { keyPath }),
    ...MUTABLE,
    lifetime: NO_LIFETIME,
  }
  return file === 'Release.gpg'
    ? { ...plan, maxBytes: MAX_SIGNATURE }
    : { ...plan, maxBytes: MAX_RELEASE, document: releaseParser }
}

/**
 * What the keys of an archive's release files begin with, and no others: their paths have an empty segment, which no path that is
 * asked for has. So the few of them are found among the many files of their suites.
 */
function releasesOf(root: string): string {
  return `${root}dists//`
}

/** Where the release file of a suite may be, best first. */
function releasePlans({ root, suite }: Suite, site: Site): Plan[] {
  return (['InRelease', 'Release'] as const).map((file) => releasePlan({ root, suite, file }, site))
}

export function byHashPlan({ root, suite, directory, digest }: Omit<ByHashFile, 'kind'>, site: Site): Plan {
  const folder = digest.algorithm === 'sha512' ? 'SHA512' : 'SHA256'
  const name = `${directory}/by-hash/${folder}/${digest.hex}`
  const plan: Plan = {
    ...common(encodePath(`${root}dists/${suite}/${name}`), site),
    ...IMMUTABLE,
    digests: [digest],
    guarded: true,
    located: true,
    expect: (lookup) => expectHashed(directory, digest, releasePlans({ root, suite }, site), lookup),
  }
  return mayListPackages(name) ? { ...plan, index: packagesParser } : plan
}

export function indexPlan({ root, suite, name }: Omit<IndexFile, 'kind'>, site: Site): Plan {
  const releases = releasePlans({ root, suite }, site)
  const plan: Plan = {
    ...common(encodePath(`${root}dists/${suite}/${name}`), site),
    ...MUTABLE,
    streamed: true,
    lifetime: NO_LIFETIME,
    located: true,
    expect: (lookup, signal) => expectListed(name, releases, lookup, signal),
  }
  return mayListPackages(name) ? { ...plan, index: packagesParser } : plan
}

export function poolPlan({ root, name }: Omit<PoolFile, 'kind'>, file: RawFile, site: Site): Plan {
  return {
    ...common(file.target, site),
    ...IMMUTABLE,
    located: true,
    expect: async (lookup) => expectPackage(name, await heldSuites(root, site, lookup), lookup),
  }
}

/** The suites of an archive whose release files are here. */
async function heldSuites(root: string, site: Site, lookup: Lookup): Promise<HeldSuite[]> {
  const prefix = prefixOf(encodePath(releasesOf(root)), site)
  const keys = (await lookup.held?.(prefix)) ?? []
  return keys.flatMap((key) => {
    const [, file, suite] = /^(InRelease|Release)\/([^\n]+)\n/.exec(key.slice(prefix.length)) ?? []
    return suite === undefined ? [] : [suiteOf({ root, suite: decodeURIComponent(suite) }, file as 'InRelease', site)]
  })
}

function suiteOf({ root, suite }: Suite, file: 'InRelease' | 'Release', site: Site): HeldSuite {
  return {
    release: releasePlan({ root, suite, file }, site),
    plansOf: ({ path, digests }) => {
      const directory = path.slice(0, Math.max(path.lastIndexOf('/'), 0))
      const hashed = digests.map((digest) => byHashPlan({ root, suite, directory, digest }, site))
      return [...hashed, indexPlan({ root, suite, name: path }, site)]
    },
  }
}

const MUTABLE = { kind: 'mutable', responseHeaders: MUTABLE_HEADERS } as const
const IMMUTABLE = { kind: 'immutable', responseHeaders: IMMUTABLE_HEADERS } as const

type Common = Pick<Plan, 'key' | 'ecosystem' | 'mirror' | 'url' | 'base' | 'headers'>

function common(target: string, site: Site, { keyPath = target, variant = '' } = {}): Common {
  return {
    ...placeOf(ECOSYSTEM, site, keyPath, variant),
    url: site.base + target,
    headers: { accept: '*/*', 'accept-encoding': 'identity' },
  }
}

const ECOSYSTEM = 'raw'

function prefixOf(keyPath: string, { base }: Site): string {
  return cacheKey({ ecosystem: ECOSYSTEM, base, path: keyPath }).trimEnd()
}
