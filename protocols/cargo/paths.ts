import { PathGrammar } from '../path-grammar.ts'
import { indexPath, isCrateName, isVersion } from './names.ts'

/** What a path of a registry names. */
export type Resource =
  | { readonly kind: 'config' }
  /** `name` in lower case. */
  | { readonly kind: 'index'; readonly name: string }
  /** `sha256` of the archive, as hex, where the path has it. */
  | { readonly kind: 'crate'; readonly name: string; readonly version: string; readonly sha256?: string }
  /** What git asks first of a repository: the index was one before it was sparse. */
  | { readonly kind: 'git' }

const paths = new PathGrammar('a crate registry')

const CONFIG = 'config.json'
const CRATES = 'crates/'
const WAYS = '«config.json», an index file such as «se/rd/serde», or «crates/serde/1.0.0/<sha256>.crate»'

/** What takes the place of `dl` in `config.json`, below the mirror's base. With the digest in it an archive is told from another one of the same version. */
export const DOWNLOADS = `${CRATES}{crate}/{version}/{sha256-checksum}.crate`

/** Reads a path below the mount, escapes as the client sent them. Throws BAD_REQUEST for everything that is no path of a registry. */
export function parsePath(path: string): Resource {
  if (path === '') throw paths.bad(path, `set the registry to «sparse+» and this address; asked for are ${WAYS}`)
  const decoded = paths.checkSegments(path, paths.decode(path))
  if (decoded === CONFIG) return { kind: 'config' }
  if (decoded === 'info/refs' || decoded === 'git-upload-pack') return { kind: 'git' }
  if (decoded.startsWith('api/'))
    throw paths.bad(path, 'the API of the registry is not here but where its own config.json says')
  return decoded.startsWith(CRATES) ? parseCrate(path, decoded) : parseIndex(path, decoded)
}

function parseCrate(path: string, decoded: string): Resource {
  const [, name = '', version = '', file = '', more] = decoded.split('/')
  if (!isCrateName(name) || !isVersion(version) || more !== undefined) {
    throw paths.bad(path, 'an archive is at «crates/<name>/<version>/<sha256>.crate» or «crates/<name>/<version>/download»')
  }
  if (file === 'download') return { kind: 'crate', name, version }
  const [, sha256] = /^([0-9a-f]{64})\.crate$/i.exec(file) ?? []
  if (sha256 === undefined)
    throw paths.bad(path, 'the file is called by the sha256 of the archive in hex, with «.crate» behind it')
  return { kind: 'crate', name, version, sha256: sha256.toLowerCase() }
}

function parseIndex(path: string, decoded: string): Resource {
  const name = decoded.slice(decoded.lastIndexOf('/') + 1)
  if (!isCrateName(name)) throw paths.bad(path, `ask for ${WAYS}`)
  const right = indexPath(name)
  if (decoded !== right) throw paths.bad(path, `the index file of that crate is «${right}»`)
  return { kind: 'index', name }
}

/** Where an upstream has a resource, below its base URL: always the same spelling for the same resource. */
export function upstreamPath(resource: Exclude<Resource, { kind: 'git' }>): string {
  switch (resource.kind) {
    case 'config':
      return CONFIG
    case 'index':
      return indexPath(resource.name)
    case 'crate': {
      const { name, version, sha256 } = resource
      return `${CRATES}${name}/${version}/${sha256 === undefined ? 'download' : `${sha256}.crate`}`
    }
  }
}
