import { PathGrammar } from '../path-grammar.ts'
import { type Coordinates, isSnapshot, type Placed, place } from './layout.ts'

/** Algorithms of the files that stand beside others with their checksum, strongest first, named as the files end. */
export const CHECKSUMS = ['sha512', 'sha256', 'sha1', 'md5'] as const
export type ChecksumAlgorithm = (typeof CHECKSUMS)[number]

/** What a path of a repository names. `path` is canonical: decoded, relative to the base, without a slash at its end. */
export type Resource =
  /** A file that the layout gives a place. */
  | { readonly kind: 'file'; readonly path: string; readonly placed: Placed }
  | { readonly kind: 'metadata'; readonly path: string; readonly of: MetadataOf }
  | { readonly kind: 'checksum'; readonly path: string; readonly algorithm: ChecksumAlgorithm; readonly of: Checked }
  /** A list of what is there, as a page with links. */
  | { readonly kind: 'directory'; readonly path: string }
  /** Which groups a repository has (`.meta/prefixes.txt`). */
  | { readonly kind: 'prefixes'; readonly path: string }
  | { readonly kind: 'other'; readonly path: string }

export type Of<Kind extends Resource['kind']> = Extract<Resource, { kind: Kind }>

/** What has checksums beside it. */
export type Checked = Exclude<Resource, { kind: 'directory' | 'checksum' }>

/**
 * `versions` lists those of an artifact, or the plug-ins of a group: the path is the same for both. `builds` lists the files of a
 * snapshot.
 */
type MetadataOf = { readonly what: 'versions'; readonly directory: string } | ({ readonly what: 'builds' } & Coordinates)

/** Segments of a path: real ones have some ten. Each may begin a group or an artifact, and all that these could be is held against routes. */
const MAX_SEGMENTS = 48

const METADATA = 'maven-metadata.xml'
const PREFIXES = '.meta/prefixes.txt'
const CHECKSUM_ENDING = /\.(sha512|sha256|sha1|md5)$/
const SIGNATURE_ENDING = /\.(?:asc|sig|sigstore(?:\.json)?)$/
/** What may stand unescaped in a segment of a path (RFC 3986 section 3.3) and what `encodeURIComponent` escapes nevertheless. */
const NEEDLESS = /%(?:2B|40|24|26|2C|3D|3A)/g

// Versions may have spaces in them.
const paths = new PathGrammar('a Maven repository', /^[ -~]*$/)

/**
 * Reads a path below the mount, escapes as the client sent them. All spellings of a resource (`+` and `%2B`) give the same result.
 * Throws BAD_REQUEST for what can be no path of a repository. A `;` is none: some servers cut a segment there (RFC 3986 section 3.3), so
 * that the file of one package would come by the name of another.
 */
export function parsePath(path: string): Resource {
  const decoded = paths.decode(path)
  if (decoded.includes(';')) throw paths.bad(path, 'no «;» may stand in it')
  if (decoded === '') return { kind: 'directory', path: '' }
  if (decoded.split('/').length > MAX_SEGMENTS) throw paths.bad(path, `it has at most ${MAX_SEGMENTS} segments`)
  if (decoded.endsWith('/')) return { kind: 'directory', path: paths.checkSegments(path, decoded.slice(0, -1)) }
  return classify(paths.checkSegments(path, decoded))
}

function classify(path: string): Resource {
  const [, ending] = CHECKSUM_ENDING.exec(path) ?? []
  const algorithm = CHECKSUMS.find((one) => one === ending)
  if (algorithm === undefined) return classifyChecked(path)
  return { kind: 'checksum', path, algorithm, of: classifyChecked(path.slice(0, -algorithm.length - 1)) }
}

function classifyChecked(path: string): Checked {
  if (path === PREFIXES) return { kind: 'prefixes', path }
  const segments = path.split('/')
  if (segments.at(-1) === METADATA && segments.length > 1)
    return { kind: 'metadata', path, of: metadataOf(segments.slice(0, -1)) }
  const placed = place(segments)
  return placed ? { kind: 'file', path, placed } : { kind: 'other', path }
}

function metadataOf(directories: readonly string[]): MetadataOf {
  const [artifact, version] = directories.slice(-2)
  const group = directories.slice(0, -2).join('.')
  if (artifact === undefined || version === undefined || group === '' || !isSnapshot(version))
    return { what: 'versions', directory: directories.join('/') }
  return { what: 'builds', group, artifact, version }
}

/** The file that a checksum, a signature or the checksum of one is for; undefined for what is for itself. */
export function provenBy(resource: Resource): Resource | undefined {
  const { path } = resource.kind === 'checksum' ? resource.of : resource
  const signed = path.replace(SIGNATURE_ENDING, '')
  return signed === resource.path ? undefined : parsePath(upstreamPath({ kind: 'other', path: signed }))
}

/** Where an upstream has a resource, below its base URL: always the same spelling for the same resource. */
export function upstreamPath({ kind, path }: Pick<Resource, 'kind' | 'path'>): string {
  const escaped = path.split('/').map((segment) => encodeURIComponent(segment).replace(NEEDLESS, decodeURIComponent))
  return kind === 'directory' && path !== '' ? `${escaped.join('/')}/` : escaped.join('/')
}

/** Beside a snapshot's files: what lists them. */
export function metadataBeside(file: string): string {
  return `${file.slice(0, file.lastIndexOf('/') + 1)}${METADATA}`
}
