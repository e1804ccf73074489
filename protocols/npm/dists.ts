import type { ParsedDocument } from '../../node/cache/plan.ts'
import { type Found, shape, textOf } from '../json/scan.ts'
import type { PackageFacts } from './facts.ts'
import { strongestPromise } from './integrity.ts'
import { isFileVersion, tarballPath } from './names.ts'

const VALUE = shape()

/** The part of a version's manifest that is about its tarball. */
export const VERSION_SHAPE = shape({ dist: shape({ tarball: VALUE, integrity: VALUE, shasum: VALUE }) })

/** Characters of a tarball's URL that are remembered; a longer one is treated as if it were not there. */
const MAX_URL = 2048
/**
 * Characters that all versions together may take, in facts and in paths. The main thread gets them as one JSON text, and what an
 * upstream made up must not stop it for long. The largest documents seen have half a million.
 */
const MAX_FACTS = 16 << 20

/**
 * Reads what the manifests of a package say about their tarballs. Every tarball URL becomes a span that leads to the conventional
 * path below the caller's mirror; where the tarball really is goes into the facts. A version that cannot stand in a path is left
 * alone: it is no version that a client could choose. One without a `dist` has said nothing, not that there is no digest.
 */
export function readDists(bytes: Buffer, name: string, manifests: Iterable<[string, Found]>): ParsedDocument<PackageFacts> {
  const spans: [number, number, string][] = []
  const bases = new Map<string, number>()
  let dists = '\n'
  let size = 0
  for (const [version, manifest] of manifests) {
    const dist = manifest.members.get('dist')
    if (dist?.type !== 'object' || !isFileVersion(version)) continue
    const path = tarballPath(name, version)
    const tarball = dist.members.get('tarball')
    const url = textOf(bytes, tarball)
    if (tarball && url !== undefined) spans.push([tarball.start, tarball.end, path])
    const promise = strongestPromise(textOf(bytes, dist.members.get('integrity')), textOf(bytes, dist.members.get('shasum')))
    const known = bases.size
    const line = `${version}\t${promise}\t${url === undefined ? '' : placeOf(url, path, bases)}\n`
    dists += line
    size += line.length + path.length + (bases.size > known && url !== undefined ? url.length : 0)
    if (size > MAX_FACTS) throw new Error(`its versions say more than ${MAX_FACTS} characters of their tarballs`)
  }
  // A repeated member moves a version's value, but not its place in the map.
  spans.sort((a, b) => a[0] - b[0])
  return { spans, facts: { name, bases: [...bases.keys()], dists } }
}

function placeOf(url: string, path: string, bases: Map<string, number>): string {
  if (url.length > MAX_URL) return ''
  if (!url.endsWith(`/${path}`)) return canonicalUrl(url) ?? ''
  const prefix = url.slice(0, -path.length)
  const known = bases.get(prefix)
  if (known !== undefined) return String(known)
  // Joined with a path again, only a canonical prefix gives a canonical URL.
  if (canonicalUrl(prefix) !== prefix) return canonicalUrl(url) ?? ''
  bases.set(prefix, bases.size)
  return String(bases.size - 1)
}

/** The WHATWG serialisation of a web address; undefined for what no artifact is fetched from. */
function canonicalUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return undefined
  url.hash = ''
  return url.href
}
