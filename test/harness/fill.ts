import type { IncomingHttpHeaders } from 'node:http'
import { ABBREVIATED_TYPE, npmKind, npmVariant, tarballOf } from './npm-kinds.ts'
import type { FetchedAnswer } from './npm-registry.ts'
import { canonicalPath, type Recording } from './recording.ts'
import { ReplayUpstream } from './replay.ts'

/** Origins besides the registry's own whose tarballs its documents may name. */
const MAX_ORIGINS = 8

/** Where the answers come from: the configured registry, or a stand-in. */
export interface AnswerSource {
  readonly base: string
  fetch(url: string, accept: string): Promise<FetchedAnswer>
}

/**
 * A registry that fetches what it was not asked before, records it, and serves it from the recording: whatever a client
 * installs through it can be installed again without the registry behind.
 */
export class RecordingRegistry {
  readonly recording: Recording
  readonly #source: AnswerSource
  readonly #replay: ReplayUpstream
  readonly #flights = new Map<string, Promise<void>>()
  /** Canonical tarball path → its package and its URL, as the documents had it. */
  readonly #tarballs = new Map<string, { url: string; name: string; version: string }>()

  constructor(recording: Recording, source: AnswerSource) {
    this.recording = recording
    this.#source = source
    this.#replay = new ReplayUpstream(recording, { missing: (target, headers) => this.#record(target, headers) })
  }

  /** What a client is to use as its registry. */
  get url(): string {
    return this.#replay.url
  }

  start(): Promise<unknown> {
    return this.#replay.start()
  }

  stop(): Promise<void> {
    return this.#replay.stop()
  }

  /** Adds the small manifest of each version whose tarball is recorded; resolves with how many there are. */
  async addManifests(): Promise<number> {
    const base = new URL(this.recording.base).pathname
    const wanted = this.recording.entries().flatMap(({ path, status }) => {
      const found = this.#tarballs.get(path) ?? tarballOf(path, base)
      return npmKind(path, base) === 'tarball' && status === 200 && found ? [`${base}${found.name}/${found.version}`] : []
    })
    const queue = [...new Set(wanted)]
    const worker = async () => {
      for (let path = queue.shift(); path !== undefined; path = queue.shift()) await this.#record(path, {})
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    return new Set(wanted).size
  }

  #record(target: string, headers: IncomingHttpHeaders): Promise<void> {
    const path = canonicalPath(target)
    const variant = npmVariant(headers)
    const key = `${variant} ${path}`
    const flight = this.#flights.get(key) ?? this.#fetch(target, path, variant, headers.accept)
    this.#flights.set(key, flight)
    return flight.finally(() => this.#flights.delete(key))
  }

  async #fetch(target: string, path: string, variant: string, accept = '*/*'): Promise<void> {
    if (this.recording.find(path, variant)) return
    const url = this.#tarballs.get(path)?.url ?? new URL(target, this.recording.base).href
    const { status, headers, body } = await this.#source.fetch(url, accept)
    // A registry that gives everyone the same document has no variants.
    const kept = headers['content-type']?.startsWith(ABBREVIATED_TYPE) ? variant : ''
    const kind = npmKind(path, new URL(this.recording.base).pathname)
    if (kind === 'packument' && status === 200) this.#learn(body)
    this.recording.record(path, status, headers, body, kept)
  }

  /** Notes where a document's tarballs are: other registries put them at any path, even on other hosts. */
  #learn(packument: Buffer): void {
    const { versions = {} }: { versions?: Record<string, Published> } = JSON.parse(packument.toString('utf8'))
    for (const { name, version, dist } of Object.values(versions)) {
      if (!dist?.tarball || !URL.canParse(dist.tarball)) continue
      const { origin, pathname } = new URL(dist.tarball)
      this.#tarballs.set(canonicalPath(pathname), { url: dist.tarball, name, version })
      const { origins } = this.recording
      if (!origins.includes(origin) && origins.length < MAX_ORIGINS) origins.push(origin)
    }
  }
}

interface Published {
  readonly name: string
  readonly version: string
  readonly dist?: { readonly tarball?: string }
}
