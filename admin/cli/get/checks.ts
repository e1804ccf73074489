import { createHash } from 'node:crypto'
import { DIGEST_BYTES, type Digest, formatDigest, isDigest, isOfBytes } from '../../../node/digest.ts'
import { hash1 } from '../../../node/zip/digest.ts'

/** Looks at the bytes of one answer while they come. */
export interface Check {
  /** What it is checked by, such as `sha512`. */
  readonly by: string
  update(part: Buffer): void
  /** What is wrong, when all has come; undefined: nothing. */
  verdict(): Promise<string | undefined>
  /** Gives back what it took, whatever became of the answer. */
  close?(): void
}

/** What an answer must be; each is looked at anew. */
export interface MakeCheck {
  /** Tells it from what another lockfile may want of the same file. */
  readonly id: string
  begin(): Check
}

/** Any one of the digests of the strongest algorithm must match (W3C SRI section 3.3.4). Undefined where nothing is promised. */
export function byDigests(digests: readonly Digest[] | undefined): MakeCheck | undefined {
  const strongest = strongestOf(digests ?? [])
  const [first] = strongest
  if (!first) return undefined
  const { algorithm } = first
  const wanted = strongest.map(formatDigest).join(' or ')
  const begin = (): Check => {
    const hash = createHash(algorithm)
    return {
      by: algorithm,
      update: (part) => hash.update(part),
      verdict: async () => {
        const hex = hash.digest('hex')
        if (strongest.some((digest) => digest.hex === hex)) return undefined
        return `its digest is ${formatDigest({ algorithm, hex })} instead of ${wanted}`
      },
    }
  }
  return { id: wanted, begin }
}

/** The hash of a go.mod in go.sum: «Hash1» of Go's dirhash package over one file of that name. */
export function byGoMod(h1: string): MakeCheck {
  const begin = (): Check => {
    const hash = createHash('sha256')
    return {
      by: 'h1',
      update: (part) => hash.update(part),
      verdict: async () => sumMismatch(h1, hash1(new Map([['go.mod', hash.digest('hex')]]))),
    }
  }
  return { id: h1, begin }
}

/** What is wrong where a hash, as hex, is another one than go.sum has. */
export function sumMismatch(wanted: string, hex: string): string | undefined {
  const sum = `h1:${Buffer.from(hex, 'hex').toString('base64')}`
  return sum === wanted ? undefined : `its hash is ${sum} instead of ${wanted}`
}

/** Those of the strongest algorithm. */
function strongestOf(digests: readonly Digest[]): readonly Digest[] {
  const known = digests.filter(({ algorithm }) => isOfBytes(algorithm))
  const strength = Math.max(...known.map(({ algorithm }) => DIGEST_BYTES[algorithm]))
  return known.filter(({ algorithm }) => DIGEST_BYTES[algorithm] === strength)
}

/** Digests of `integrity` (W3C SRI section 3.5, and npm's sha1 and md5); what cannot be read is passed over, as SRI says. */
export function parseIntegrity(text: string): Digest[] {
  return text.split(/\s+/).flatMap((token) => {
    const [, algorithm = '', base64 = ''] =
      /^(md5|sha1|sha256|sha384|sha512)-([A-Za-z0-9+/]+={0,2})(?:\?.*)?$/.exec(token) ?? []
    return digestOf(algorithm, Buffer.from(base64, 'base64').toString('hex'))
  })
}

/** None where it cannot be read. */
export function digestOf(algorithm: string, hex: string): Digest[] {
  const value = hex.toLowerCase()
  return isDigest(algorithm, value) ? [{ algorithm, hex: value }] : []
}
