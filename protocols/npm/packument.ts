import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { scan, shape, textOf } from '../json/scan.ts'
import type { TarballUrls } from '../protocol.ts'
import { readDists, VERSION_SHAPE } from './dists.ts'
import type { PackageFacts } from './facts.ts'
import { isPackageName } from './names.ts'

const VALUE = shape()
const PACKUMENT = shape({ name: VALUE, versions: shape({}, VERSION_SHAPE), time: shape({ unpublished: VALUE }) })

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
  return readDists(bytes, name, versions?.members ?? [])
}

/** The same for mirrors that leave the document as it is. */
export function parsePreserved(bytes: Buffer): ParsedDocument<PackageFacts> {
  return { ...parse(bytes), spans: [] }
}

export const packumentParsers: Readonly<Record<TarballUrls, DocumentParser<PackageFacts>>> = {
  rewrite: { id: 'npm-packument-1', module: import.meta.url, exportName: 'parse', parse },
  preserve: {
    id: 'npm-packument-preserved-1',
    module: import.meta.url,
    exportName: 'parsePreserved',
    parse: parsePreserved,
  },
}
