import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import type { Offers } from '../protocol.ts'
import { likelyDependencies, NewestLines } from './dependencies.ts'
import type { CrateFacts } from './facts.ts'
import { endsLine, type Line, linesOf, publishedAt, readLine } from './lines.ts'
import { isCrateName, isVersion } from './names.ts'

/**
 * Reads the index file of a crate (The Cargo Book, «Index Files»); it stays as it is, byte for byte. As cargo does, it passes over
 * lines that it cannot read, as they may be in a form of tomorrow, but not over a last one without its end, which shows where a file
 * was cut. Throws for everything that has no version of a crate, or those of several crates.
 */
export function parse(bytes: Buffer): ParsedDocument<CrateFacts> {
  const newest = new NewestLines()
  let name: string | undefined
  let versions = '\n'
  let isCut = false
  for (const text of linesOf(bytes)) {
    const line = readLine(text)
    isCut = !line && !endsLine(text)
    if (!line || !isCrateName(line.name)) continue
    name ??= line.name
    if (name.toLowerCase() !== line.name.toLowerCase()) throw new Error(`an index file of both «${name}» and «${line.name}»`)
    versions += releaseOf(line)
    newest.add(line, text)
  }
  if (name === undefined) throw new Error('not an index file: no line of it is a version of a crate')
  if (isCut) throw new Error('an index file that ends amid a line')
  // Of all lines at a time the trees would take far more memory than the file has bytes.
  const dependencies = likelyDependencies(newest.texts.flatMap((text) => readLine(text) ?? []))
  return { spans: [], facts: { name, versions, dependencies } }
}

export const crateIndexParser: DocumentParser<CrateFacts> = {
  id: 'cargo-index-1',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}

/** Index files without the versions that a policy refuses. A line that nobody can read offers nothing, and stays. */
export const crateOffers: Offers = {
  id: 'cargo-index-1',
  from: { module: import.meta.url, exportName: 'crateOffers' },
  withhold(bytes, allows) {
    const kept: Buffer[] = []
    let withheld = false
    for (const text of linesOf(bytes)) {
      const line = readLine(text)
      if (!line || allows(line.vers, publishedAt(line))) kept.push(text)
      else withheld = true
    }
    return withheld ? Buffer.concat(kept) : bytes
  },
}

/** Empty for what cargo could not use: a version without a checksum, or one that is none. */
function releaseOf(line: Line): string {
  const { vers, cksum } = line
  if (!isVersion(vers) || typeof cksum !== 'string' || !/^[0-9a-f]{64}$/i.test(cksum)) return ''
  return `${vers}\t${cksum.toLowerCase()}\t${publishedAt(line) ?? ''}\n`
}
