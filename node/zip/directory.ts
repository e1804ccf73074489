/** The bytes of an archive, wherever they lie. */
export interface ZipBytes {
  readonly size: number
  /** Exactly `length` bytes, in memory that the next call may take again. Throws a plain Error for what is past the end. */
  at(position: number, length: number): Promise<Buffer>
  /** Bytes [start, end), in memory of their own. */
  pieces(start: number, end: number): AsyncIterable<Buffer>
}

/** A file in a zip archive, as its central directory tells of it (APPNOTE 6.3.10 section 4.3.12). */
export interface ZipEntry {
  /** Bytes of the name, one character each. */
  readonly name: string
  readonly flags: number
  /** 0 or `DEFLATE`. */
  readonly method: number
  readonly crc: number
  /** Bytes in the archive, and unpacked. */
  readonly packed: number
  readonly size: number
  /** Where its local header begins. */
  readonly offset: number
  /** Whether sizes and checksum follow the data once more. */
  readonly described: boolean
}

export interface ZipDirectory {
  /** In the order in which they lie in the archive. */
  readonly entries: readonly ZipEntry[]
  /** Where the directory begins: what is before it belongs to entries. */
  readonly start: number
}

/** Whatever an archive says: more files and names would take more memory than a check may. The largest toolchain has 15 000. */
const MAX_ENTRIES = 200_000
const MAX_DIRECTORY = 32 << 20
/** Bytes of all files together; the go command takes no more (x/mod/zip `MaxZipFile`). */
const MAX_CONTENT = 500 << 20

const END = { signature: 0x06054b50, bytes: 22 }
const LOCATOR64 = { signature: 0x07064b50, bytes: 20 }
const END64 = { signature: 0x06064b50, bytes: 56 }
/** What stands in the end where the zip64 end has the value. */
const MARK64 = { count: 0xffff, length: 0xffffffff, start: 0xffffffff }
const HEADER = { signature: 0x02014b50, bytes: 46 }
const MAX_COMMENT = 0xffff
/** Flags: encrypted in one of three ways. */
const ENCRYPTED = 0x2041
const DESCRIBED = 0x0008
export const DEFLATE = 8
/** «Unicode Path», an extra field (section 4.6.9). */
const SECOND_NAME = 0x7075

/**
 * Reads a central directory so strictly that no other reader can see other files in the archive: only then is a digest of the files a
 * check of the bytes. Throws a plain Error that says what is wrong.
 */
export async function readDirectory(bytes: ZipBytes): Promise<ZipDirectory> {
  const { count, length, start, end } = await findDirectory(bytes)
  if (count > MAX_ENTRIES || length > MAX_DIRECTORY)
    throw new Error(`its directory is too large: ${count} files, ${length} bytes`)
  if (start + length !== end) throw new Error('its directory is not where its end says')
  const directory = Buffer.allocUnsafe(length)
  let filled = 0
  for await (const piece of bytes.pieces(start, end)) filled += piece.copy(directory, filled)
  const entries = readEntries(directory, count)
  entries.sort((one, other) => one.offset - other.offset)
  return { entries, start }
}

interface Found {
  readonly count: number
  readonly length: number
  readonly start: number
  /** The first byte behind the directory. */
  readonly end: number
}

async function findDirectory(bytes: ZipBytes): Promise<Found> {
  const from = Math.max(0, bytes.size - END.bytes - MAX_COMMENT)
  const parts: Buffer[] = []
  for await (const piece of bytes.pieces(from, bytes.size)) parts.push(piece)
  const tail = Buffer.concat(parts)
  let at = tail.length - END.bytes
  while (at >= 0 && tail.readUInt32LE(at) !== END.signature) at--
  // The last signature is the one that counts; one within the comment would be read as another directory elsewhere.
  if (at < 0 || at + END.bytes + tail.readUInt16LE(at + 20) !== tail.length) throw new Error('it has no end of a directory')
  if (at + END.bytes !== tail.length) throw new Error('it has a comment, as no archive of a module has')
  const count = tail.readUInt16LE(at + 10)
  if (tail.readUInt32LE(at + 4) !== 0 || tail.readUInt16LE(at + 8) !== count) throw new Error('it is a part of several')
  const plain = { count, length: tail.readUInt32LE(at + 12), start: tail.readUInt32LE(at + 16), end: from + at }
  const found = await findDirectory64(bytes, plain.end)
  const isMarked = count === MARK64.count || plain.start === MARK64.start
  // What looks like a zip64 end counts for some readers and not for others (Go takes a length of 0xffff for a mark, too), unless both
  // that it is there and what it says leave no choice.
  if (isMarked !== (found !== undefined)) throw new Error('it has a zip64 end or not, as one reads it')
  if (!found) return plain
  for (const field of ['count', 'length', 'start'] as const)
    if (plain[field] !== found[field] && plain[field] !== MARK64[field]) throw new Error('its two ends differ')
  return found
}

