import { createHash } from 'node:crypto'
import { type Answer, answer, serve } from './answer.ts'
import { makeWheel, type Wheel, type WheelInit } from './scripted-pypi-wheel.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'

/** What an index has of one file. */
export interface IndexedFile {
  readonly file: string
  readonly bytes: Buffer
  readonly metadata?: Buffer
  /** What the page says beside name and URL: keys of the JSON API. Digest and metadata are as they are, if not given here. */
  says: Record<string, unknown>
}

/** A Python package index. Its knobs may be turned while it runs. */
export class ScriptedIndex extends UpstreamServer {
  /** What pages are in: `both` by `Accept`. */
  form: 'both' | 'html' = 'both'
  /** How pages write URLs of files. */
  links: 'absolute' | 'relative' = 'absolute'
  /** Where pages put the files, if not on this server. */
  fileOrigin: string | undefined
  /** The `Cache-Control` of pages. */
  cacheControl = 'max-age=600, public'
  readonly projects = new Map<string, Map<string, IndexedFile>>()

  /** Base URL of the simple API. */
  get base(): string {
    return `${this.origin}/simple/`
  }

  /** Adds a wheel; `says` is added to what its page says of it. */
  publish(init: WheelInit, says: Record<string, unknown> = {}): Wheel {
    const wheel = makeWheel(init)
    this.add(init.name, { ...wheel, says })
    return wheel
  }

  add(project: string, file: IndexedFile): void {
    const files = this.projects.get(project) ?? new Map<string, IndexedFile>()
    this.projects.set(project, files.set(file.file, file))
  }

  /** Where a file is, below the origin. */
  pathOf(file: IndexedFile | Wheel): string {
    const hex = createHash('blake2b512').update(file.bytes).digest('hex')
    return `/packages/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4, 64)}/${file.file}`
  }

  protected kindOf(path: string): string {
    if (path.startsWith('/simple/')) return 'page'
    if (path.endsWith('.metadata')) return 'metadata'
    return path.startsWith('/packages/') ? 'file' : 'other'
  }

  protected find({ path, headers }: LoggedRequest): Answer {
    const project = /^\/simple\/([^/]+)\/$/.exec(path)?.[1]
    if (project !== undefined) return this.#page(project, headers.accept ?? '')
    for (const files of this.projects.values()) {
      for (const file of files.values()) {
        if (path === this.pathOf(file)) return serve(file.bytes)
        if (path === `${this.pathOf(file)}.metadata` && file.metadata) return serve(file.metadata)
      }
    }
    return answer(404, 'no such file')
  }

  #page(project: string, accept: string): Answer {
    const files = this.projects.get(project)
    if (!files) return answer(404, 'no such project')
    const json = this.form === 'both' && accept.includes(JSON_TYPE)
    const all = [...files.values()].map((file) => ({ filename: file.file, url: this.#urlOf(file), ...saidOf(file) }))
    const vary = { vary: 'Accept', 'cache-control': this.cacheControl }
    if (!json) return serve(htmlOf(project, all), { 'content-type': 'text/html', ...vary })
    const page = { meta: { 'api-version': '1.1' }, name: project, versions: [], files: all }
    return serve(JSON.stringify(page), { 'content-type': JSON_TYPE, ...vary })
  }

  #urlOf(file: IndexedFile): string {
    const path = this.pathOf(file)
    return this.links === 'relative' ? `../..${path}` : (this.fileOrigin ?? this.origin) + path
  }
}

function saidOf({ bytes, metadata, says }: IndexedFile): Record<string, unknown> {
  const described = metadata ? { 'core-metadata': { sha256: sha256(metadata) } } : {}
  return { hashes: { sha256: sha256(bytes) }, size: bytes.length, yanked: false, ...described, ...says }
}

function htmlOf(project: string, files: readonly Record<string, unknown>[]): string {
  const links = files.map((file) => {
    const [hash = ''] = Object.entries(file.hashes as object).map(([name, hex]) => `#${name}=${hex}`)
    const metadata = Object.entries((file['core-metadata'] ?? {}) as object).map(
      ([name, hex]) => ` data-dist-info-metadata="${name}=${hex}"`,
    )
    return `<a href="${file.url}${hash}"${metadata.join('')}>${file.filename}</a><br/>\n`
  })
  return `<!DOCTYPE html>\n<html><head><title>Links for ${project}</title></head><body>\n${links.join('')}</body></html>\n`
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
