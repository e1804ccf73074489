import type { Digest } from '../../node/digest.ts'
import { WarrenError } from '../../node/errors.ts'
import { isRepositoryName, isTag, parseImageDigest } from './names.ts'

/** What a path of the distribution API names, below `/v2/`. */
export type Resource =
  | { readonly kind: 'root' }
  | { readonly kind: 'tag'; readonly name: string; readonly tag: string }
  | { readonly kind: 'manifest' | 'blob'; readonly name: string; readonly digest: Digest }
  | { readonly kind: 'tags'; readonly name: string; readonly query: string }
  | { readonly kind: 'referrers'; readonly name: string; readonly digest: Digest; readonly query: string }

/** Characters of a path, and of a query: a name, a digest, and escapes. */
const MAX_PATH = 1024
const MAX_QUERY = 2048
/** Characters of it that an error repeats. */
const MAX_QUOTED = 120

/** Throws BAD_REQUEST for what is no path of the API, UPSTREAM_ABSENT for a tag that cannot exist. */
export function parsePath(path: string, query: string): Resource {
  if (path === '') return { kind: 'root' }
  const [reference = '', kind = '', ...reversed] = decodePath(path).split('/').reverse()
  const name = reversed.reverse().join('/')
  if (path === '_catalog' || /\/blobs\/uploads(?:\/|$)/.test(path))
    throw new WarrenError('METHOD_NOT_ALLOWED', 'Warren answers pulls: it has no list of all repositories and takes no uploads')
  const known = kind === 'manifests' || kind === 'blobs' || kind === 'referrers' || (kind === 'tags' && reference === 'list')
  if (!known) throw bad(path, 'ask for «<name>/manifests/…», «<name>/blobs/…», «<name>/tags/list» or «<name>/referrers/…»')
  if (!isRepositoryName(name))
    throw bad(path, 'a name has small letters and digits, with ._- between them and / between its parts')
  if (kind === 'tags') return { kind: 'tags', name, query: canonicalQuery(path, query) }
  if (kind === 'manifests' && !reference.includes(':')) {
    // An answer rather than a mistake: clients try names that they make themselves.
    if (!isTag(reference)) throw new WarrenError('UPSTREAM_ABSENT', `«${quoted(reference)}» can be no tag`)
    return { kind: 'tag', name, tag: reference }
  }
  const digest = parseImageDigest(reference)
  if (!digest) {
    throw bad(path, 'a digest is sha256: and 64, or sha512: and 128 small hexadecimal digits')
  }
  if (kind === 'referrers') return { kind, name, digest, query: canonicalQuery(path, query) }
  return { kind: kind === 'blobs' ? 'blob' : 'manifest', name, digest }
}

/** Decoded once: a `%` that is left is a second layer, which another server on the way might take off. */
function decodePath(path: string): string {
  if (path.length > MAX_PATH) throw bad(path, `a path has at most ${MAX_PATH} characters`)
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch (cause) {
    throw bad(path, 'its percent-escapes are no UTF-8', cause)
  }
  if (/^[!-~]*$/.test(decoded) && !/[\\%?#]/.test(decoded)) return decoded
  throw bad(path, 'only printable ASCII without «\\», «%», «?» and «#» may stand in it, escaped once')
}

/**
 * What is passed on of a query, in one order. Registries have page tokens of their own (`next_page`), which come back to them
 * from their `Link`.
 */
function canonicalQuery(path: string, query: string): string {
  if (query.length > MAX_QUERY) throw bad(path, `a query has at most ${MAX_QUERY} characters`)
  const parameters = new URLSearchParams(query)
  parameters.delete('ns')
  const n = parameters.get('n')
  if (n !== null && !/^\d{1,9}$/.test(n))
    throw bad(path, `n=${quoted(n)} is no number of tags; leave it out or give a whole number`)
  if (n !== null) parameters.set('n', String(Number(n)))
  parameters.sort()
  return parameters.size === 0 ? '' : `?${parameters}`
}

function bad(path: string, right: string, cause?: unknown): WarrenError {
  return new WarrenError('BAD_REQUEST', `«${quoted(path)}» is no path of a registry: ${right}`, { cause })
}

function quoted(text: string): string {
  const shown = text.replace(/[^ -~]/g, '?')
  return shown.length > MAX_QUOTED ? `${shown.slice(0, MAX_QUOTED)}…` : shown
}
