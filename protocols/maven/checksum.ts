import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { DIGEST_BYTES, type Digest } from '../../node/digest.ts'
import type { ChecksumAlgorithm } from './paths.ts'

/** Digits that a checksum may lack at its beginning: some tools print it as a number, and Gradle pads what it reads. */
const MAX_LOST = 7

/** A byte order mark, as its three bytes, and the sign of sha1sum that there are escapes in the name of the file. */
const BEFORE_ALL = /^(?:\xEF\xBB\xBF)?\s*\\?/

/**
 * The digest in a checksum file, in whatever form tools write it: bare, `hash  file` (sha1sum), `SHA1(file)= hash` (openssl),
 * `file: AB12 CD34 …` (gpg --print-md), in capitals, with line ends of any kind, without its leading zeros. Undefined for all else.
 */
export function readChecksum(text: string, algorithm: ChecksumAlgorithm): Digest | undefined {
  const digits = DIGEST_BYTES[algorithm] * 2
  const plain = text.replace(BEFORE_ALL, '').toLowerCase()
  const [first = ''] = /^\S*/.exec(plain) ?? []
  // What follows is the name of the file, which may be `C:\lib.jar`.
  if (first.length === digits && isHex(first)) return { algorithm, hex: first }
  // What stands before the last «=» or «:» is the name of the file, which may have digits of its own.
  const value = plain.slice(Math.max(plain.lastIndexOf('='), plain.lastIndexOf(':')) + 1).trim()
  const tokens = value.split(/\s+/)
  const whole = tokens.find((token) => token.length === digits && isHex(token))
  const joined = tokens.join('')
  const hex =
    whole ?? [joined, tokens[0] ?? ''].find((one) => isHex(one) && one.length <= digits && one.length >= digits - MAX_LOST)
  return hex === undefined ? undefined : { algorithm, hex: hex.padStart(digits, '0') }
}

function isHex(text: string): boolean {
  return /^[0-9a-f]+$/.test(text)
}

function parseAs(algorithm: ChecksumAlgorithm, bytes: Buffer): ParsedDocument<Digest> {
  const facts = readChecksum(bytes.toString('latin1'), algorithm)
  if (facts) return { spans: [], facts }
  throw new Error(`it has no ${algorithm} in it, which are ${DIGEST_BYTES[algorithm] * 2} hexadecimal digits`)
}

// One export for each, since a parser is named by its module and its export.
export const parseSha512 = (bytes: Buffer) => parseAs('sha512', bytes)
export const parseSha256 = (bytes: Buffer) => parseAs('sha256', bytes)
export const parseSha1 = (bytes: Buffer) => parseAs('sha1', bytes)
export const parseMd5 = (bytes: Buffer) => parseAs('md5', bytes)

export const checksumParsers: Readonly<Record<ChecksumAlgorithm, DocumentParser<Digest>>> = {
  sha512: parser('sha512', 'parseSha512', parseSha512),
  sha256: parser('sha256', 'parseSha256', parseSha256),
  sha1: parser('sha1', 'parseSha1', parseSha1),
  md5: parser('md5', 'parseMd5', parseMd5),
}

function parser(
  algorithm: ChecksumAlgorithm,
  exportName: string,
  parse: DocumentParser<Digest>['parse'],
): DocumentParser<Digest> {
  return { id: `maven-${algorithm}-2`, module: import.meta.url, exportName, parse }
}
