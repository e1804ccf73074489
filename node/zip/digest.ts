import { createHash, type Hash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import { checkExtra, DEFLATE, readDirectory, shown, type ZipBytes, type ZipEntry } from './directory.ts'

/** Files up to these sizes are unpacked at once: handing them to another thread costs more. */
const AT_ONCE = { packed: 64 << 10, size: 256 << 10 }
/** Bytes after which others get their turn; an empty file counts, too. */
const TURN_BYTES = 1 << 20
const FILE_COST = 4 << 10

const LOCAL = { signature: 0x04034b50, bytes: 30 }
const DESCRIPTOR_SIGNATURE = 0x08074b50

/**
 * «Hash1» of files (x/mod/sumdb/dirhash), as hex: sha256 over a line for each, in the order of the bytes of their names. `files` has
 * the sha256 of each as hex, by name; names have one character a byte.
 */
export function hash1(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256')
  for (const name of [...files.keys()].sort()) hash.update(`${files.get(name)}  ${name}\n`, 'latin1')
  return hash.digest('hex')
}

/**
 * `hash1` of the files in a zip archive, of which no more is in memory than a window and the names. Every byte of the archive has to
 * belong to a file, and every checksum in it to be right: another reader sees these files or none. Throws a plain Error that says
 * what is wrong.
 */
export async function zipHash1(bytes: ZipBytes): Promise<string> {
  const { entries, start } = await readDirectory(bytes)
  const files = new Map<string, string>()
  let position = 0
  let work = 0
  for (const [i, entry] of entries.entries()) {
    if (entry.offset !== position) throw new Error(`«${shown(entry.name)}» does not begin where what is before it ends`)
    const data = await dataOf(bytes, entry)
    files.set(entry.name, await digestOf(bytes, entry, data))
    position = entries[i + 1]?.offset ?? start
    await checkDescriptor(bytes, entry, data + entry.packed, position)
    work += entry.size + FILE_COST
    if (work < TURN_BYTES) continue
    work = 0
    await setImmediate()
  }
  if (position !== start) throw new Error('it has bytes that belong to no file')
  return hash1(files)
}

/**
 * Where the data begin. Go reads the directory alone; who reads an archive from its beginning goes by the headers beside the data, and
 * must see the same files.
 */
async function dataOf(bytes: ZipBytes, entry: ZipEntry): Promise<number> {
  const { name, offset, flags, method, described } = entry
  const header = await bytes.at(offset, LOCAL.bytes)
  if (header.readUInt32LE(0) !== LOCAL.signature) throw new Error(`«${shown(name)}» is not where the directory says`)
  const isSame = header.readUInt16LE(6) === flags && header.readUInt16LE(8) === method
  const numbers = [header.readUInt32LE(14), header.readUInt32LE(18), header.readUInt32LE(22)]
  const right = [entry.crc, entry.packed, entry.size]
  // Zero where they follow the data.
  const fit = numbers.every((value, i) => value === right[i] || (described && value === 0))
  const [nameBytes, extraBytes] = [header.readUInt16LE(26), header.readUInt16LE(28)]
  const start = offset + LOCAL.bytes
  const isNamed = nameBytes === name.length && (await bytes.at(start, nameBytes)).toString('latin1') === name
  if (!isSame || !fit || !isNamed) throw new Error(`«${shown(name)}» has two headers that differ`)
  checkExtra(name, await bytes.at(start + nameBytes, extraBytes))
  return start + nameBytes + extraBytes
}

async function digestOf(bytes: ZipBytes, entry: ZipEntry, data: number): Promise<string> {
  const content = new Content(entry)
  if (entry.method === DEFLATE && !entry.name.endsWith('/')) await inflate(bytes, entry, data, content)
  else for await (const piece of bytes.pieces(data, data + entry.size)) content.add(piece)
  return content.digest()
}

async function inflate(bytes: ZipBytes, entry: ZipEntry, data: number, content: Content): Promise<void> {
  const { packed, size } = entry
  if (packed <= AT_ONCE.packed && size <= AT_ONCE.size) {
    // One byte more than it says shows that it lied, and no more than that is unpacked.
    const { buffer, engine } = inflateAtOnce(await bytes.at(data, packed), size + 1)
    content.add(buffer)
    checkTaken(entry, engine.bytesWritten)
    return
  }
  const engine = createInflateRaw()
  await pipeline(bytes.pieces(data, data + packed), engine, async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) content.add(chunk)
  })
  checkTaken(entry, engine.bytesWritten)
}

/** With `info` there is more than the bytes, which the types do not know. */
function inflateAtOnce(packed: Buffer, maxOutputLength: number): { buffer: Buffer; engine: { bytesWritten: number } } {
  const all: unknown = inflateRawSync(packed, { maxOutputLength, info: true })
  return all as { buffer: Buffer; engine: { bytesWritten: number } }
}

/** Behind the end of what is packed there may be anything, and readers pass over it. */
function checkTaken({ name, packed }: ZipEntry, taken: number): void {
  if (taken !== packed) throw new Error(`«${shown(name)}» has ${packed - taken} bytes behind its end that belong to no file`)
}

/** What a file's bytes come to, and whether they are what the directory says. */
class Content {
  readonly #entry: ZipEntry
  readonly #hash: Hash = createHash('sha256')
  #crc = 0
  #size = 0

  constructor(entry: ZipEntry) {
    this.#entry = entry
  }

  add(bytes: Buffer): void {
    this.#size += bytes.length
    if (this.#size > this.#entry.size) throw new Error(`«${shown(this.#entry.name)}» has more bytes than the directory says`)
    this.#crc = crc32(bytes, this.#crc)
    this.#hash.update(bytes)
  }

  digest(): string {
    const { name, size, crc } = this.#entry
    if (this.#size !== size) throw new Error(`«${shown(name)}» has fewer bytes than the directory says`)
    if (this.#crc !== crc) throw new Error(`«${shown(name)}» does not have its checksum`)
    return this.#hash.digest('hex')
  }
}

/** Between the data of a file and the next one there is nothing, or what was not known yet when it was written (section 4.3.9). */
async function checkDescriptor(bytes: ZipBytes, entry: ZipEntry, start: number, end: number): Promise<void> {
  const length = end - start
  if (!entry.described && length === 0) return
  if (entry.described && [12, 16, 20, 24].includes(length)) {
    const descriptor = await bytes.at(start, length)
    if (descriptorsOf(entry).some((right) => right.equals(descriptor))) return
  }
  const what = length < 0 ? 'reaches into what is behind it' : `is followed by ${length} bytes that belong to no file`
  throw new Error(`«${shown(entry.name)}» ${what}`)
}

/** In the four forms that there are: sizes have 4 bytes or 8, with a signature or without. */
function descriptorsOf({ crc, packed, size }: ZipEntry): Buffer[] {
  return [4, 8].flatMap((bytes) => {
    const wide = Buffer.alloc(8 + 2 * bytes)
    wide.writeUInt32LE(DESCRIPTOR_SIGNATURE, 0)
    wide.writeUInt32LE(crc, 4)
    wide.writeUInt32LE(packed, 8)
    wide.writeUInt32LE(size, 8 + bytes)
    return [wide, wide.subarray(4)]
  })
}
