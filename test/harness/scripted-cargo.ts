import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '../../node/clock.ts'
import { type Answer, answer, json, redirect, serve } from './answer.ts'
import { headers } from './fault.ts'
import { type CrateDependency, type CrateInit, crateArchive, indexLine } from './scripted-cargo-crate.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

export interface PublishedCrate {
  readonly name: string
  readonly version: string
  readonly archive: Buffer
  /** Of the archive, as hex. */
  readonly sha256: string
  /** The line of the index, without its end of line. */
  readonly line: string
}

interface Published extends PublishedCrate {
  readonly dependencies: readonly CrateDependency[]
  yanked: boolean
}

/** Last-Modified of the first state of an index file; each change makes it a minute later. */
const FIRST_MODIFIED = Date.UTC(2026, 0, 1)
const MINUTE = 60_000

/**
 * A registry of crates as the public one is, on two loopback ports: the sparse index and the API that sends on to the archives, and
 * the host that has these. Each has a tally by kind (`config`, `index`, `crate`, …), faults, rates, and can be gone.
 */
export class ScriptedCargo extends UpstreamServer {
  readonly files: CrateFiles
  /** `dl` of `config.json`; that of the API if not set. */
  dl: string | undefined
  /** Further members of `config.json`. */
  more: Readonly<Record<string, unknown>> = {}
  validators: 'etag' | 'last-modified' | 'none' = 'etag'
  /** What `Authorization` has to be for anything to be given out; everybody may have everything if not set. */
  authorization: string | undefined
  readonly #crates: Published[] = []
  readonly #changes = new Map<string, number>()

  constructor(clock: Clock = systemClock) {
    super(clock)
    this.files = new CrateFiles(() => this.#crates, clock)
  }

  /** Base of the index, with a slash at its end. */
  get index(): string {
    return `${this.origin}/index/`
  }

  publish(name: string, version: string, init: CrateInit = {}): PublishedCrate {
    const archive = init.archive ?? crateArchive(name, version, init)
    const sha256 = createHash('sha256').update(archive).digest('hex')
    const { dependencies = [], more = {} } = init
    const line = indexLine({ name, version, sha256, dependencies, yanked: false, more })
    const crate = { name, version, archive, sha256, line, dependencies, yanked: false }
    this.#crates.push(crate)
    this.#changed(name)
    return crate
  }

  yank(name: string, version: string): void {
    const crate = this.#crates.find((one) => one.name === name && one.version === version)
    if (!crate) throw new Error(`${name} ${version} was not published`)
    crate.yanked = true
    this.#changed(name)
  }

  /** The index file as it is now. */
  indexFile(name: string): Buffer {
    const lines = this.#of(name).map(({ line, yanked }) => (yanked ? line.replace('"yanked":false', '"yanked":true') : line))
    return Buffer.from(lines.map((line) => `${line}\n`).join(''))
  }

  lastModified(name: string): string {
    return new Date(FIRST_MODIFIED + (this.#changes.get(name.toLowerCase()) ?? 0) * MINUTE).toUTCString()
  }

  override async start(): Promise<this> {
    await Promise.all([super.start(), this.files.start()])
    return this
  }

  override async stop(): Promise<void> {
    await Promise.all([super.stop(), this.files.stop()])
  }

  override async gone(): Promise<void> {
    await Promise.all([super.gone(), this.files.gone()])
  }

  override async back(): Promise<void> {
    await Promise.all([super.back(), this.files.back()])
  }

  protected kindOf(path: string): string {
    if (path === '/index/config.json') return 'config'
    if (path.startsWith('/index/')) return 'index'
    return path.startsWith('/api/v1/crates/') ? 'api' : 'other'
  }

  protected find({ path, headers: { authorization } }: LoggedRequest): Answer {
    if (this.authorization !== undefined && authorization !== this.authorization) {
      // The Cargo Book, «Sparse Authentication».
      return answer(401, 'log in first', { 'www-authenticate': 'Cargo login_url="https://login.example.test"' })
    }
    const [, name = '', version = ''] = /^\/api\/v1\/crates\/([^/]+)\/([^/]+)\/download$/.exec(path) ?? []
    if (name !== '') return redirect(this.files.sign(name, version))
    if (path === '/index/config.json') return this.#config()
    const asked = path.slice(path.lastIndexOf('/') + 1)
    return path.startsWith('/index/') && path === indexPathOf(asked) ? this.#indexAnswer(asked) : answer(404, 'no such path')
  }

  #config(): Answer {
    const { dl = `${this.origin}/api/v1/crates`, more } = this
    return json({ dl, api: this.origin, ...more })
  }

  #indexAnswer(name: string): Answer {
    const bytes = this.indexFile(name)
    if (bytes.length === 0) return answer(404, 'no such crate')
    const plain = serve(bytes, { 'content-type': 'text/plain', 'cache-control': 'max-age=600' })
    if (this.validators === 'etag') return plain
    return headers({ etag: '', 'last-modified': this.validators === 'none' ? '' : this.lastModified(name) })(plain)
  }

  #of(name: string): Published[] {
    return this.#crates.filter((crate) => crate.name.toLowerCase() === name.toLowerCase())
  }

  #changed(name: string): void {
    const lower = name.toLowerCase()
    this.#changes.set(lower, (this.#changes.get(lower) ?? -1) + 1)
  }
}

/** The host of the archives: whatever the path is, it has to name one crate, by name and version or by checksum. */
export class CrateFiles extends UpstreamServer {
  readonly #crates: () => readonly PublishedCrate[]

  constructor(crates: () => readonly PublishedCrate[], clock: Clock) {
    super(clock)
    this.#crates = crates
  }

  /** A URL that is good without any other proof. */
  sign(name: string, version: string): string {
    return `${this.origin}/signed/${name}/${version}/download?signature=made-up`
  }

  protected kindOf(): string {
    return 'crate'
  }

  protected find({ path, target, headers: { authorization } }: LoggedRequest): Answer {
    // A request with two ways to prove who asks is refused, as S3 does.
    if (target.includes('signature=') && authorization !== undefined) return answer(400, 'Only one auth mechanism is allowed')
    const [bare = ''] = path.split('?')
    const named = ({ name, version, sha256 }: PublishedCrate) =>
      bare.includes(`/${name}/${version}/`) || bare.endsWith(`/${name}-${version}.crate`) || bare.includes(sha256)
    const crate = this.#crates().find(named)
    return crate ? serve(crate.archive, { 'content-type': 'application/gzip' }) : answer(403, 'AccessDenied')
  }
}

/** The Cargo Book, «Index Files». */
function indexPathOf(name: string): string {
  const folders = name.length <= 2 ? [name.length] : name.length === 3 ? [3, name[0]] : [name.slice(0, 2), name.slice(2, 4)]
  return `/index/${folders.join('/')}/${name}`
}
