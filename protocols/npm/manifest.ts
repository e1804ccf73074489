import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { scan, shape, textOf } from '../json/scan.ts'
import type { TarballUrls } from '../protocol.ts'
import { readDists, VERSION_SHAPE } from './dists.ts'
import type { PackageFacts } from './facts.ts'
import { isFileVersion, isPackageName } from './names.ts'

const VALUE = shape()
const MANIFEST: typeof VERSION_SHAPE = {
  ...VERSION_SHAPE,
  members: [...VERSION_SHAPE.members, ...shape({ name: VALUE, version: VALUE }).members],
}

/** Reads the manifest of one version. Throws for everything that is none. */
export function parse(bytes: Buffer): ParsedDocument<PackageFacts> {
  const manifest = scan(bytes, MANIFEST)
  const name = textOf(bytes, manifest.members.get('name'))
  const version = textOf(bytes, manifest.members.get('version'))
  if (name === undefined || !isPackageName(name)) throw new Error('not a version manifest: «name» has to be a package name')
  if (version === undefined || !isFileVersion(version)) throw new Error('not a version manifest: «version» has to be a version')
  return readDists(bytes, name, [[version, manifest]])
}

/** The same for mirrors that leave the document as it is. */
export function parsePreserved(bytes: Buffer): ParsedDocument<PackageFacts> {
  return { ...parse(bytes), spans: [] }
}

export const manifestParsers: Readonly<Record<TarballUrls, DocumentParser<PackageFacts>>> = {
  rewrite: { id: 'npm-manifest-1', module: import.meta.url, exportName: 'parse', parse },
  preserve: { id: 'npm-manifest-preserved-1', module: import.meta.url, exportName: 'parsePreserved', parse: parsePreserved },
}
