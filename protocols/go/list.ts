import { prerelease, rcompare, valid } from 'semver'
import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { isCanonical } from './names.ts'
import { plainText } from './note.ts'

/** What the go command reads of a line (cmd/go/internal/modfetch, `latestFromList`); the time is in ms since the epoch. */
export function fieldsOf(line: string): { version: string; time: number | undefined } {
  const [version = '', time] = line.trim().split(/\s+/, 2)
  const at = time === undefined ? Number.NaN : Date.parse(time)
  return { version, time: Number.isNaN(at) ? undefined : at }
}

/** Versions of a line: each may cost upstream a question. */
const MOST = 20

/** The newest versions of a list that tells no times, newest first, apart from those that the go command looks at in another case. */
export type Newest = readonly (readonly string[])[]

/**
 * Checks that a list of versions came, and not a web page. It may be empty: such a module has no tags, and clients ask for `@latest`.
 * The go command passes over lines that are no versions; at least one has to be.
 */
export function parse(bytes: Buffer): ParsedDocument<Newest> {
  const lines = plainText(bytes.filter((byte) => byte !== 0x09 && byte !== 0x0d)).split('\n')
  const filled = lines.filter((line) => line.trim() !== '')
  if (filled.length > 0 && !filled.some((line) => /^\s*v\d/.test(line)))
    throw new Error('it has to be a list with a version in each line, or empty')
  return { spans: [], facts: newestOf(filled.map(fieldsOf)) }
}

/** What is chosen from: releases, or pre-releases where there are none; those without a go.mod of their major version beside them. */
function newestOf(fields: readonly ReturnType<typeof fieldsOf>[]): Newest {
  if (fields.some(({ time }) => time !== undefined)) return []
  const versions = fields.map(({ version }) => version).filter((one) => isCanonical(one) && valid(one))
  const releases = versions.filter((version) => prerelease(version) === null)
  const chosen = releases.length > 0 ? releases : versions
  const isIncompatible = (version: string) => version.endsWith('+incompatible')
  const lines = [chosen.filter((version) => !isIncompatible(version)), chosen.filter(isIncompatible)]
  return lines.filter(({ length }) => length > 0).map((line) => line.sort(rcompare).slice(0, MOST))
}

/** Facts that came back from the cache. */
export function newestIn(facts: unknown): Newest {
  return Array.isArray(facts) ? (facts as Newest) : []
}

export const listParser: DocumentParser<Newest> = { id: 'go-list-2', module: import.meta.url, exportName: 'parse', parse }
