import type { DocumentParser, ParsedDocument } from '../../../node/cache/plan.ts'

/** What the test ecosystem's indexes say: by file name, how to know the file. */
export interface Index {
  readonly files: Readonly<Record<string, { readonly digests: readonly string[]; readonly url?: string }>>
}

/** Counts parsing in the main thread. */
export const parsings = { count: 0 }

/** Throws for anything but an index. Ends the whole thread, or keeps it for ever, for one that says so. */
export function parseIndex(bytes: Buffer): ParsedDocument<Index> {
  parsings.count++
  const value = JSON.parse(bytes.toString()) as Partial<Index> & { exit?: boolean; endless?: boolean }
  if (value.exit) process.exit(7)
  if (value.endless) for (;;);
  if (typeof value.files !== 'object' || value.files === null) throw new Error('it has no files')
  return { spans: [], facts: { files: value.files } }
}

export const indexParser: DocumentParser<Index> = {
  id: 'test-index-1',
  module: import.meta.url,
  exportName: 'parseIndex',
  parse: parseIndex,
}
