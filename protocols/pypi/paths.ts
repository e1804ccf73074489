import { type Digest, isDigest } from '../../node/digest.ts'
import { PathGrammar } from '../path-grammar.ts'
import type { LegacyPath } from './legacy.ts'
import { canonical, isFileName, isProjectName, normaliseName } from './names.ts'

/** A file below the mount; `digest` is the one that is in its path, undefined where upstream's page promises none. */
export interface FilePath {
  /** Normalised. */
  readonly project: string
  readonly file: string
  readonly digest: Digest | undefined
}

/** What a path below the mount names. */
export type Resource =
  | { readonly kind: 'root' }
  /** `location` is where it has to be asked for instead, relative to where it was. */
  | { readonly kind: 'moved'; readonly location: string }
  | { readonly kind: 'page'; readonly project: string }
  | ({ readonly kind: 'file' | 'metadata' | 'signature' } & FilePath)
  | ({ readonly kind: 'legacy' } & LegacyPath)

const paths = new PathGrammar('a Python package index')

const COMPANIONS = { '.metadata': 'metadata', '.asc': 'signature' } as const
/** Characters of a name that cannot stand in a path, which are shown. */
const MAX_ODD = 200
const VERSION = /^[\w.!+-]{1,100}$/
const RIGHT = 'ask for «simple/project/», or for a file at the URL that such a page gives it'

/** Reads a path below the mount, escapes as the client sent them. Throws BAD_REQUEST for everything that an index does not have. */
export function parsePath(path: string): Resource {
  const decoded = paths.decode(path)
  const slashed = decoded.endsWith('/')
  const plain = slashed ? decoded.slice(0, -1) : decoded
  if (plain === '' && !slashed) return { kind: 'moved', location: 'simple/' }
  const [first, ...rest] = paths.checkSegments(path, plain).split('/')
  if (first === 'simple' && rest.length <= 1) return parseSimple(path, rest[0], slashed)
  const resource = slashed ? undefined : first === 'files' ? parseFile(rest) : first === 'pypi' ? parseLegacy(rest) : undefined
  if (!resource) throw paths.bad(path, RIGHT)
  return resource
}

/** PEP 503: names are normalised and end in a slash, and whoever asks otherwise is sent to where that is so. */
function parseSimple(path: string, name: string | undefined, slashed: boolean): Resource {
  if (name === undefined) return slashed ? { kind: 'root' } : { kind: 'moved', location: 'simple/' }
  if (!isProjectName(name)) throw paths.bad(path, 'a project is named with letters, digits, «.», «-» and «_»')
  const project = normaliseName(name)
  if (slashed && project === name) return { kind: 'page', project }
  return { kind: 'moved', location: `${slashed ? '../' : ''}${project}/` }
}

function parseFile([project = '', segment = '', name = '', ...more]: string[]): Resource | undefined {
  const [ending, kind] = Object.entries(COMPANIONS).find(([one]) => name.endsWith(one)) ?? ['', 'file' as const]
  const file = name.slice(0, name.length - ending.length)
  const digest = digestIn(segment)
  const known = digest !== null && isProjectName(project) && normaliseName(project) === project && isFileName(file)
  return known && more.length === 0 ? { kind, project, file, digest } : undefined
}

function parseLegacy([project = '', ...rest]: string[]): Resource | undefined {
  const [version, last] = rest.length === 2 ? rest : [undefined, rest[0]]
  if (rest.length > 2 || last !== 'json' || !isProjectName(project)) return undefined
  if (version !== undefined && (!VERSION.test(version) || /^\.+$/.test(version))) return undefined
  const known = version === undefined ? undefined : canonical(version)
  return { kind: 'legacy', project: normaliseName(project), version: known, path: ['pypi', project, ...rest].join('/') }
}

/** Whether it has metadata in it that can be read out of it. */
export function isWheel({ file }: Pick<FilePath, 'file'>): boolean {
  return file.endsWith('.whl')
}

/** Where a file is below the mount. */
export function filePath({ project, ...file }: FilePath): string {
  return filesOf(project) + placeOf(file)
}

/**
 * Where the files of a project are below the mount. A page does not say whose it is, or may lie about it: its files are those of
 * the project that it was asked for as, whose routes and rules then are for them as well.
 */
export function filesOf(project: string): string {
  return `files/${project}/`
}

/** Where a file is below those of its project. The digest goes along: whoever knows the path knows what the bytes must be. */
export function placeOf({ file, digest }: Omit<FilePath, 'project'>): string {
  return `${segmentOf(digest)}/${file}`
}

/**
 * Where a file is said to be whose name cannot stand in a path: at an error that says so. A relative URL would lead nowhere, and an
 * absolute one around the mirror.
 */
export function noPlaceOf(name: string): string {
  // The apostrophe would end an attribute of HTML.
  return `-/${encodeURIComponent(name.slice(0, MAX_ODD).toWellFormed()).replaceAll("'", '%27')}`
}

function segmentOf(digest: Digest | undefined): string {
  if (digest === undefined) return '-'
  return digest.algorithm === 'sha256' ? digest.hex : `${digest.algorithm}-${digest.hex}`
}

/** Null for what is no such segment. */
function digestIn(segment: string): Digest | undefined | null {
  if (segment === '-') return undefined
  const [, named = 'sha256', hex = ''] = /^(?:(md5|sha1|sha384|sha512)-)?([0-9a-f]+)$/.exec(segment) ?? []
  return isDigest(named, hex) ? { algorithm: named, hex } : null
}
