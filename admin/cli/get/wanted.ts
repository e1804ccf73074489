import { PURL } from 'purl'
import type { Digest } from '../../../node/digest.ts'

/** A package that somebody named, or that a lockfile names. */
export type Wanted = NpmWanted | PypiWanted | MavenWanted | GoWanted | CargoWanted

interface Named {
  /** As a package URL, for people. */
  readonly text: string
  /** Where it is from, as its package URL or lockfile writes that; undefined: the registry that its clients ask by default. */
  readonly repository?: string
}

export interface NpmWanted extends Named {
  readonly type: 'npm'
  readonly name: string
  /** Exact, or a tag; undefined: `latest`. */
  readonly version?: string
  /** Whether a lockfile names it. */
  readonly locked?: boolean
  /** Where a lockfile has the tarball; then its document is not asked for. */
  readonly tarball?: string
  readonly digests?: readonly Digest[]
  /** Which machines it is for, as package.json says it (`os`, `cpu`). */
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
}

export interface PypiWanted extends Named {
  readonly type: 'pypi'
  /** Normalised (PEP 503). */
  readonly name: string
  /** Undefined: the newest that is no pre-release. */
  readonly version?: string
  /** The only file that is wanted. */
  readonly file?: string
  /** A file must have one of these; none: whatever its page promises. */
  readonly digests?: readonly Digest[]
}

export interface MavenWanted extends Named {
  readonly type: 'maven'
  readonly group: string
  readonly artifact: string
  /** Undefined: the newest release. */
  readonly version?: string
  /** As `<type>` of a dependency; undefined: what its POM says. */
  readonly packaging?: string
  readonly classifier?: string
}

export interface GoWanted extends Named {
  readonly type: 'golang'
  readonly module: string
  /** Undefined: what the proxy calls the latest. */
  readonly version?: string
  /** Without it only the go.mod is wanted, as of modules that nothing is built from. */
  readonly zip: boolean
  /** Of the files in the zip, and of the go.mod: `h1:` and base64, as in go.sum. */
  readonly zipHash?: string
  readonly modHash?: string
}

export interface CargoWanted extends Named {
  readonly type: 'cargo'
  readonly name: string
  /** Undefined: the newest that is neither yanked nor a pre-release. */
  readonly version?: string
  /** Hex sha256 of the crate. */
  readonly checksum?: string
}

export type Type = Wanted['type']

/** The package URL of a package. What a lockfile calls one may be no name at all; then the words as they are. */
export function packageUrl(type: Type, name: string, version?: string): string {
  const at = name.lastIndexOf('/')
  const namespace = at < 0 ? null : name.slice(0, at)
  try {
    return String(new PURL({ type, namespace, name: name.slice(at + 1), version: version ?? null }))
  } catch {
    return `${name}${version === undefined ? '' : ` ${version}`}`
  }
}

/** The name of a project as pages and keys have it (PEP 503, «Normalized Names»). */
export function normalizedProject(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}
