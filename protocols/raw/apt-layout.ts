import { type Digest, isDigest } from '../../node/digest.ts'

/**
 * What a path is by the layout of Debian's archives (wiki.debian.org «DebianRepository/Format»). `root` is the path of the archive
 * within the mirror: empty, or with a slash at its end.
 */
export type AptFile = ReleaseFile | ByHashFile | IndexFile | PoolFile

/** A list of all index files of a suite with their digests: what it lists is what there is. */
export interface ReleaseFile extends Suite {
  readonly kind: 'release'
  readonly file: 'InRelease' | 'Release' | 'Release.gpg'
}

/** An index file under its digest. */
export interface ByHashFile extends Suite {
  readonly kind: 'by-hash'
  /** Below the suite. */
  readonly directory: string
  readonly digest: Digest
}

/** Another file of a suite, mostly under a name that stays while its content changes. */
export interface IndexFile extends Suite {
  readonly kind: 'index'
  /** Path below the suite, as release files list it. */
  readonly name: string
}

/** A package or a part of a source package: its name has the version in it. */
export interface PoolFile {
  readonly kind: 'pool'
  readonly root: string
  /** Path below the root, as index files list it. */
  readonly name: string
}

export interface Suite {
  readonly root: string
  readonly suite: string
}

/** The directories that a path in `by-hash/` may have, by the algorithms that nobody finds another file for. */
const BY_HASH = { SHA256: 'sha256', SHA512: 'sha512' } as const

const DISTS = /^((?:.+?\/)?)dists\/(.+)$/
/** Security archives used to have suites such as `buster/updates`. */
const IN_SUITE = /^([^/]+(?:\/updates(?=\/))?)\/(.+)$/
const IN_RELEASE = /^(.+)\/InRelease$/
const HASHED = /^(.+)\/by-hash\/(SHA256|SHA512)\/([0-9a-f]+)$/
const POOL = /^((?:.+?\/)?)(pool\/.+)$/
/** `name_version_architecture.deb`, `name_version.dsc`, `name_version.orig.tar.xz` (Debian Policy 5.6.12, 3.1). */
const PACKAGE_FILE = /\/[a-z0-9][a-z0-9.+-]+_[^/]+\.(?:[ud]?deb|dsc|diff\.gz|tar\.[a-z0-9]+(?:\.asc)?)$/

/** Undefined for what has no place in that layout. */
export function aptFile(path: string): AptFile | undefined {
  const [, root = '', rest] = DISTS.exec(path) ?? []
  if (rest === undefined) return poolFile(path)
  // Some archives have their packages in there as well.
  if (/(?:^|\/)pool\//.test(rest) && PACKAGE_FILE.test(rest)) return { kind: 'pool', root, name: path.slice(root.length) }
  const [, anySuite] = IN_RELEASE.exec(rest) ?? []
  if (anySuite !== undefined) return { kind: 'release', root, suite: anySuite, file: 'InRelease' }
  const [, suite, name] = IN_SUITE.exec(rest) ?? []
  if (suite === undefined || name === undefined || name.endsWith('/')) return undefined
  if (name === 'Release' || name === 'Release.gpg') return { kind: 'release', root, suite, file: name }
  const [, directory, algorithm, hex = ''] = HASHED.exec(name) ?? []
  const digest = algorithm && { algorithm: BY_HASH[algorithm as keyof typeof BY_HASH], hex }
  if (directory !== undefined && digest && isDigest(digest.algorithm, hex))
    return { kind: 'by-hash', root, suite, directory, digest }
  return { kind: 'index', root, suite, name }
}

function poolFile(path: string): PoolFile | undefined {
  const [, root = '', name] = POOL.exec(path) ?? []
  return name !== undefined && PACKAGE_FILE.test(name) ? { kind: 'pool', root, name } : undefined
}

/** Whether a file below a suite lists packages, or in `by-hash/` may do so. */
export function mayListPackages(name: string): boolean {
  return (
    /(?:^|\/)(?:binary-[a-z0-9-]+|source)\//.test(name) &&
    /\/(?:(?:Packages|Sources)(?:\.[a-z0-9]+)?|[0-9a-f]{64,})$/.test(name)
  )
}

/** Tells of the index files of a suite whether they may list a pool file: of its architecture, or of any where it is for all. */
export function mayList(file: string): (index: string) => boolean {
  const [, architecture] = /_([a-z0-9-]+)\.[ud]?deb$/.exec(file) ?? []
  if (architecture === undefined) return (index) => /(?:^|\/)source\/Sources(?:\.[a-z0-9]+)?$/.test(index)
  return (index) => {
    const [, of] = /(?:^|\/)binary-([a-z0-9-]+)\/Packages(?:\.[a-z0-9]+)?$/.exec(index) ?? []
    return of !== undefined && (of === architecture || architecture === 'all')
  }
}
