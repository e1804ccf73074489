import { type Algorithm, DIGEST_BYTES, type Digest } from '../../node/digest.ts'

/** Strongest first. md5 is no part of SRI, but where it is all there is, it still finds a damaged download. */
const ALGORITHMS: readonly Algorithm[] = ['sha512', 'sha384', 'sha256', 'sha1', 'md5']
/** Characters of an `integrity` that are read: some forty sha512 values. */
const MAX_INTEGRITY = 4096

/** What nearly every version has; it is its own canonical form, and a document may hold thousands. */
const USUAL = /^sha512-[A-Za-z0-9+/]{86}==$/

/** What a document promises about a tarball in a form that cannot be read: it must not be taken for no promise. */
export const UNREADABLE = '?'

/**
 * The strongest of what a `dist` promises, as canonical SRI metadata (W3C SRI section 3.3: a set of values of one algorithm
 * of which any may match). `shasum` counts where the integrity has nothing as strong. Empty: nothing was promised.
 */
export function strongestPromise(integrity: string | undefined, shasum: string | undefined): string {
  if (integrity !== undefined && USUAL.test(integrity)) return integrity
  const digests = parseIntegrity(integrity ?? '')
  const sha1 = shasum?.trim().toLowerCase() ?? ''
  if (/^[0-9a-f]{40}$/.test(sha1) && digests.every((digest) => digest.algorithm === 'md5')) {
    digests.push({ algorithm: 'sha1', hex: sha1 })
  }
  const strongest = ALGORITHMS.find((algorithm) => digests.some((digest) => digest.algorithm === algorithm))
  if (strongest === undefined) return integrity?.trim() || sha1 ? UNREADABLE : ''
  const values = digests.filter((digest) => digest.algorithm === strongest).map((digest) => Buffer.from(digest.hex, 'hex'))
  return [...new Set(values.map((value) => `${strongest}-${value.toString('base64')}`))].join(' ')
}

/** Every digest of SRI metadata that can be read; the others are passed over, as SRI section 3.3.3 says. */
export function parseIntegrity(text: string): Digest[] {
  if (USUAL.test(text))
    return [{ algorithm: 'sha512', hex: Buffer.from(text.slice('sha512-'.length), 'base64').toString('hex') }]
  const digests: Digest[] = []
  for (const token of text.slice(0, MAX_INTEGRITY).split(/[\t\n\f\r ]+/)) {
    const [, name = '', base64 = ''] = /^([a-z0-9]+)-([A-Za-z0-9+/]+={0,2})(?:\?.*)?$/.exec(token) ?? []
    const algorithm = ALGORITHMS.find((known) => known === name)
    if (!algorithm) continue
    const value = Buffer.from(base64, 'base64')
    if (value.length === DIGEST_BYTES[algorithm]) digests.push({ algorithm, hex: value.toString('hex') })
  }
  return digests
}
