import type { Digest } from '../../node/digest.ts'
import { WarrenError } from '../../node/errors.ts'
import { PathGrammar, quoted } from '../path-grammar.ts'
import { isRepositoryName, isTag, parseImageDigest } from './names.ts'

/** What a path of the distribution API names, below `/v2/`. */
export type Resource =
  | { readonly kind: 'root' }
  | { readonly kind: 'tag'; readonly name: string; readonly tag: string }
  | { readonly kind: 'manifest' | 'blob'; readonly name: string; readonly digest: Digest }
  | { readonly kind: 'tags'; readonly name: string; readonly query: string }
  | { readonly kind: 'referrers'; readonly name: string; readonly digest: Digest; readonly query: string }

/** Characters of a query, as it comes and as upstream is asked: page tokens have some hundred. */
const MAX_QUERY = 4096

const paths = new PathGrammar('a registry')

/** Throws BAD_REQUEST for what is no path of the API, UPSTREAM_ABSENT for a tag that cannot exist. */
export function parsePath(path: string, query: string): Resource {
  if (path === '') return { kind: 'root' }
  const [reference = '', kind = '', ...reversed] = paths.decode(path).split('/').reverse()
  const name = reversed.reverse().join('/')
  if (path === '_catalog' || /\/blobs\/uploads(?:\/|$)/.test(path))
    throw new WarrenError('METHOD_NOT_ALLOWED', 'Warren answers pulls: it has no list of all repositories and takes no uploads')
  const known = kind === 'manifests' || kind === 'blobs' || kind === 'referrers' || (kind === 'tags' && reference === 'list')
  if (!known)
    throw paths.bad(path, 'ask for «<name>/manifests/…», «<name>/blobs/…», «<name>/tags/list» or «<name>/referrers/…»')
  if (!isRepositoryName(name))
    throw paths.bad(path, 'a name has small letters and digits, with ._- between them and / between its parts')
  if (kind === 'tags') return { kind: 'tags', name, query: canonicalQuery(path, query) }
  if (kind === 'manifests' && !reference.includes(':')) {
    // An answer rather than a mistake: clients try names that they make themselves.
    if (!isTag(reference)) throw new WarrenError('UPSTREAM_ABSENT', `«${quoted(reference)}» can be no tag`)
    return { kind: 'tag', name, tag: reference }
  }
  const digest = parseImageDigest(reference)
  if (!digest) {
    throw paths.bad(path, 'a digest is sha256: and 64, or sha512: and 128 small hexadecimal digits')
  }
  if (kind === 'referrers') return { kind, name, digest, query: canonicalQuery(path, query) }
  return { kind: kind === 'blobs' ? 'blob' : 'manifest', name, digest }
}

/** Whether no tags are wanted of a list: what registries make of that differs, and some take it for all. */
export function isEmptyList(resource: Resource): boolean {
  return resource.kind === 'tags' && new URLSearchParams(resource.query).get('n') === '0'
}

/**
 * What is passed on of a query, in one order. Registries have page tokens of their own (`next_page`), which come back to them
 * from their `Link`.
 */
function canonicalQuery(path: string, query: string): string {
  const tooLong = () => paths.bad(path, `a query has at most ${MAX_QUERY} characters`)
  if (query.length > MAX_QUERY) throw tooLong()
  const parameters = new URLSearchParams(query)
  parameters.delete('ns')
  const n = parameters.get('n')
  if (n !== null && !/^\d{1,9}$/.test(n))
    throw paths.bad(path, `n=${quoted(n)} is no number of tags; leave it out or give a whole number`)
  if (n !== null) parameters.set('n', String(Number(n)))
  parameters.sort()
  const canonical = parameters.size === 0 ? '' : `?${parameters}`
  if (canonical.length > MAX_QUERY) throw tooLong()
  return canonical
}
