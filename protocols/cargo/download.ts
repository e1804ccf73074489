import { prefixOf } from './names.ts'

/** An archive, as far as a download URL tells it. */
interface Archive {
  readonly name: string
  readonly version: string
  /** Hex. */
  readonly sha256: string
}

const MARKER = /\{(crate|version|prefix|lowerprefix|sha256-checksum)\}/g

/**
 * Where `dl` of a config.json says that an archive is (The Cargo Book, «Index Configuration»): markers are filled in, and without
 * any of them the usual path is appended, as cargo itself does both. Throws a plain Error if what comes out is no URL of a web server.
 */
export function downloadUrl(dl: string, { name, version, sha256 }: Archive): string {
  const template = dl.search(MARKER) < 0 ? `${dl}/{crate}/{version}/download` : dl
  const prefix = prefixOf(name)
  const values: Readonly<Record<string, string>> = {
    crate: name,
    version,
    prefix,
    lowerprefix: prefix.toLowerCase(),
    'sha256-checksum': sha256,
  }
  const text = template.replace(MARKER, (marker, what: string) => values[what] ?? marker)
  const url = URL.parse(text)
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url.href
  throw new Error(`«dl» has to lead to http or https, and is «${dl.slice(0, 200)}»`)
}
