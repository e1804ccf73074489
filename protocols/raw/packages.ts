import { createHash } from 'node:crypto'
import type { IndexParser, ParsedDocument } from '../../node/cache/plan.ts'
import type { Digest } from '../../node/digest.ts'
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
/** Bytes of one paragraph: the longest, of a source package with thousands of binaries, has 300 KB. */
const MAX_PARAGRAPH = 8 << 20

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
  id: 'raw-packages-1',
  module: import.meta.url,
  exportName: 'parsePackages',
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
  for await (const paragraph of paragraphs(bytes)) {
    for (const [path, hex] of filesIn(paragraph)) {
      entries.push(Buffer.concat([nameOf(Buffer.from(path, 'latin1')), Buffer.from(hex, 'hex')], ENTRY_BYTES))
    }
    if (entries.length > MAX_FILES) throw new Error(`it lists more than ${MAX_FILES} files`)
  }
  return Buffer.concat(entries.sort(Buffer.compare)).toString('base64')
}

/** Each with a line break before its first line. Bytes are characters here: paths are hashed as they stand. */
async function* paragraphs(bytes: Buffer): AsyncGenerator<string, void> {
  let rest = '\n'
  for await (const piece of unpacked(bytes)) {
    const all = (rest + piece.toString('latin1')).split('\n\n')
    rest = all.pop() ?? ''
    if (rest.length > MAX_PARAGRAPH) throw new Error('it has no paragraphs')
    for (const one of all) yield `\n${one}`
  }
  yield `\n${rest}`
}

/** The files of one binary package (`Filename`, `SHA256`) or source package (`Directory`, `Checksums-Sha256`). */
function* filesIn(paragraph: string): Generator<[path: string, hex: string], void> {
  const path = fieldOf(paragraph, 'Filename')
  if (path !== undefined) {
    const hex = fieldOf(paragraph, 'SHA256')
    if (hex !== undefined && /^[0-9a-f]{64}$/.test(hex)) yield [path.replace(/^\.\//, ''), hex]
    return
  }
  const directory = fieldOf(paragraph, 'Directory')
  if (directory === undefined) return
  const [, lines = ''] = /\nChecksums-Sha256:[^\n]*((?:\n [^\n]*)+)/.exec(paragraph) ?? []
  for (const [, hex = '', file = ''] of lines.matchAll(/\n ([0-9a-f]{64}) +\d+ +(\S+)/g)) yield [`${directory}/${file}`, hex]
}

function fieldOf(paragraph: string, name: string): string | undefined {
  const start = paragraph.indexOf(`\n${name}:`)
  if (start < 0) return undefined
  const end = paragraph.indexOf('\n', start + 1)
  return paragraph.slice(start + name.length + 2, end < 0 ? undefined : end).trim()
}

function nameOf(path: Buffer): Buffer {
  return createHash('sha256').update(path).digest().subarray(0, NAME_BYTES)
}
