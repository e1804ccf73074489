import { type Digest, formatDigest, parseDigest } from '../../digest.ts'
import { fromBase64url, toBase64url } from '../../trust/base64url.ts'

/** Where a seed is asked for artifacts and documents; behind it the cache key in base64url. */
export const ARTIFACT_PATH = '/artifacts/v1/'

/** Characters of a key that may be asked for: with the rest of a head it has to fit into MAX_HEAD_BYTES. */
const MAX_KEY = 4096

/** Request: sha256 (hex) of the bytes that the asker holds; a 304 says that there are no others. */
export const HELD = 'x-warren-held'
/** Request: the upstream validator of the bytes that a range is to go on with. */
export const IF_RANGE = 'x-warren-if-range'
/** Request: what is large is taken as a blob as well; a 303 says by which digest. */
export const AS_BLOB = 'x-warren-as-blob'
/** Request: the asker does not know of which digests it is, so that PROMISED is worth a moment. */
export const UNTOLD = 'x-warren-untold'
/** Answer: upstream's own entity tag, for whoever may have to ask upstream itself later. */
export const ETAG = 'x-warren-etag'
/** Answer: of which digests an artifact has one, as the seed itself will see or has seen; `none` where nothing promises it any. */
export const PROMISED = 'x-warren-promised'

/** Answer to AS_BLOB: how many bytes the blob has. */
export const BYTES = 'x-warren-bytes'

const NONE = 'none'
/** Digests that a seed tells of: what a document promises in several algorithms, or several times over. */
const MAX_PROMISED = 8

/** Undefined for what cannot be told in a head, as if it were not known. */
export function encodePromised(digests: readonly Digest[]): string | undefined {
  if (digests.length > MAX_PROMISED) return undefined
  return digests.map(formatDigest).join(',') || NONE
}

/** Undefined where the seed does not say, or nothing that makes sense. */
export function decodePromised(text: string | undefined): readonly Digest[] | undefined {
  if (text === undefined || text === NONE) return text && []
  const digests = text.split(',', MAX_PROMISED + 1).map(parseDigest)
  const known = digests.filter((digest) => digest !== undefined)
  return known.length === digests.length && known.length <= MAX_PROMISED ? known : undefined
}

/** Undefined for a key that is too long to be asked for. */
export function artifactPath(key: string): string | undefined {
  return key.length > MAX_KEY ? undefined : ARTIFACT_PATH + toBase64url(key)
}

/** The key in a path; undefined where there is none, or not in its one spelling. */
export function keyInPath(path: string): string | undefined {
  if (!path.startsWith(ARTIFACT_PATH)) return undefined
  const bytes = fromBase64url(path.slice(ARTIFACT_PATH.length))
  const key = bytes?.toString() ?? ''
  return key !== '' && key.length <= MAX_KEY && Buffer.from(key).equals(bytes ?? Buffer.alloc(0)) ? key : undefined
}
