import { createHash } from 'node:crypto'
import { type Answer, answer, serve } from './answer.ts'
import { ScriptedUpstream } from './scripted.ts'

type ChecksumAlgorithm = 'md5' | 'sha1' | 'sha256' | 'sha512'

/** A repository into which a test deploys; `upstream` takes faults and counts. */
export class ScriptedMaven {
  readonly upstream: ScriptedUpstream
  /** Which checksums are put beside what is deployed. */
  checksums: readonly ChecksumAlgorithm[] = ['md5', 'sha1']
  readonly #files = new Map<string, Answer>()

  constructor(upstream = new ScriptedUpstream()) {
    this.upstream = upstream
    upstream.on(/^\//, ({ target }) => this.#answer(target))
  }

  /** Base URL. */
  get url(): string {
    return `${this.upstream.origin}/m2/`
  }

  async start(): Promise<this> {
    await this.upstream.start()
    return this
  }

  /** Puts a file and its checksums; the path is relative to the base. */
  deploy(path: string, bytes: Buffer | string, headers: Readonly<Record<string, string>> = {}): this {
    this.put(path, bytes, headers)
    for (const algorithm of this.checksums) this.put(`${path}.${algorithm}`, hexOf(algorithm, bytes))
    return this
  }

  /** Puts a file alone. */
  put(path: string, bytes: Buffer | string, headers: Readonly<Record<string, string>> = {}): this {
    this.#files.set(path, serve(bytes, { 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT', ...headers }))
    return this
  }

  /** Takes a file and its checksums away. */
  remove(path: string): void {
    for (const ending of ['', '.md5', '.sha1', '.sha256', '.sha512']) this.#files.delete(path + ending)
  }

  /** Requests to a path so far, relative to the base. */
  count(path: string): number {
    return this.upstream.count(`/m2/${path}`)
  }

  /** All requests so far, as `GET path`. */
  get log(): readonly string[] {
    return this.upstream.tally.log.map(({ method, path }) => `${method} ${path.replace('/m2/', '')}`)
  }

  #answer(target: string): Answer {
    const path = decodeURIComponent(target.replace(/\?.*$/, ''))
    const file = this.#files.get(path.replace(/^\/m2\//, ''))
    if (file) return file
    return path.startsWith('/m2/') && path.endsWith('/') ? this.#listing(path.slice('/m2/'.length)) : answer(404, 'not found')
  }

  /** As the central repository shows a directory. */
  #listing(directory: string): Answer {
    const below = [...this.#files.keys()].filter((path) => path.startsWith(directory))
    const names = new Set(below.map((path) => path.slice(directory.length).replace(/\/.*$/, '/')))
    if (names.size === 0) return answer(404, 'not found')
    const lines = [...names].sort().map((name) => `<a href="${name}" title="${name}">${name}</a>  2024-01-02 03:04  -`)
    const page = `<html><body><h1>${directory}</h1><pre id="contents"><a href="../">../</a>\n${lines.join('\n')}\n</pre></body></html>`
    return serve(page, { 'content-type': 'text/html; charset=utf-8' })
  }
}

export function hexOf(algorithm: ChecksumAlgorithm, bytes: Buffer | string): string {
  return createHash(algorithm).update(bytes).digest('hex')
}

/** A POM without dependencies. */
export function pomOf(group: string, artifact: string, version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></project>\n`
}

/** The metadata of an artifact. */
export function versionsOf(
  group: string,
  artifact: string,
  versions: readonly string[],
  lastUpdated = '20240101000000',
): string {
  const newest = versions.at(-1)
  const list = versions.map((version) => `      <version>${version}</version>\n`).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>
<metadata>
  <groupId>${group}</groupId>
  <artifactId>${artifact}</artifactId>
  <versioning>
    <latest>${newest}</latest>
    <release>${newest}</release>
    <versions>
${list}    </versions>
    <lastUpdated>${lastUpdated}</lastUpdated>
  </versioning>
</metadata>
`
}

/** The metadata of a snapshot whose newest build has a jar and a POM. */
export function buildsOf(group: string, artifact: string, version: string, timestamp: string, build: number): string {
  const updated = timestamp.replace('.', '')
  const value = version.replace('SNAPSHOT', `${timestamp}-${build}`)
  const file = (extension: string) =>
    `<snapshotVersion><extension>${extension}</extension><value>${value}</value><updated>${updated}</updated></snapshotVersion>`
  return `<metadata modelVersion="1.1.0"><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version><versioning><snapshot><timestamp>${timestamp}</timestamp><buildNumber>${build}</buildNumber></snapshot><lastUpdated>${updated}</lastUpdated><snapshotVersions>${file('jar')}${file('pom')}</snapshotVersions></versioning></metadata>
`
}
