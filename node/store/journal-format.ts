import { createHash } from 'node:crypto'
import type { Sha256 } from '../digest.ts'

/** A small blob, and the file that it is to become. */
export interface SmallFile {
  readonly sha256: Sha256
  readonly path: string
  readonly bytes: Buffer
}

/** Where the bytes of one file are in a group. */
export interface Extent {
  readonly offset: number
  readonly length: number
}

// An entry: 4 bytes of mark, 4 of length (little endian), 32 of sha256, then the bytes. The digest tells torn entries.
const MARK = Buffer.from('WJ01')
const LENGTH_AT = MARK.length
const DIGEST_AT = LENGTH_AT + 4
const HEAD_BYTES = DIGEST_AT + 32

/** Entries of several files in one piece of memory of their own. */
export function encodeGroup(files: readonly SmallFile[]): { readonly group: Buffer; readonly extents: Extent[] } {
  const group = Buffer.allocUnsafeSlow(files.reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes.length, 0))
  const extents: Extent[] = []
  let at = 0
  for (const { sha256, bytes } of files) {
    MARK.copy(group, at)
    group.writeUInt32LE(bytes.length, at + LENGTH_AT)
    group.write(sha256, at + DIGEST_AT, 'hex')
    extents.push({ offset: at + HEAD_BYTES, length: bytes.length })
    group.set(bytes, at + HEAD_BYTES)
    at += HEAD_BYTES + bytes.length
  }
  return { group, extents }
}

/** The entries of a segment up to the first that is torn: what comes behind that was never told to be durable. */
export function* decodeSegment(segment: Buffer): Iterable<{ readonly sha256: Sha256; readonly bytes: Buffer }> {
  for (let at = 0; at + HEAD_BYTES <= segment.length; ) {
    const length = segment.readUInt32LE(at + LENGTH_AT)
    const bytes = segment.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
    const sha256 = segment.toString('hex', at + DIGEST_AT, at + HEAD_BYTES)
    const isWhole = MARK.equals(segment.subarray(at, at + LENGTH_AT)) && bytes.length === length
    if (!isWhole || createHash('sha256').update(bytes).digest('hex') !== sha256) return
    yield { sha256, bytes }
    at += HEAD_BYTES + length
  }
}
