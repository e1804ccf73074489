import type { Offers } from '../protocol.ts'
import { readHtml } from './anchors.ts'
import { linkedFile } from './html-page.ts'
import { isFileName, versionOf } from './names.ts'
import { isJson } from './page.ts'

type Allows = Parameters<Offers['withhold']>[1]

/** Which versions the page of a project offers: files are left out by the version in their name. */
export function offersOf(project: string): Offers {
  return {
    id: `pypi-offers-2 ${project}`,
    from: { module: import.meta.url, exportName: 'offersOf', args: [project] },
    withhold: (page, allows) => (isJson(page) ? withholdJson(page, project, allows) : withholdHtml(page, project, allows)),
  }
}

interface Page {
  readonly versions?: unknown
  readonly files: readonly { readonly filename?: unknown; readonly 'upload-time'?: unknown }[]
}

/** What the page says beside its files stays. */
function withholdJson(bytes: Buffer, project: string, allows: Allows): Buffer {
  const page = JSON.parse(bytes.toString('utf8')) as Page
  const versions = new Map<string, boolean>()
  const files = page.files.filter((file) => {
    const version = versionAs(project, file.filename)
    const published = typeof file['upload-time'] === 'string' ? Date.parse(file['upload-time']) : Number.NaN
    const allowed = allows(version, Number.isNaN(published) ? undefined : published)
    versions.set(version, allowed || versions.get(version) === true)
    return allowed
  })
  const listed = Array.isArray(page.versions) ? page.versions : []
  // The list may name versions that have no file any more: where none is left that has one, they are nothing to choose either.
  const left = listed.filter((version) => {
    const known = versionAs(project, `${project}-${version}.tar.gz`)
    return versions.get(known) ?? (files.length > 0 && allows(known, undefined))
  })
  if (files.length === page.files.length && left.length === listed.length) return bytes
  return Buffer.from(JSON.stringify({ ...page, ...(Array.isArray(page.versions) ? { versions: left } : {}), files }))
}

/** HTML tells no dates. */
function withholdHtml(bytes: Buffer, project: string, allows: Allows): Buffer {
  const kept: Buffer[] = []
  let at = 0
  for (const anchor of readHtml(bytes).anchors) {
    const file = linkedFile(anchor)
    if (file === undefined || allows(versionAs(project, file), undefined)) continue
    kept.push(bytes.subarray(at, anchor.start))
    at = anchor.end
  }
  return at === 0 ? bytes : Buffer.concat([...kept, bytes.subarray(at)])
}

function versionAs(project: string, file: unknown): string {
  const name = String(file)
  // Of what nobody can ask for here it does not matter; taking it apart might take long.
  return isFileName(name) ? versionOf(project, name) : ''
}
