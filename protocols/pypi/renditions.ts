import { isUtf8 } from 'node:buffer'
import type { Rendition } from '../protocol.ts'
import { type Form, HTML_TYPE, JSON_TYPE, VERSIONED_HTML_TYPE } from './accept.ts'
import { type ModelFile, readModel } from './model.ts'
import { isJson } from './page.ts'

/** The form that a client wants of a project's page; undefined where it takes it as upstream has it. */
export function renditionOf(form: Form, project: string): Rendition | undefined {
  switch (form) {
    case 'stored':
      return undefined
    case 'json':
      return rendition('json', project, JSON_TYPE, (page) => (isJson(page) ? page : toJson(page, project)))
    case 'html':
      return rendition('html', project, HTML_TYPE, (page) => toHtml(page, project))
    case 'versioned-html':
      return rendition('versioned-html', project, VERSIONED_HTML_TYPE, (page) => toHtml(page, project))
  }
}

function rendition(form: Form, project: string, type: string, make: (page: Buffer) => Buffer): Rendition {
  const render = ([page]: readonly Buffer[]) => {
    if (!page) throw new Error('there is no page')
    return make(page)
  }
  const from = { module: import.meta.url, exportName: 'renditionOf', args: [form, project] }
  return { id: `pypi-${form}-2 ${project}`, from, headers: { 'content-type': type }, render }
}

/** Version 1.0 of the API: what later ones demand (PEP 700) no page of HTML tells. */
function toJson(page: Buffer, name: string): Buffer {
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name, files: readModel(page) }))
}

/** As upstream has it, but in UTF-8; of JSON, as PEP 503 and those after it have it. No further attributes come to it any more (PEP 833). */
function toHtml(page: Buffer, project: string): Buffer {
  if (!isJson(page)) return isUtf8(page) ? page : Buffer.from(page.toString('latin1'))
  const title = `Links for ${escaped(project)}`
  const head = `<meta name="pypi:repository-version" content="1.0">\n<title>${title}</title>`
  const links = readModel(page).map((file) => `<a ${attributesOf(file).join(' ')}>${escaped(file.filename)}</a><br>\n`)
  return Buffer.from(
    `<!DOCTYPE html>\n<html>\n<head>\n${head}\n</head>\n<body>\n<h1>${title}</h1>\n${links.join('')}</body>\n</html>\n`,
  )
}

function attributesOf(file: ModelFile): string[] {
  const { hashes, url, yanked, provenance } = file
  const hash = hashOf(hashes)
  const attributes = [`href="${escaped(hash === '' ? url : `${url}#${hash}`)}"`]
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) attributes.push(`${name}="${escaped(value)}"`)
  }
  add('data-requires-python', file['requires-python'])
  const metadata = file['core-metadata']
  if (metadata) {
    const promise = metadata === true ? 'true' : hashOf(metadata) || 'true'
    // In HTML, and only there, both names go out for clients older than the second one (PEP 714 «Recommendations»).
    add('data-core-metadata', promise)
    add('data-dist-info-metadata', promise)
  }
  if (file['gpg-sig'] !== undefined) add('data-gpg-sig', String(file['gpg-sig']))
  if (yanked !== undefined && yanked !== false) add('data-yanked', yanked === true ? '' : yanked)
  add('data-provenance', provenance)
  return attributes
}

/** The one digest that there is room for: sha256 where there is one, as all clients know it. */
function hashOf(hashes: Readonly<Record<string, string>>): string {
  const entries = Object.entries(hashes)
  const [algorithm, hex] = entries.find(([name]) => name === 'sha256') ?? entries[0] ?? []
  return algorithm === undefined ? '' : `${algorithm}=${hex}`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
