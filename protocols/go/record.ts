import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { type Head, parseHead } from './head.ts'
import { plainText } from './note.ts'

/** What a checksum database answers to a lookup (x/mod/sumdb/tlog, `ParseRecord`). */
export interface LogRecord {
  /** Its place in the log. */
  readonly id: number
  /** Lines of a go.sum, each with its newline. They are in the log, and no signature covers them directly. */
  readonly text: string
  /** The log's head when it was asked. */
  readonly head: Head
}

const RECORD = /^(0|[1-9]\d{0,14})\n((?:[^\n]+\n)+)\n/

/** Reads the answer to a lookup. Throws a plain Error for anything else. */
export function parse(bytes: Buffer): ParsedDocument<LogRecord> {
  const answer = plainText(bytes)
  const [all, id, text] = RECORD.exec(answer) ?? []
  if (all === undefined || id === undefined || text === undefined) throw new Error('it is no record of a checksum database')
  return { spans: [], facts: { id: Number(id), text, head: parseHead(answer.slice(all.length)) } }
}

export const recordParser: DocumentParser<LogRecord> = {
  id: 'go-record-1',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}

/** The checksum of a module's zip, or of its go.mod, as hex; undefined where the record has none. */
export function checksumIn(record: LogRecord, module: string, version: string, of: 'zip' | 'mod'): string | undefined {
  const start = `${module} ${version}${of === 'mod' ? '/go.mod' : ''} h1:`
  const line = record.text.split('\n').find((one) => one.startsWith(start))
  const base64 = line?.slice(start.length)
  return base64 !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(base64) ? Buffer.from(base64, 'base64').toString('hex') : undefined
}
