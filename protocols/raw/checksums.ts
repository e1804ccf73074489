import { isUtf8 } from 'node:buffer'
import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import type { Digest } from '../../node/digest.ts'

/** What is kept of a file with checksums. */
export interface ChecksumFacts {
  /** `\n` and then for each file `name \t sha256 \n`; the name is empty where it stands alone. */
  readonly sums: string
}

const MAX_FILES = 20_000
/** GNU coreutils `sha256sum`: text (two spaces) or binary (` *`); `--tag` and BSD: `SHA256 (name) = hex`; or the digest alone. */
const GNU = /^([0-9a-fA-F]{64})(?:[ \t]+\*?(?:\.\/)?(\S(?:.*\S)?))?\s*$/
const BSD = /^SHA256 ?\((?:\.\/)?(.+)\) ?= ?([0-9a-fA-F]{64})\s*$/

/** Throws for what is no list of sha256 checksums: a web page must not count as «it promises nothing». */
export function parseChecksums(bytes: Buffer): ParsedDocument<ChecksumFacts> {
  if (!isUtf8(bytes)) throw new Error('a file with checksums is UTF-8')
  const lines: string[] = []
  for (const line of bytes.toString().split('\n')) {
    const [, hex, name = ''] = GNU.exec(line) ?? []
    const [, tagged, taggedHex] = BSD.exec(line) ?? []
    const found = hex === undefined ? taggedHex : hex
    if (found !== undefined) lines.push(`${tagged ?? name}\t${found.toLowerCase()}\n`)
    // A list may be signed, and have remarks.
    if (lines.length > MAX_FILES) throw new Error(`it has more than ${MAX_FILES} checksums`)
  }
  if (lines.length === 0) throw new Error('it has no line with a sha256 checksum')
  return { spans: [], facts: { sums: `\n${lines.join('')}` } }
}

export const checksumsParser: DocumentParser<ChecksumFacts> = {
  id: 'raw-checksums-1',
  module: import.meta.url,
  exportName: 'parseChecksums',
  parse: parseChecksums,
}

/** The checksum of a file by its name; `alone` if a digest without a name is meant for it, too. */
export function findChecksum(facts: unknown, name: string, alone: boolean): Digest | undefined {
  const { sums } = Object(facts) as Partial<ChecksumFacts>
  if (typeof sums !== 'string') return undefined
  for (const wanted of alone ? [name, ''] : [name]) {
    const at = sums.indexOf(`\n${wanted}\t`)
    if (at >= 0) return { algorithm: 'sha256', hex: sums.slice(at + wanted.length + 2, at + wanted.length + 66) }
  }
  return undefined
}
