import { type Digest, type Digests, isDigest, type Sha256 } from '../digest.ts'
import type { NameRecord } from './store.ts'

/** What the index knows of one stored file. */
export interface BlobEntry {
  readonly size: number
  readonly digests: Digests
  /** No public record ever named it. */
  readonly private?: true
}

export interface Usage {
  blobs: number
  bytes: number
  records: number
}

export const VERSION_KEY = 'm!version'
export const USAGE_KEY = 'm!usage'
export const RECORD_PREFIX = 'r!'
export const BLOB_PREFIX = 'b!'

export const blobKey = (sha256: Sha256) => `${BLOB_PREFIX}${sha256}`
export const aliasKey = (digest: Digest) => `a!${digest.algorithm}:${digest.hex}`
export const recordKey = (key: string) => `${RECORD_PREFIX}${key}`
/** Which records name a blob: read when a record changes, so that superseded documents do not pile up. */
export const useKey = (sha256: Sha256, key: string) => `x!${sha256}!${key}`
export const parsedKey = (parser: string, sha256: Sha256) => `d!${sha256}!${parser}`

/** All keys that begin with `prefix`. */
export function range(prefix: string): { gte: string; lt: string } {
  return { gte: prefix, lt: `${prefix}\u{10ffff}` }
}

/** In which hour since the epoch a blob was used last. */
export const lastUseKey = (sha256: Sha256) => `u!${sha256}`
/** How far the scrub has come. */
export const PROGRESS_KEY = 'm!scrub'

export const usesOf = (sha256: Sha256) => range(useKey(sha256, ''))
export const parsedOf = (sha256: Sha256) => range(parsedKey('', sha256))

export function* aliases(entry: BlobEntry): Iterable<Digest> {
  for (const [algorithm, hex] of Object.entries(entry.digests)) {
    if (algorithm !== 'sha256' && isDigest(algorithm, hex)) yield { algorithm, hex }
  }
}

// What does not have the shape below was not written by this code (or by a later version of it): it counts as absent, and the
// artifact is fetched again. The check also keeps a value of somebody's making from becoming a path.

export function decodeBlob(sha256: Sha256, text: string | undefined): BlobEntry | undefined {
  const entry = parse(text) as Partial<BlobEntry> | undefined
  if (!entry || !isCount(entry.size) || !isObject(entry.digests) || entry.digests.sha256 !== sha256) return undefined
  const isKnown = entry.private === undefined || entry.private === true
  return isKnown && isDigest('sha256', sha256) ? (entry as BlobEntry) : undefined
}

export function decodeRecord(text: string | undefined): NameRecord | undefined {
  const record = parse(text) as Partial<NameRecord> | undefined
  if (record?.v !== 1 || typeof record.blob !== 'string' || !isDigest('sha256', record.blob)) return undefined
  const right =
    isCount(record.size) &&
    isObject(record.headers) &&
    Object.values(record.headers).every(isString) &&
    [record.etag, record.lastModified].every((value) => value === undefined || isString(value)) &&
    Number.isFinite(record.fetchedAt) &&
    Number.isFinite(record.checkedAt) &&
    (record.freshFor === null || Number.isFinite(record.freshFor)) &&
    Array.isArray(record.verified) &&
    record.verified.every(isString) &&
    [record.link, record.private].every((flag) => flag === undefined || flag === true) &&
    (record.generation === undefined || isCount(record.generation))
  return right ? (record as NameRecord) : undefined
}

export function decodeAlias(text: string | undefined): Sha256 | undefined {
  return text !== undefined && isDigest('sha256', text) ? text : undefined
}

export function decodeUsage(text: string | undefined): Usage | undefined {
  const usage = parse(text) as Partial<Usage> | undefined
  if (!usage || ![usage.blobs, usage.bytes, usage.records].every(isCount)) return undefined
  return { blobs: Number(usage.blobs), bytes: Number(usage.bytes), records: Number(usage.records) }
}

function parse(text: string | undefined): object | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
