import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { plainText } from './note.ts'

/** What the go command reads of a line (cmd/go/internal/modfetch, `latestFromList`); the time is in ms since the epoch. */
export function fieldsOf(line: string): { version: string; time: number | undefined } {
  const [version = '', time] = line.trim().split(/\s+/, 2)
  const at = time === undefined ? Number.NaN : Date.parse(time)
  return { version, time: Number.isNaN(at) ? undefined : at }
}

/**
 * Checks that a list of versions came, and not a web page. It may be empty: such a module has no tags, and clients ask for `@latest`.
 * The go command passes over lines that are no versions; at least one has to be.
 */
export function parse(bytes: Buffer): ParsedDocument<null> {
  const lines = plainText(bytes.filter((byte) => byte !== 0x09 && byte !== 0x0d)).split('\n')
  const filled = lines.filter((line) => line.trim() !== '')
  if (filled.length > 0 && !filled.some((line) => /^\s*v\d/.test(line)))
    throw new Error('it has to be a list with a version in each line, or empty')
  return { spans: [], facts: null }
}

export const listParser: DocumentParser<null> = { id: 'go-list-1', module: import.meta.url, exportName: 'parse', parse }