/** Undefined where there is no zip64 end. */
async function findDirectory64(bytes: ZipBytes, end: number): Promise<Found | undefined> {
  if (end < LOCATOR64.bytes) return undefined
  const locator = await bytes.at(end - LOCATOR64.bytes, LOCATOR64.bytes)
  if (locator.readUInt32LE(0) !== LOCATOR64.signature) return undefined
  const at = Number(locator.readBigUInt64LE(8))
  // Go passes over an end that is on another disk.
  const isOfOne = locator.readUInt32LE(4) === 0 && locator.readUInt32LE(16) === 1
  if (!isOfOne || at !== end - LOCATOR64.bytes - END64.bytes) throw new Error('its zip64 end is not where it should be')
  const record = await bytes.at(at, END64.bytes)
  const count = record.readBigUInt64LE(32)
  const isKnown = record.readUInt32LE(0) === END64.signature && record.readBigUInt64LE(4) === 44n
  if (!isKnown || record.readBigUInt64LE(16) !== 0n || record.readBigUInt64LE(24) !== count)
    throw new Error('its zip64 end is none that is known')
  return {
    count: Number(count),
    length: Number(record.readBigUInt64LE(40)),
    start: Number(record.readBigUInt64LE(48)),
    end: at,
  }
}

function readEntries(directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = []
  const names = new Set<string>()
  let at = 0
  let content = 0
  while (at < directory.length) {
    const { entry, next } = readEntry(directory, at)
    if (names.has(entry.name)) throw new Error(`it has «${shown(entry.name)}» twice`)
    names.add(entry.name)
    entries.push(entry)
    content += entry.size
    at = next
  }
  if (entries.length !== count) throw new Error(`it has ${entries.length} files and says ${count}`)
  if (content > MAX_CONTENT) throw new Error(`its files have ${content} bytes, more than ${MAX_CONTENT}`)
  return entries
}

function readEntry(directory: Buffer, at: number): { entry: ZipEntry; next: number } {
  if (at + HEADER.bytes > directory.length || directory.readUInt32LE(at) !== HEADER.signature)
    throw new Error('its directory breaks off')
  const u16 = (offset: number) => directory.readUInt16LE(at + offset)
  const u32 = (offset: number) => directory.readUInt32LE(at + offset)
  const nameEnd = at + HEADER.bytes + u16(28)
  const next = nameEnd + u16(30) + u16(32)
  if (next > directory.length) throw new Error('its directory breaks off')
  const name = directory.toString('latin1', at + HEADER.bytes, nameEnd)
  const [flags, method] = [u16(8), u16(10)]
  const entry = { name, flags, method, crc: u32(16), packed: u32(20), size: u32(24), offset: u32(42) }
  // Its digest is made of lines.
  if (name === '' || name.includes('\n')) throw new Error('a file in it has no proper name')
  if (u16(32) > 0) throw new Error(`«${shown(name)}» has a comment, as no file of a module has`)
  if ((flags & ENCRYPTED) !== 0) throw new Error(`«${shown(name)}» is encrypted`)
  if (method !== 0 && method !== DEFLATE)
    throw new Error(`«${shown(name)}» is packed by method ${method}, which Go does not read`)
  if (method === 0 && entry.packed !== entry.size) throw new Error(`«${shown(name)}» has two sizes`)
  if (name.endsWith('/') && entry.size > 0) throw new Error(`«${shown(name)}» is a folder with bytes`)
  checkExtra(name, directory.subarray(nameEnd, nameEnd + u16(30)))
  return { entry: { ...entry, described: (flags & DESCRIBED) !== 0 }, next }
}

/** Throws for another name in an extra field, by which some readers go. */
export function checkExtra(name: string, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2))
    if (extra.readUInt16LE(at) === SECOND_NAME) throw new Error(`«${shown(name)}» has a second name`)
}

/** A file's name in a message. */
export function shown(name: string): string {
  return name.slice(0, 120).replace(/[^ -~]/g, '?')
}
