import { reasonOf } from '../../../node/errors.ts'
import { type Descriptor, type Manifest, parseManifest } from './manifest.ts'
import type { Mirror, Received, Wanted } from './mirror.ts'
import type { Kind, Progress } from './progress.ts'
import type { ImageReference } from './reference.ts'

/** Bytes of a manifest: registries need not take larger ones (OCI distribution specification, «Pushing Manifests»). */
const MAX_MANIFEST = 4 << 20
/** Bytes of a configuration that is read for its platform; a larger one is no image's. */
const MAX_CONFIG = 8 << 20

/** Something that was fetched and checked. */
export interface Fetched {
  readonly kind: Kind
  readonly url: string
  readonly digest: string
  /** Bytes. */
  readonly size: number
  readonly source: string
  readonly seconds: number
}

interface Got {
  readonly fetched: Fetched
  /** Of a blob that is no configuration: none. */
  readonly bytes: Buffer
}

export interface GotManifest extends Got {
  readonly manifest: Manifest
}

type Ask = Omit<Wanted, 'onBytes' | 'onSource'>

/** Fetches what images are made of, each digest of a repository once. */
export class Fetcher {
  readonly #mirror: Mirror
  readonly #progress: Progress
  /** By repository and digest: what a node hands out it decides for each repository, so that one does not warm another. */
  readonly #got = new Map<string, Promise<Got>>()
  /** All that was fetched, each once. */
  readonly fetched: Fetched[] = []

  constructor(components: { mirror: Mirror; progress: Progress }) {
    this.#mirror = components.mirror
    this.#progress = components.progress
  }

  /** What a tag or a digest stands for; `size` where an index told it. Throws UnreachableError and Error. */
  async manifest(reference: ImageReference, { target, size }: { target: string; size?: number }): Promise<GotManifest> {
    const got = await this.#once(reference, 'manifest', { kind: 'manifests', target, size, keep: MAX_MANIFEST })
    try {
      return { ...got, manifest: parseManifest(got.bytes) }
    } catch (error) {
      throw new Error(`manifest ${target} of ${reference.text} cannot be used: ${reasonOf(error)}`, { cause: error })
    }
  }

  /** A configuration with its bytes, unless it is far too large for one. */
  config(reference: ImageReference, { digest, size }: Descriptor, signal?: AbortSignal): Promise<Got> {
    const keep = size > MAX_CONFIG ? undefined : MAX_CONFIG
    return this.#once(reference, 'config', { kind: 'blobs', target: digest, size, keep, ...(signal && { signal }) })
  }

  async layer(reference: ImageReference, { digest, size }: Descriptor, signal: AbortSignal): Promise<Fetched> {
    return (await this.#once(reference, 'layer', { kind: 'blobs', target: digest, size, signal })).fetched
  }

  #once(reference: ImageReference, kind: Kind, ask: Ask): Promise<Got> {
    const key = `${reference.registry}/${reference.name}@${ask.target}`
    const known = this.#got.get(key)
    if (known) return known
    const getting = this.#get(reference, kind, ask).catch((error) => {
      // What was broken off for one image is still wanted for the next.
      this.#got.delete(key)
      throw error
    })
    this.#got.set(key, getting)
    return getting
  }

  async #get(reference: ImageReference, kind: Kind, ask: Ask): Promise<Got> {
    const transfer = this.#progress.begin({ name: ask.target, kind, size: ask.size })
    const beganAt = performance.now()
    let received: Received
    try {
      received = await this.#mirror.get(reference, { ...ask, onSource: transfer.from, onBytes: transfer.moved })
    } catch (error) {
      transfer.failed()
      throw error
    }
    transfer.done(received)
    const { url, digest, size, source, bytes } = received
    const fetched = { kind, url, digest, size, source, seconds: Math.round(performance.now() - beganAt) / 1_000 }
    this.fetched.push(fetched)
    return { fetched, bytes }
  }
}
