import { createHash } from 'node:crypto'
import { crc32, deflateRawSync } from 'node:zlib'

/** A file of an archive, and what the archive says of it that is not so. */
export interface ZipFile {
  readonly name: string | Buffer
  readonly data: string | Buffer
  readonly stored?: boolean
  /** deflate level */
  readonly level?: number
  /** Sizes and checksum come once more behind the data: with a signature, without, or with 64 bits. */
  readonly described?: 'signed' | 'bare' | '64'
  readonly flags?: number
  readonly method?: number
  readonly crc?: number
  readonly size?: number
  readonly packed?: number
  readonly offset?: number
  readonly descriptorCrc?: number
  readonly descriptorSize?: number
  /** What its local header says otherwise; a name has as many bytes. */
  readonly local?: Partial<Fields & { readonly name: string; readonly extra: Buffer }>
  /** Bytes that stand before its header, and belong to nothing. */
  readonly before?: Buffer
  /** Bytes behind what is packed that count as packed. */
  readonly behind?: Buffer
  /** In the directory only. */
  readonly extra?: Buffer
  readonly comment?: Buffer
}

export interface ZipInit {
  readonly comment?: Buffer
  readonly zip64?: boolean
  /** Files that the end says there are. */
  readonly count?: number
  readonly directoryOffset?: number
  /** Bytes between the last file and the directory. */
  readonly gap?: Buffer
  /** Where the archive begins within a larger one. */
  readonly base?: number
}

/** An archive, or what looks like one. */
export function makeZip(files: readonly ZipFile[], init: ZipInit = {}): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = init.base ?? 0
  const push = (...buffers: Buffer[]) => {
    for (const buffer of buffers) {
      parts.push(buffer)
      at += buffer.length
    }
  }
  for (const file of files) {
    push(file.before ?? Buffer.alloc(0))
    const offset = at
    const name = Buffer.from(file.name)
    const data = Buffer.from(file.data)
    const stream = file.stored ? data : deflateRawSync(data, { level: file.level ?? 6 })
    const body = Buffer.concat([stream, file.behind ?? Buffer.alloc(0)])
    const real = { crc: crc32(data), packed: body.length, size: data.length }
    const flags = (file.flags ?? 0) | (file.described ? 8 : 0)
    const method = file.method ?? (file.stored ? 0 : 8)
    const told = { ...real, ...pick(file) }
    const { name: localName = file.name, extra: localExtra = Buffer.alloc(0), ...local } = file.local ?? {}
    const localHeader = header(0x04034b50, { flags, method, ...told, ...local }, name)
    localHeader.writeUInt16LE(localExtra.length, 28)
    push(localHeader, Buffer.from(localName), localExtra, body, descriptor(file, real))
    const { extra = Buffer.alloc(0), comment = Buffer.alloc(0) } = file
    const entry = header(0x02014b50, { flags, method, ...told, offset: file.offset ?? offset }, name)
    entry.writeUInt16LE(extra.length, 30)
    entry.writeUInt16LE(comment.length, 32)
    directory.push(entry, name, extra, comment)
  }
  push(init.gap ?? Buffer.alloc(0))
  const start = init.directoryOffset ?? at
  const count = init.count ?? files.length
  const list = Buffer.concat(directory)
  push(list)
  if (init.zip64) push(end64(count, list.length, start), locator(at))
  push(end(init.zip64 ? 0xffff : count, list.length, init.zip64 ? 0xffffffff : start, init.comment ?? Buffer.alloc(0)))
  return Buffer.concat(parts)
}

/**
 * An archive of the files `shown`, whose last one has a second archive in its comment or extra field, with a zip64 end right before
 * the end of the first one: for who takes the directory's length of 0xffff for a mark of zip64, it is an archive of `hidden`.
 */
