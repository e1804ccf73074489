import { LRUCache } from 'lru-cache'
import { type Body, readAll } from '../body.ts'
import { type Encoding, encode } from './encodings.ts'

/** Below this a compressed form saves less than its header costs. */
const MIN_BYTES = 1 << 10
/** Larger documents go out as they are: compressing one would hold too much memory. */
const MAX_BYTES = 64 << 20
/** Forms that wait to be made; whoever asks for more gets the plain one, and asks again. */
const MAX_QUEUED = 64
/** Forms that are known not to be worth keeping, so that they are not made over and over. */
const MAX_UNFIT = 1_000

/**
 * Compressed forms of rendered documents, by (document, base URL, encoding). Made in the background, one at a time, while the
 * first asker gets the plain form; bounded in bytes.
 */
export class RenderedCache {
  readonly #entries: LRUCache<string, Buffer>
  readonly #unfit = new LRUCache<string, true>({ max: MAX_UNFIT })
  readonly #limit: number
  readonly #onTrouble: (error: unknown) => void
  #queue: Promise<void> = Promise.resolve()
  readonly #queued = new Set<string>()
  #closed = false

  constructor(components: { onTrouble(error: unknown): void }, init: { bytes: number }) {
    this.#onTrouble = components.onTrouble
    this.#limit = Math.max(1, init.bytes)
    this.#entries = new LRUCache({ maxSize: this.#limit, sizeCalculation: (bytes) => bytes.length + 1 })
  }

  get bytes(): number {
    return this.#entries.calculatedSize
  }

  get(document: string, encoding: Encoding): Buffer | undefined {
    return this.#entries.get(`${encoding} ${document}`)
  }

  /** Whether that form was seen not to be worth keeping. */
  isUnfit(document: string, encoding: Encoding): boolean {
    return this.#unfit.get(`${encoding} ${document}`) ?? false
  }

  /** Whether a body is worth compressing at all. */
  suits(body: Body): boolean {
    return body.size !== undefined && body.size >= MIN_BYTES && body.size <= MAX_BYTES
  }

  /** Makes the compressed form behind the scenes. `open` gives a body of its own, which is closed here. */
  make(document: string, encoding: Encoding, open: () => Promise<Body | undefined>): void {
    const key = `${encoding} ${document}`
    if (this.#closed || this.#queued.size >= MAX_QUEUED || this.#queued.has(key)) return
    if (this.#entries.has(key) || this.#unfit.get(key)) return
    this.#queued.add(key)
    this.#queue = this.#queue.then(() => this.#make(key, encoding, open)).catch(this.#onTrouble)
  }

  clear(): void {
    this.#entries.clear()
    this.#unfit.clear()
  }

  /** Resolves when everything that was asked for is made. */
  settled(): Promise<void> {
    return this.#queue
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#queue
  }

  async #make(key: string, encoding: Encoding, open: () => Promise<Body | undefined>): Promise<void> {
    try {
      const body = this.#closed ? undefined : await open()
      if (!body) return
      try {
        const bytes = await readAll(body)
        // A file that was cut must not become a complete document.
        if (bytes.length !== body.size) throw new Error(`the document has ${bytes.length} bytes instead of ${body.size}`)
        const made = await encode(encoding, bytes)
        if (made.length < bytes.length && made.length < this.#limit) this.#entries.set(key, made)
        else this.#unfit.set(key, true)
      } finally {
        body.close()
      }
    } finally {
      this.#queued.delete(key)
    }
  }
}
