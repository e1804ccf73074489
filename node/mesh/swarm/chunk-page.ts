import { WarrenError } from '../../errors.ts'
import { HASH_BYTES, LARGE_BYTES, LISTED_BYTES, PAGE_HASHES } from './constants.ts'

/** Where chunk lists are asked for; behind it `<algorithm>:<hex>?from=<first chunk>`, and `&wait` to wait for further hashes. */
export const CHUNKS_PATH = '/chunks/v1/'

/** Bytes of a page on the wire. */
export const PAGE_BYTES = PAGE_HASHES * HASH_BYTES

const SIZE = 'x-warren-size'
const SURE = 'x-warren-sure'

/** Hashes of a blob's chunks from one of them on. */
export interface ChunkPage {
  /** Bytes of the whole blob. */
  readonly size: number
  /** Whether the blob as a whole was seen to have its digest; before that, the hashes are those of what upstream has sent so far. */
  readonly sure: boolean
  /** 32 bytes for each chunk; none when there are no further ones yet. */
  readonly hashes: Buffer
}

export function pageHeaders({ size, sure }: ChunkPage): Record<string, string> {
  return { 'content-type': 'application/octet-stream', [SIZE]: String(size), [SURE]: sure ? 'yes' : 'no' }
}

/** Reads a seed's answer of status 200. Throws UPSTREAM_FAILED for what is no page. */
export function readPage(headers: Readonly<Record<string, string>>, hashes: Buffer): ChunkPage {
  const size = /^\d{1,13}$/.test(headers[SIZE] ?? '') ? Number(headers[SIZE]) : 0
  if (size <= LARGE_BYTES || size > LISTED_BYTES || hashes.length % HASH_BYTES !== 0) {
    throw new WarrenError('UPSTREAM_FAILED', 'that is no chunk list')
  }
  return { size, sure: headers[SURE] === 'yes', hashes }
}
