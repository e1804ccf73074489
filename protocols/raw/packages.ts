import { createHash, type Hash } from 'node:crypto'
import type { IndexParser, ParsedDocument } from '../../node/cache/plan.ts'
import type { Digest } from '../../node/digest.ts'
import { paragraphsOf } from './paragraphs.ts'
import { unpacked } from './unpack.ts'

/**
 * What is kept of a list of packages. Debian's main has 64 000: one text that is searched without being decoded, 56 characters a
 * file.
 */
export interface PackagesFacts {
  /**
   * Entries of 42 bytes in base64, in ascending order: the first 10 bytes of the sha256 of a path below the archive's root, then the
   * sha256 of that file.
   */
  readonly files: string
}

const NAME_BYTES = 10
const ENTRY_BYTES = NAME_BYTES + 32
const ENTRY_CHARACTERS = (ENTRY_BYTES / 3) * 4
/** Characters that hold the bytes of a name, and two more bits. */
const NAME_CHARACTERS = Math.ceil((NAME_BYTES * 4) / 3)

/** More than in all of Debian and Ubuntu together; with it facts have 16 MB. */
const MAX_FILES = 300_000
/** Characters of a field or line that names a file. Paths that clients ask for have no more than 1024. */
const MAX_FIELD = 4096
const HEX = /^[0-9a-f]{64}$/
const CHECKSUM = /^ ([0-9a-f]{64}) +\d+ +(\S+)/

/**
 * Reads `Packages` or `Sources`, packed or not. Whatever is no such list tells of no files: its bytes are those that the release file
 * lists all the same, and a client may read what this cannot.
 */
export async function parsePackages(bytes: Buffer): Promise<ParsedDocument<PackagesFacts>> {
  try {
    return { spans: [], facts: { files: await readEntries(bytes) } }
  } catch {
    return { spans: [], facts: { files: '' } }
  }
}

export const packagesParser: IndexParser<PackagesFacts> = {
  id: 'raw-packages-2',
  module: import.meta.url,
  exportName: 'parsePackages',
  unpacks: true,
  parse: parsePackages,
}

/** The sha256 of a file, by its path below the archive's root, if the list has it. */
export function findPackage(facts: unknown, path: string): Digest | undefined {
  const { files } = Object(facts) as Partial<PackagesFacts>
  if (typeof files !== 'string') return undefined
  const wanted = nameOf(Buffer.from(path))
  let low = 0
  let high = Math.floor(files.length / ENTRY_CHARACTERS)
  while (low < high) {
    const middle = (low + high) >> 1
    const at = middle * ENTRY_CHARACTERS
    const order = Buffer.from(files.slice(at, at + NAME_CHARACTERS), 'base64')
      .subarray(0, NAME_BYTES)
      .compare(wanted)
    if (order === 0) {
      const entry = Buffer.from(files.slice(at, at + ENTRY_CHARACTERS), 'base64')
      return { algorithm: 'sha256', hex: entry.subarray(NAME_BYTES).toString('hex') }
    }
    if (order < 0) low = middle + 1
    else high = middle
  }
  return undefined
}

async function readEntries(bytes: Buffer): Promise<string> {
  const entries: Buffer[] = []
  for await (const some of paragraphsOf(unpacked(bytes))) {
    for (const paragraph of some) {
      for (const entry of entriesOf(paragraph)) {
        // Asked of each: a single paragraph may have as many as a whole list.
        if (entries.push(entry) > MAX_FILES) throw new Error(`it lists more than ${MAX_FILES} files`)
      }
    }
  }
  return Buffer.concat(entries.sort(Buffer.compare)).toString('base64')
}

/** The files of one binary package (`Filename`, `SHA256`) or source package (`Directory`, `Checksums-Sha256`). */
function* entriesOf(paragraph: string): Generator<Buffer, void> {
  const path = fieldOf(paragraph, 'Filename')
  if (path !== undefined) {
    const hex = fieldOf(paragraph, 'SHA256')
    if (hex !== undefined && HEX.test(hex)) yield entryOf(createHash('sha256').update(path.replace(/^\.\//, ''), 'latin1'), hex)
    return
  }
  const directory = fieldOf(paragraph, 'Directory')
  if (directory === undefined) return
  // Hashed once for all files: there may be as many as fit into the paragraph.
  const below = createHash('sha256').update(`${directory}/`, 'latin1')
  for (const line of linesBelow(paragraph, 'Checksums-Sha256')) {
    const [, hex, file] = line.length <= MAX_FIELD ? (CHECKSUM.exec(line) ?? []) : []
    if (hex !== undefined && file !== undefined) yield entryOf(below.copy().update(file, 'latin1'), hex)
  }
}

/** Undefined for one that is longer than any that a client could ask for. */
function fieldOf(paragraph: string, name: string): string | undefined {
  const start = paragraph.indexOf(`\n${name}:`)
  if (start < 0) return undefined
  const from = start + name.length + 2
  const end = endOfLine(paragraph, from)
  return end - from > MAX_FIELD ? undefined : paragraph.slice(from, end).trim()
}

/** The lines that continue a field, one at a time. */
function* linesBelow(paragraph: string, name: string): Generator<string, void> {
  const start = paragraph.indexOf(`\n${name}:`)
  let at = start < 0 ? paragraph.length : endOfLine(paragraph, start + 1)
  while (paragraph.startsWith('\n ', at)) {
    const end = endOfLine(paragraph, at + 1)
    yield paragraph.slice(at + 1, end)
    at = end
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function entryOf(path: Hash, hex: string): Buffer {
  return Buffer.concat([path.digest().subarray(0, NAME_BYTES), Buffer.from(hex, 'hex')], ENTRY_BYTES)
}

function nameOf(path: Buffer): Buffer {
  return createHash('sha256').update(path).digest().subarray(0, NAME_BYTES)
}
