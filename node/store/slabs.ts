import type { ByteAlgorithm, Digests } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import { RECENT_SLABS, SLAB_BYTES, SLABS_IN_FLIGHT, UNSTORED_WINDOW, UNSTORED_WINDOW_SCARCE } from './constants.ts'
import type { Hasher, HashJob } from './hasher.ts'

interface Slab {
  readonly memory: SharedArrayBuffer
  readonly view: Buffer
  /** Offset of its first byte in the blob. */
  readonly start: number
  length: number
}

export interface SlabStreamInit {
  /** Where the bytes go; undefined when they only pass through. */
  readonly path: string | undefined
  readonly algorithms: readonly ByteAlgorithm[]
  /** Whether the disk may take so many bytes more. */
  mayGrow(bytes: number): boolean
  /** Called once, when the file is given up; `code` is the errno name of what the disk refused, or says why. */
  onUnstored(code: string): void
}

/**
 * A large blob on its way through a hash worker to a file: bytes are collected in slabs of shared memory, which the worker
 * hashes and writes. What the file does not take (disk full) stays in memory until every reader has passed it.
 */
export class SlabStream {
  readonly #hasher: Hasher
  readonly #job: HashJob
  readonly #init: SlabStreamInit
  readonly #sealed = Promise.withResolvers<Digests>()
  readonly #synced = Promise.withResolvers<void>()
  #current: Slab | undefined
  /** With the worker. */
  #sent: Slab[] = []
  /** Hashed, but in no file. */
  #held: Slab[] = []
  /** In the file, and kept for readers that are close behind. */
  #recent: Slab[] = []
  #written = 0
  #released = 0
  #waiting: (() => void)[] = []
  #failure: WarrenError | undefined
  #dropping: Promise<void> | undefined
  #sealing = false
  /** Bytes that are in the file. */
  flushed = 0
  storing: boolean

  constructor(components: { hasher: Hasher }, init: SlabStreamInit) {
    this.#hasher = components.hasher
    this.#init = init
    this.storing = init.path !== undefined
    // Whoever waits hears of a failure; that nobody waits is none.
    this.#sealed.promise.catch(() => {})
    this.#synced.promise.catch(() => {})
    this.#job = components.hasher.open(init.path, init.algorithms, {
      slab: (stored) => this.#slabDone(stored),
      sealed: (digests) => this.#sealed.resolve(digests),
      synced: () => this.#synced.resolve(),
      unstored: (code) => this.#unstored(code),
      broken: (code) => this.#fail(new WarrenError('INTERNAL', `a blob could not be hashed: ${code}`)),
    })
  }

  /** False: wait for `drained` before the next write. Throws when there is no hash any more to which bytes could go. */
  write(chunk: Buffer): boolean {
    if (this.#failure) throw this.#failure
    for (let at = 0; at < chunk.length; ) {
      this.#current ??= this.#take()
      const slab = this.#current
      const take = Math.min(SLAB_BYTES - slab.length, chunk.length - at)
      slab.view.set(at === 0 && take === chunk.length ? chunk : chunk.subarray(at, at + take), slab.length)
      slab.length += take
      at += take
      this.#written += take
      if (slab.length === SLAB_BYTES) this.#send()
    }
    return !this.#full
  }

  drained(): Promise<void> {
    if (!this.#full) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Bytes at `position` that are in memory: those that are not in the file yet, unless they were given up, and the last that are. */
  copy(position: number, into: Buffer): Buffer | undefined {
    const slab = this.#slabAt(position)
    if (!slab) return undefined
    const from = position - slab.start
    const length = Math.min(into.length, slab.length - from)
    slab.view.copy(into, 0, from, from + length)
    return into.subarray(0, length)
  }

  release(position: number): void {
    this.#released = Math.max(this.#released, position)
    while (this.#held[0] && this.#isReleased(this.#held[0])) this.#recycle(this.#held.shift())
    this.#wake()
  }

  seal(): Promise<Digests> {
    if (!this.#sealing) {
      this.#sealing = true
      if (this.#current) this.#send()
      this.#job.seal()
    }
    return this.#sealed.promise
  }

  /** Resolves when every byte of the file is on the disk. */
  sync(): Promise<void> {
    this.#job.sync()
    return this.#synced.promise
  }

  /** Ends the job; whoever waits for it hears DRAINING. Resolves when the worker has let go of the file. */
  drop(): Promise<void> {
    this.#dropping ??= this.#drop()
    return this.#dropping
  }

  async #drop(): Promise<void> {
    this.#fail(new WarrenError('DRAINING', 'the transfer was given up'))
    await this.#job.drop()
    // Not before: until then the worker may read them.
    for (const slab of [...this.#recent, ...this.#held, ...this.#sent, this.#current]) this.#recycle(slab)
    this.#recent = []
    this.#held = []
    this.#sent = []
    this.#current = undefined
  }

  get #full(): boolean {
    if (this.#failure) return false
    const { scarce } = this.#hasher.slabs
    return (
      this.#sent.length >= (scarce ? 1 : SLABS_IN_FLIGHT) ||
      this.#held.length >= (scarce ? UNSTORED_WINDOW_SCARCE : UNSTORED_WINDOW)
    )
  }

  #take(): Slab {
    const memory = this.#hasher.slabs.take()
    return { memory, view: Buffer.from(memory), start: this.#written, length: 0 }
  }

  #send(): void {
    const slab = this.#current
    if (!slab) return
    this.#current = undefined
    if (this.storing && !this.#init.mayGrow(slab.length)) {
      this.#job.stop()
      this.#unstored('store.minFree or store.quota is reached')
    }
    this.#sent.push(slab)
    this.#job.slab(slab.memory, slab.length)
  }

  #slabDone(stored: boolean): void {
    if (this.#dropping) return
    const slab = this.#sent.shift()
    if (!slab) return
    if (stored) this.flushed = slab.start + slab.length
    if (stored) this.#keep(slab)
    else if (this.#isReleased(slab)) this.#recycle(slab)
    else this.#held.push(slab)
    this.#wake()
  }

  #keep(slab: Slab): void {
    this.#recent.push(slab)
    const most = this.#hasher.slabs.scarce ? 0 : RECENT_SLABS
    while (this.#recent.length > most) this.#recycle(this.#recent.shift())
  }

  #unstored(code: string): void {
    this.#synced.reject(Object.assign(new Error(code), { code }))
    if (!this.storing) return
    this.storing = false
    this.#init.onUnstored(code)
  }

  #fail(failure: WarrenError): void {
    this.#failure ??= failure
    this.storing = false
    this.#sealed.reject(failure)
    this.#synced.reject(failure)
    this.#wake()
  }

  /** One list after the other, since joining them would make garbage with each read of each reader. */
  #slabAt(position: number): Slab | undefined {
    const has = (slab: Slab) => position >= slab.start && position < slab.start + slab.length
    const current = this.#current && has(this.#current) ? this.#current : undefined
    return current ?? this.#recent.find(has) ?? this.#held.find(has) ?? this.#sent.find(has)
  }

  #isReleased(slab: Slab): boolean {
    return slab.start + slab.length <= this.#released
  }

  #recycle(slab: Slab | undefined): void {
    if (slab) this.#hasher.slabs.give(slab.memory)
  }

  #wake(): void {
    if (this.#full) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
