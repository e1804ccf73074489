import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { type Found, scan, shape, textOf } from '../json/scan.ts'
import type { TarballUrls } from '../protocol.ts'
import { readDists, VERSION_SHAPE } from './dists.ts'
import type { PackageFacts } from './facts.ts'
import { isFileVersion, isPackageName } from './names.ts'
import { parseTime } from './offers.ts'

const VALUE = shape()
const PACKUMENT = shape({ name: VALUE, versions: shape({}, VERSION_SHAPE), time: shape({ unpublished: VALUE }, VALUE) })

/**
 * Reads a package's document, full or abbreviated. Throws for everything that is none, so that a login page, an empty object or
 * half a document never takes the place of a good one.
 */
export function parse(bytes: Buffer): ParsedDocument<PackageFacts> {
  const document = scan(bytes, PACKUMENT)
  if (document.type !== 'object') throw new Error('not a packument: it has to be a JSON object')
  const name = textOf(bytes, document.members.get('name'))
  if (name === undefined || !isPackageName(name)) throw new Error('not a packument: «name» has to be a package name')
  const versions = document.members.get('versions')
  // A package that was withdrawn as a whole keeps nothing but the date (the registry's unpublish policy).
  const withdrawn = document.members.get('time')?.members.get('unpublished')?.type === 'object'
  if (versions?.type !== 'object' && !(versions === undefined && withdrawn)) {
    throw new Error('not a packument: «versions» has to be an object')
  }
  const { spans, facts } = readDists(bytes, name, versions?.members ?? [])
  const times = timesOf(bytes, versions, document.members.get('time'))
  return { spans, facts: times === undefined ? facts : { ...facts, times } }
}

function timesOf(bytes: Buffer, versions: Found | undefined, time: Found | undefined): string | undefined {
  let times = ''
  for (const version of versions?.members.keys() ?? []) {
    const published = isFileVersion(version) ? parseTime(textOf(bytes, time?.members.get(version))) : undefined
    if (published !== undefined && published >= 0) times += `${version}\t${Math.floor(published / 1_000).toString(36)}\n`
  }
  return times === '' ? undefined : `\n${times}`
}

/** The same for mirrors that leave the document as it is. */
export function parsePreserved(bytes: Buffer): ParsedDocument<PackageFacts> {
  return { ...parse(bytes), spans: [] }
}

export const packumentParsers: Readonly<Record<TarballUrls, DocumentParser<PackageFacts>>> = {
  rewrite: { id: 'npm-packument-2', module: import.meta.url, exportName: 'parse', parse },
  preserve: {
    id: 'npm-packument-preserved-2',
    module: import.meta.url,
    exportName: 'parsePreserved',
    parse: parsePreserved,
  },
}
