import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Body, bufferBody } from '../../node/body.ts'
import { digestOf, fileBody, patternBodies } from './bodies.ts'

/** A response that was recorded, ready to be served again. */
export interface Recorded {
  readonly status: number
  /** Lower-case names; those of the connection and the framing are not kept. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes. */
  readonly size: number
  /** Lower-case hex, of the bytes as they were recorded. */
  readonly sha256: string
  readonly open: () => Body
}

/** What a replay serves from. */
export interface Recordings {
  /** URL of the registry that was recorded, with a slash at its end. */
  readonly base: string
  /** Origins that recorded documents may name, the registry's own first. */
  readonly origins: readonly string[]
  /** @param variant tells apart answers that one path has for different request headers; '' is the ordinary one */
  find(path: string, variant: string): Recorded | undefined
}

/** Headers that belong to one connection or one moment (RFC 9110 section 7.6.1) and must not be played back. */
const NOT_KEPT = new Set([
  'age',
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/** Path and query as one spelling: percent escapes are decoded once, so that `%2f`, `%2F` and `/` are the same. */
export function canonicalPath(target: string): string {
  const relative = target.startsWith('/') ? target : new URL(target).href.slice(new URL(target).origin.length)
  const query = relative.indexOf('?')
  const path = query < 0 ? relative : relative.slice(0, query)
  try {
    return decodeURIComponent(path) + (query < 0 ? '' : relative.slice(query))
  } catch {
    return relative
  }
}

/** A recording in memory, for registries that are made up. */
export class MemoryRecording implements Recordings {
  readonly base: string
  readonly origins: string[]
  readonly #entries = new Map<string, Recorded>()

  constructor(base: string) {
    this.base = base
    this.origins = [new URL(base).origin]
  }

  /** Keeps an answer, or replaces the one that was there. */
  record(url: string, status: number, headers: Readonly<Record<string, string>>, body: Buffer, variant = ''): void {
    this.#entries.set(keyOf(canonicalPath(url), variant), {
      status,
      headers: keptHeaders(headers),
      size: body.length,
      sha256: createHash('sha256').update(body).digest('hex'),
      open: () => bufferBody(body),
    })
  }

  /** An artifact of any size that takes no memory; resolves with its sha256. The same seed gives the same bytes. */
  async recordLarge(url: string, size: number, seed = 1): Promise<string> {
    const open = patternBodies(size, seed)
    const sha256 = await digestOf(open())
    const headers = { 'content-type': 'application/octet-stream' }
    this.#entries.set(keyOf(canonicalPath(url), ''), { status: 200, headers, size, sha256, open })
    return sha256
  }

  /** From now on the path is not recorded. */
  forget(path: string, variant = ''): void {
    this.#entries.delete(keyOf(canonicalPath(path), variant))
  }

  find(path: string, variant: string): Recorded | undefined {
    return this.#entries.get(keyOf(path, variant)) ?? this.#entries.get(keyOf(path, ''))
  }
}

interface Entry {
  readonly path: string
  readonly variant: string
  readonly status: number
  readonly headers: Record<string, string>
  readonly size: number
  readonly sha256: string
}

interface Index {
  readonly version: 1
  readonly base: string
  readonly origins: string[]
  readonly complete: boolean
  readonly entries: Entry[]
}

const INDEX_FILE = 'index.json'

/** A recording in a folder: `index.json`, and the bodies by their sha256 under `bodies`. */
export class Recording implements Recordings {
  readonly folder: string
  readonly base: string
  readonly origins: string[]
  readonly #entries = new Map<string, Entry>()

  private constructor(folder: string, base: string, origins: string[]) {
    this.folder = folder
    this.base = base
    this.origins = origins
    mkdirSync(join(folder, 'bodies'), { recursive: true })
  }

  /** An empty recording of the registry at `base`. */
  static create(folder: string, base: string): Recording {
    const slashed = base.endsWith('/') ? base : `${base}/`
    return new Recording(folder, slashed, [new URL(slashed).origin])
  }

  /** A recording that was saved whole; undefined when there is none, or one that was broken off. */
  static load(folder: string): Recording | undefined {
    let text: string
    try {
      text = readFileSync(join(folder, INDEX_FILE), 'utf8')
    } catch {
      return undefined
    }
    const index: Index = JSON.parse(text)
    if (index.version !== 1 || !index.complete) return undefined
    const recording = new Recording(folder, index.base, index.origins)
    for (const entry of index.entries) recording.#entries.set(keyOf(entry.path, entry.variant), entry)
    return recording
  }

  get size(): number {
    return this.#entries.size
  }

  record(url: string, status: number, headers: Readonly<Record<string, string>>, body: Buffer, variant = ''): void {
    const sha256 = createHash('sha256').update(body).digest('hex')
    writeFileSync(this.#bodyFile(sha256), body)
    const path = canonicalPath(url)
    this.#entries.set(keyOf(path, variant), { path, variant, status, headers: keptHeaders(headers), size: body.length, sha256 })
  }

  find(path: string, variant: string): Recorded | undefined {
    const entry = this.#entries.get(keyOf(path, variant)) ?? this.#entries.get(keyOf(path, ''))
    if (!entry) return undefined
    return { ...entry, open: () => fileBody(this.#bodyFile(entry.sha256), entry.size) }
  }

  /** Every recorded path with its status and size, for reports. */
  entries(): readonly Pick<Entry, 'path' | 'variant' | 'status' | 'size'>[] {
    return [...this.#entries.values()]
  }

  /** Writes the index; `complete` says that the recording holds all that it should and may be used again. */
  save(complete: boolean): void {
    const index: Index = {
      version: 1,
      base: this.base,
      origins: this.origins,
      complete,
      entries: [...this.#entries.values()],
    }
    writeFileSync(join(this.folder, `${INDEX_FILE}.new`), JSON.stringify(index))
    renameSync(join(this.folder, `${INDEX_FILE}.new`), join(this.folder, INDEX_FILE))
  }

  #bodyFile(sha256: string): string {
    return join(this.folder, 'bodies', sha256)
  }
}

function keyOf(path: string, variant: string): string {
  return `${variant}\0${path}`
}

function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !NOT_KEPT.has(name)))
}
