import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { type Note, parseNote, plainText } from './note.ts'

/** What a checksum database says of its log at some time: that it had `size` records, and this hash. */
export interface Head {
  readonly note: Note
  readonly size: number
  /** Root hash of the log, as base64. */
  readonly root: string
}

/** Lines behind the first three are for the future (x/mod/sumdb/tlog, `ParseTree`). */
const TREE = /^go\.sum database tree\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n/

/** Reads a signed tree head. Throws a plain Error for anything else. */
export function parseHead(text: string): Head {
  const note = parseNote(text)
  const [, size, root] = TREE.exec(note.text) ?? []
  if (size === undefined || root === undefined) throw new Error('its note is no tree head of a checksum database')
  return { note, size: Number(size), root }
}

export function parse(bytes: Buffer): ParsedDocument<Head> {
  return { spans: [], facts: parseHead(plainText(bytes)) }
}

export const headParser: DocumentParser<Head> = { id: 'go-head-1', module: import.meta.url, exportName: 'parse', parse }
