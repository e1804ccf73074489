import { type Digest, isDigest } from '../../node/digest.ts'

/** In which order a promise is taken: sha256 first, since it is what members know files by, then the strongest. */
const ALGORITHMS = ['sha256', 'sha512', 'sha384', 'sha1', 'md5']

/** The digest to go by among those that a page gives, by the names of Python's hashlib; undefined where none can be checked here. */
export function chooseDigest(hashes: ReadonlyMap<string, string>): Digest | undefined {
  for (const algorithm of ALGORITHMS) {
    const hex = hashes.get(algorithm)?.toLowerCase()
    if (hex !== undefined && isDigest(algorithm, hex)) return { algorithm, hex }
  }
  return undefined
}

/** What an attribute or a fragment of HTML says: `sha256=…` (PEP 503, PEP 658). */
export function parseHash(text: string): Digest | undefined {
  const [, algorithm = '', hex = ''] = /^([a-z0-9_]+)=([0-9A-Fa-f]+)$/.exec(text) ?? []
  return chooseDigest(new Map([[algorithm, hex]]))
}
