import type { ParsedDocument } from '../../../node/cache/plan.ts'
import type { Offers, Rendition } from '../../../protocols/protocol.ts'

/** How often each was asked in this thread. */
export const here = { withheld: 0, rendered: 0 }

const MODULE = import.meta.url

/** Lines `version`, without those that are refused. `@` stands where the registry is named. */
export const lines: Offers = {
  id: 'lines',
  from: { module: MODULE, exportName: 'lines' },
  withhold(bytes, allows) {
    here.withheld++
    const all = bytes.toString().split('\n')
    const left = all.filter((line) => !/^\d/.test(line) || allows(line, undefined))
    return left.length === all.length ? bytes : Buffer.from(left.join('\n'))
  },
}

/** With a mark at its end. One that says so keeps its thread for ever. */
export function loud(mark: string): Rendition {
  return {
    id: `loud ${mark}`,
    from: { module: MODULE, exportName: 'loud', args: [mark] },
    headers: { 'content-type': 'text/plain' },
    render([bytes]) {
      here.rendered++
      if (bytes?.includes('endless')) for (;;);
      return Buffer.from(`${bytes}${mark}`)
    },
  }
}

/** Finds each `@`. */
export function parse(bytes: Buffer): ParsedDocument {
  const spans: [number, number, string][] = []
  for (let at = bytes.indexOf('@'); at >= 0; at = bytes.indexOf('@', at + 1)) spans.push([at, at + 1, 'x'])
  return { spans, facts: undefined }
}

export const parser = { id: 'at', module: MODULE, exportName: 'parse', parse }
