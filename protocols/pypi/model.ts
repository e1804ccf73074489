import { readHtml } from './anchors.ts'
import { distributionOf, promisesOf } from './html-page.ts'
import { isJson } from './page.ts'
import { hashOf, withoutHash } from './urls.ts'

/** A file of a page, by the names of the JSON API (PEP 691, 700, 708, 714, 740), as far as HTML has them as well. */
export interface ModelFile {
  readonly filename: string
  readonly url: string
  readonly hashes: Readonly<Record<string, string>>
  readonly 'requires-python'?: string
  readonly 'core-metadata'?: boolean | Readonly<Record<string, string>>
  readonly 'gpg-sig'?: boolean
  readonly yanked?: boolean | string
  readonly provenance?: string
}

/** Reads the files of a page, whichever form it is in; it was checked before it was kept. Throws a plain Error for what is none. */
export function readModel(page: Buffer): ModelFile[] {
  return isJson(page) ? readJson(page) : readHtml(page).anchors.flatMap((anchor) => fileOfAnchor(anchor) ?? [])
}

type Given = Readonly<Record<string, unknown>>

function readJson(page: Buffer): ModelFile[] {
  const { files } = JSON.parse(page.toString('utf8')) as { files: Given[] }
  return files.map(fileOfJson)
}

function fileOfJson(given: Given): ModelFile {
  const metadata = given['core-metadata'] ?? given['dist-info-metadata']
  return {
    filename: String(given.filename),
    url: String(given.url),
    hashes: textsOf(given.hashes),
    ...textAs('requires-python', given),
    ...(typeof metadata === 'boolean' ? { 'core-metadata': metadata } : {}),
    ...(isTable(metadata) ? { 'core-metadata': textsOf(metadata) } : {}),
    ...(typeof given['gpg-sig'] === 'boolean' ? { 'gpg-sig': given['gpg-sig'] } : {}),
    ...(typeof given.yanked === 'boolean' || typeof given.yanked === 'string' ? { yanked: given.yanked } : {}),
    ...textAs('provenance', given),
  }
}

function fileOfAnchor(anchor: Parameters<typeof promisesOf>[0]): ModelFile | undefined {
  const { attributes, href } = anchor
  const filename = distributionOf(anchor)
  if (filename === undefined) return undefined
  const { metadata } = promisesOf(anchor)
  const [, algorithm, hex] = /^(\w+)=([0-9A-Fa-f]+)$/.exec(hashOf(href.text)) ?? []
  const reason = attributes.get('data-yanked')
  const sign = attributes.get('data-gpg-sig')
  const python = attributes.get('data-requires-python')
  const provenance = attributes.get('data-provenance')
  return {
    filename,
    url: withoutHash(href.text),
    hashes: algorithm !== undefined && hex !== undefined ? { [algorithm]: hex.toLowerCase() } : {},
    ...(python === undefined ? {} : { 'requires-python': python }),
    ...(metadata ? { 'core-metadata': metadata === true ? true : { [metadata.algorithm]: metadata.hex } } : {}),
    ...(sign === undefined ? {} : { 'gpg-sig': sign === 'true' }),
    // PEP 592: that the attribute is there is enough.
    yanked: reason === undefined ? false : reason || true,
    ...(provenance === undefined ? {} : { provenance }),
  }
}

function isTable(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textsOf(value: unknown): Record<string, string> {
  const texts = Object.entries(isTable(value) ? value : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(texts)
}

function textAs<Name extends string>(name: Name, given: Given): { [Key in Name]?: string } {
  const value = given[name]
  return typeof value === 'string' ? ({ [name]: value } as { [Key in Name]?: string }) : {}
}
