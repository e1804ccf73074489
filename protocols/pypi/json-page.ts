import type { ParsedDocument } from '../../node/cache/plan.ts'
import type { Digest } from '../../node/digest.ts'
import { type Found, listOf, scan, shape, textOf } from '../json/scan.ts'
import { chooseDigest } from './digests.ts'
import { FactsWriter, type PageFacts } from './facts.ts'
import { isFileName, isProjectName, normaliseName } from './names.ts'
import { noPlaceOf, placeOf } from './paths.ts'
import { withoutHash } from './urls.ts'

const VALUE = shape()
const HASHES = shape({}, VALUE)
const FILE = shape({
  filename: VALUE,
  url: VALUE,
  hashes: HASHES,
  'core-metadata': HASHES,
  'dist-info-metadata': HASHES,
  'gpg-sig': VALUE,
  'upload-time': VALUE,
})
const PAGE = shape({ meta: shape({ 'api-version': VALUE }), name: VALUE, files: listOf(FILE) })

/**
 * Reads a page of the JSON API. Every file's URL becomes a span that leads to the mirror, below the files of the project (`filesOf`).
 */
export function parseJson(bytes: Buffer): ParsedDocument<PageFacts> {
  const page = scan(bytes, PAGE)
  const version = textOf(bytes, page.members.get('meta')?.members.get('api-version'))
  if (version === undefined || !/^1\.\d+$/.test(version)) {
    throw new Error('not a page of the simple API: «meta.api-version» has to be 1 and something')
  }
  const given = textOf(bytes, page.members.get('name'))
  if (given === undefined || !isProjectName(given)) throw new Error('not a page of a project: «name» has to be its name')
  const files = page.members.get('files')
  if (files?.type !== 'array') throw new Error('not a page of a project: «files» has to be a list')
  const facts = new FactsWriter()
  const spans: [number, number, string][] = []
  for (const found of files.items) {
    const span = readFile(bytes, found, facts)
    if (span) spans.push(span)
  }
  return { spans, facts: { form: 'json', name: normaliseName(given), files: facts.files } }
}

function readFile(bytes: Buffer, found: Found, facts: FactsWriter): [number, number, string] | undefined {
  const { members } = found
  const place = members.get('url')
  const url = textOf(bytes, place)
  const file = textOf(bytes, members.get('filename'))
  if (found.type !== 'object' || !place || url === undefined || file === undefined) {
    throw new Error('not a page of a project: each of «files» has to have a «filename» and a «url»')
  }
  if (!isFileName(file)) return [place.start, place.end, noPlaceOf(file)]
  const digest = chooseDigest(textsOf(bytes, members.get('hashes')))
  const current = members.get('core-metadata')
  const metadata = metadataOf(bytes, current ?? members.get('dist-info-metadata'))
  const published = timeOf(textOf(bytes, members.get('upload-time')))
  const signed = boolOf(bytes, members.get('gpg-sig'))
  const path = placeOf({ file, digest })
  // Clients read the promise under its new name (PEP 714). The old one is never added: it ends pip before 23.2.
  const alias = metadata && !current ? `","core-metadata":${jsonOf(metadata)}` : ''
  const written = {
    file,
    ...(digest ? { digest } : {}),
    ...(metadata ? { metadata } : {}),
    ...(published === undefined ? {} : { published }),
    ...(signed === undefined ? {} : { signed }),
    url: withoutHash(url),
  }
  facts.add(written, path.length + alias.length)
  // What is added stands behind the URL's closing quote.
  return alias ? [place.start, place.end + 1, path + alias] : [place.start, place.end, path]
}

function textsOf(bytes: Buffer, found: Found | undefined): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [name, value] of found?.members ?? []) {
    const text = textOf(bytes, value)
    if (text !== undefined) texts.set(name, text)
  }
  return texts
}

/** PEP 658 as PEP 691 has it: a table of digests, or whether there are any metadata. */
function metadataOf(bytes: Buffer, found: Found | undefined): Digest | true | undefined {
  if (found?.type !== 'object') return boolOf(bytes, found) || undefined
  return chooseDigest(textsOf(bytes, found)) ?? true
}

function jsonOf(metadata: Digest | true): string {
  return metadata === true ? 'true' : JSON.stringify({ [metadata.algorithm]: metadata.hex })
}

function boolOf(bytes: Buffer, found: Found | undefined): boolean | undefined {
  const text = found?.type === 'other' ? bytes.toString('latin1', found.start, found.end) : ''
  return text === 'true' ? true : text === 'false' ? false : undefined
}

/** PEP 700: ISO 8601, in UTC. */
function timeOf(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? undefined : time
}
