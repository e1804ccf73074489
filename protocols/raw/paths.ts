import { WarrenError } from '../../node/errors.ts'
import { PathGrammar } from '../path-grammar.ts'

/** Characters of a query, the question mark included: signed URLs have some 1 500. */
const MAX_QUERY = 2048

/** Names of files may be in any language. */
const paths = new PathGrammar('a file server', /^[^\p{Cc}\p{Cs}]*$/u)

/** A file below the base of a mirror. */
export interface RawFile {
  /** Decoded, without a slash at its beginning. Empty for the base itself; a directory has a slash at its end. */
  readonly path: string
  /** The same in the one spelling that upstream is asked with, and the query behind it. */
  readonly target: string
}

/** Reads a path below the mount, and a query with its question mark. Throws BAD_REQUEST for what leads anywhere else. */
export function parsePath(path: string, query: string): RawFile {
  if (!/^[!-~]*$/.test(path)) throw paths.bad(path, 'what is no printable ASCII has to be escaped')
  const decoded = paths.decode(path)
  if (decoded !== '') paths.checkSegments(path, decoded.replace(/\/$/, ''))
  return { path: decoded, target: encodePath(decoded) + canonicalQuery(query) }
}

/** Where a query is part of the name, the path alone tells nothing. */
export function hasQuery({ path, target }: RawFile): boolean {
  return target !== encodePath(path)
}

/**
 * One spelling for each path. `+` is escaped, since storage behind a CDN may read it as a space; all else that may stand in a
 * segment (RFC 3986 section 3.3) stays as it is, for servers that tell `;` from `%3B`.
 */
export function encodePath(path: string): string {
  return encodeURIComponent(path).replace(/%(?:2F|24|26|2C|3A|3B|3D|40)/g, decodeURIComponent)
}

/** Whatever stands in a query may choose another file, so that all of it is part of the key; its order as well. */
function canonicalQuery(query: string): string {
  const isPlain = query.length <= MAX_QUERY && /^(?:\?[!-~]*)?$/.test(query) && !query.includes('#')
  // Escapes what a URL cannot have (WHATWG URL, «query percent-encode set»), and drops a question mark with nothing behind it.
  const canonical = isPlain ? new URL(`http://upstream.invalid/${query}`).search : undefined
  if (canonical !== undefined && canonical.length <= MAX_QUERY) return canonical
  throw new WarrenError('BAD_REQUEST', `a query has at most ${MAX_QUERY} characters, all of them printable ASCII without «#»`)
}
