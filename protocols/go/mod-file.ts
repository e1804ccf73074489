import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'

/** Checks that a go.mod came, by the one line that each has; it is served while no checksum can be had, and a web page must not be. */
export function parse(bytes: Buffer): ParsedDocument<null> {
  if (!/^[ \t]*module[ \t(]/m.test(bytes.toString('latin1'))) throw new Error('it has to be a go.mod, with a module line')
  return { spans: [], facts: null }
}

export const modFileParser: DocumentParser<null> = { id: 'go-mod-1', module: import.meta.url, exportName: 'parse', parse }