export function makeHidingZip(shown: readonly ZipFile[], hidden: readonly ZipFile[], place: 'comment' | 'extra'): Buffer {
  const END_BYTES = 22
  const withRoom = (room: Buffer) =>
    makeZip(shown.map((file, i) => (i === shown.length - 1 ? { ...file, [place]: room } : file)))
  const directory = (zip: Buffer) => zip.readUInt32LE(zip.length - END_BYTES + 12)
  const room = 0xffff - directory(withRoom(Buffer.alloc(0)))
  const end = withRoom(Buffer.alloc(room)).length - END_BYTES
  const length = makeZip(hidden, { zip64: true }).length - END_BYTES
  const inner = makeZip(hidden, { zip64: true, base: end - length }).subarray(0, length)
  return withRoom(Buffer.concat([Buffer.alloc(room - length), inner]))
}

function pick({ crc, packed, size }: ZipFile): Partial<Record<'crc' | 'packed' | 'size', number>> {
  return Object.fromEntries(Object.entries({ crc, packed, size }).filter(([, value]) => value !== undefined))
}

interface Fields {
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly offset?: number
}

function header(signature: number, fields: Fields, name: Buffer): Buffer {
  const central = fields.offset !== undefined
  const bytes = Buffer.alloc(central ? 46 : 30)
  const base = central ? 8 : 6
  bytes.writeUInt32LE(signature, 0)
  bytes.writeUInt16LE(20, 4)
  bytes.writeUInt16LE(fields.flags, base)
  bytes.writeUInt16LE(fields.method, base + 2)
  bytes.writeUInt32LE(fields.crc, base + 8)
  bytes.writeUInt32LE(fields.packed, base + 12)
  bytes.writeUInt32LE(fields.size, base + 16)
  bytes.writeUInt16LE(name.length, base + 20)
  if (fields.offset !== undefined) bytes.writeUInt32LE(fields.offset, 42)
  return bytes
}

function descriptor(
  { described, descriptorCrc, descriptorSize }: ZipFile,
  real: { crc: number; packed: number; size: number },
): Buffer {
  if (!described) return Buffer.alloc(0)
  const signed = described !== 'bare'
  const bytes = Buffer.alloc((signed ? 4 : 0) + 4 + (described === '64' ? 16 : 8))
  if (signed) bytes.writeUInt32LE(0x08074b50, 0)
  const start = signed ? 4 : 0
  bytes.writeUInt32LE(descriptorCrc ?? real.crc, start)
  const wide = described === '64' ? 8 : 4
  bytes.writeUInt32LE(real.packed, start + 4)
  bytes.writeUInt32LE(descriptorSize ?? real.size, start + 4 + wide)
  return bytes
}

function end64(count: number, length: number, start: number): Buffer {
  const bytes = Buffer.alloc(56)
  bytes.writeUInt32LE(0x06064b50, 0)
  bytes.writeBigUInt64LE(44n, 4)
  bytes.writeBigUInt64LE(BigInt(count), 24)
  bytes.writeBigUInt64LE(BigInt(count), 32)
  bytes.writeBigUInt64LE(BigInt(length), 40)
  bytes.writeBigUInt64LE(BigInt(start), 48)
  return bytes
}

function locator(at: number): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32LE(0x07064b50, 0)
  bytes.writeBigUInt64LE(BigInt(at), 8)
  bytes.writeUInt32LE(1, 16)
  return bytes
}

function end(count: number, length: number, start: number, comment: Buffer): Buffer {
  const bytes = Buffer.alloc(22)
  bytes.writeUInt32LE(0x06054b50, 0)
  bytes.writeUInt16LE(count, 8)
  bytes.writeUInt16LE(count, 10)
  bytes.writeUInt32LE(length, 12)
  bytes.writeUInt32LE(start, 16)
  bytes.writeUInt16LE(comment.length, 20)
  return Buffer.concat([bytes, comment])
}

const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest()

/** «h1:…» of files, made in another way than the engine does it. */
export function h1Of(files: readonly { readonly name: string | Buffer; readonly data: string | Buffer }[]): string {
  const lines = files
    .map(({ name, data }) => ({ name: Buffer.from(name), hex: sha256(data).toString('hex') }))
    .sort((one, other) => Buffer.compare(one.name, other.name))
    .map(({ name, hex }) => Buffer.concat([Buffer.from(`${hex}  `), name, Buffer.from('\n')]))
  return `h1:${sha256(Buffer.concat(lines)).toString('base64')}`
}
