import { inflateRawSync } from 'node:zlib'
import type { Rendition } from '../protocol.ts'

/** Bytes of a METADATA file; the largest ones, which have a whole README in them, have a few hundred thousand. */
const MAX_METADATA = 8 << 20
const MAX_COMMENT = 0xffff

const LOCAL = { signature: 0x04034b50, bytes: 30 }
const ENTRY = { signature: 0x02014b50, bytes: 46 }
const END = { signature: 0x06054b50, bytes: 22 }
const STORED = 0
const DEFLATED = 8

const METADATA = /^[^/]+\.dist-info\/METADATA$/

/**
 * The metadata of a wheel: as upstream has them beside it, or out of the wheel where it has not (PEP 658 «The METADATA file»). Some
 * indexes hand on the promise of metadata without having any, and a promise that is not kept ends pip.
 */
export const metadataRendition: Rendition = {
  id: 'pypi-metadata-1',
  headers: { 'content-type': 'application/octet-stream' },
  render: ([bytes]) => {
    if (!bytes) throw new Error('there is nothing')
    return isWheel(bytes) ? readMetadata(bytes) : bytes
  },
}

/** Metadata are text, and so never begin like this. */
function isWheel(bytes: Buffer): boolean {
  return bytes.length > END.bytes && bytes.readUInt32LE(0) === LOCAL.signature
}

/** The METADATA file in a wheel (PEP 427 «File contents»; zip by APPNOTE 6.3.10). Throws a plain Error that says what is wrong. */
export function readMetadata(wheel: Buffer): Buffer {
  const end = findEnd(wheel)
  const count = wheel.readUInt16LE(end + 10)
  let at = wheel.readUInt32LE(end + 16)
  for (let i = 0; i < count; i++) {
    if (at + ENTRY.bytes > end || wheel.readUInt32LE(at) !== ENTRY.signature) throw new Error('its directory breaks off')
    const nameEnd = at + ENTRY.bytes + wheel.readUInt16LE(at + 28)
    const name = wheel.toString('latin1', at + ENTRY.bytes, nameEnd)
    if (METADATA.test(name)) return readEntry(wheel, at)
    at = nameEnd + wheel.readUInt16LE(at + 30) + wheel.readUInt16LE(at + 32)
  }
  throw new Error('no METADATA in a folder .dist-info')
}

function findEnd(wheel: Buffer): number {
  for (let at = wheel.length - END.bytes; at >= Math.max(0, wheel.length - END.bytes - MAX_COMMENT); at--) {
    if (wheel.readUInt32LE(at) === END.signature && at + END.bytes + wheel.readUInt16LE(at + 20) === wheel.length) return at
  }
  throw new Error('no zip archive: it has no end of a directory')
}

function readEntry(wheel: Buffer, entry: number): Buffer {
  const method = wheel.readUInt16LE(entry + 10)
  const packed = wheel.readUInt32LE(entry + 20)
  const size = wheel.readUInt32LE(entry + 24)
  const header = wheel.readUInt32LE(entry + 42)
  if (size > MAX_METADATA) throw new Error(`METADATA of ${size} bytes; at most ${MAX_METADATA} are read`)
  if (header + LOCAL.bytes > wheel.length || wheel.readUInt32LE(header) !== LOCAL.signature) {
    throw new Error('its directory names a place where nothing begins')
  }
  const start = header + LOCAL.bytes + wheel.readUInt16LE(header + 26) + wheel.readUInt16LE(header + 28)
  const data = wheel.subarray(start, start + packed)
  const bytes =
    method === STORED ? data : method === DEFLATED ? inflateRawSync(data, { maxOutputLength: MAX_METADATA }) : undefined
  if (bytes?.length !== size) throw new Error('METADATA that cannot be unpacked')
  return bytes
}
