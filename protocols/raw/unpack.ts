import { gunzipSync } from 'node:zlib'
import xz from 'xz-decompress'

/** Most bytes of an index file, unpacked: Debian's largest have 80 MB. */
const MAX_UNPACKED = 512 << 20
/** Index files shrink to a sixth. What grows by more than this is made to fill memory. */
const MAX_RATIO = 100
const SMALL = 4 << 20
const PIECE = 1 << 20

const XZ = Buffer.from('fd377a585a00', 'hex')
const GZIP = Buffer.from('1f8b', 'hex')
const BZIP2 = Buffer.from('BZh')
const LZ4 = Buffer.from('04224d18', 'hex')
const ZSTD = Buffer.from('28b52ffd', 'hex')
const LZMA = Buffer.from('5d0000', 'hex')

/**
 * An index file, unpacked, piece by piece: plain, gzip or xz, whatever its name says, since in `by-hash/` it has none. Rejects for
 * other packings, broken ones, and bombs.
 */
export async function* unpacked(bytes: Buffer): AsyncGenerator<Buffer, void> {
  const most = Math.min(MAX_UNPACKED, SMALL + bytes.length * MAX_RATIO)
  if (startsWith(bytes, XZ)) yield* unpackedXz(bytes, most)
  else if (startsWith(bytes, GZIP)) yield* pieces(gunzipSync(bytes, { maxOutputLength: most }))
  else if ([BZIP2, LZ4, ZSTD, LZMA].some((magic) => startsWith(bytes, magic)))
    throw new Error('it is neither plain, gzip nor xz')
  else yield* pieces(bytes)
}

async function* unpackedXz(bytes: Buffer, most: number): AsyncGenerator<Buffer, void> {
  const stream = new xz.XzReadableStream(new Blob([Uint8Array.from(bytes)]).stream())
  let length = 0
  for await (const piece of stream) {
    length += piece.length
    if (length > most) throw new Error(`it unpacks to more than ${most} bytes`)
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.length)
  }
}

function* pieces(bytes: Buffer): Generator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

function startsWith(bytes: Buffer, magic: Buffer): boolean {
  return bytes.subarray(0, magic.length).equals(magic)
}
