import { WarrenError } from '../errors.ts'
import { CHUNK_OVERHEAD, DISCARD_LIMIT, DISCARD_TIMEOUT, DRIP_BYTES, HIGH_WATER_MARK } from './constants.ts'

/** The connection that a body comes from. */
export interface BodySource {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

export interface WireBodyInit {
  /** Where it comes from, for messages. */
  readonly peer: string
  /** Bytes that the headers promised, if they did. */
  readonly size: number | undefined
  /** Ms of silence (or of a drip), while somebody waits, after which the body is given up. */
  readonly idle: number
}

interface Waiter {
  resolve(result: IteratorResult<Buffer, undefined>): void
  reject(error: unknown): void
}

/** Delivered slots after which the array of chunks is cut. */
const COMPACT_AT = 64

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * A response body as it arrives, for one reader. It ends cleanly only when it is complete; what came before a failure is
 * delivered before the failure is told. A reader that is slow pauses the connection and is never told of a timeout.
 */
export class WireBody implements AsyncIterableIterator<Buffer, undefined> {
  readonly #init: WireBodyInit
  readonly #source: BodySource
  #chunks: (Buffer | undefined)[] = []
  /** Index in `chunks` of the first that was not delivered. */
  #next = 0
  /** Bytes of memory that undelivered chunks take. */
  #queued = 0
  #received = 0
  #paused = false
  #discarding = false
  #waiter: Waiter | undefined
  #timer: NodeJS.Timeout | undefined
  /** When the wait that is under way began. */
  #since = 0
  /** Ms of former waits, and what had been received, since the last progress. */
  #waited = 0
  #receivedBefore = 0
  #over = false
  #failure: { readonly error: unknown } | undefined
  #onOver: () => void = () => {}

  constructor(source: BodySource, init: WireBodyInit) {
    this.#source = source
    this.#init = init
  }

  /** Bytes that have come. */
  get received(): number {
    return this.#received
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Calls back once nothing more is going to come, at once if that is so already. */
  whenOver(callback: () => void): void {
    if (this.#over) {
      callback()
      return
    }
    const before = this.#onOver
    this.#onOver = () => {
      before()
      callback()
    }
  }

  push(chunk: Buffer): void {
    if (this.#over) return
    this.#received += chunk.length
    if (this.#discarding) {
      if (this.#received > DISCARD_LIMIT) this.destroy()
      return
    }
    const waiter = this.#waiter
    if (waiter) {
      this.#waiter = undefined
      this.#waited += performance.now() - this.#since
      waiter.resolve({ done: false, value: chunk })
      return
    }
    this.#chunks.push(chunk)
    this.#queued += chunk.length + CHUNK_OVERHEAD
    if (this.#queued < HIGH_WATER_MARK || this.#paused) return
    this.#paused = true
    this.#source.pause()
  }

  /** The connection says that the body is complete by its framing. */
  end(): void {
    const { size, peer } = this.#init
    if (size !== undefined && size !== this.#received && !this.#discarding) {
      this.fail(new WarrenError('UPSTREAM_CUT', `${peer} promised ${size} bytes and sent ${this.#received}`))
      return
    }
    if (!this.#finish()) return
    this.#take()?.resolve(DONE)
  }

  /** What was received before is delivered first. */
  fail(error: unknown): void {
    if (!this.#finish()) return
    this.#failure = { error }
    this.#take()?.reject(error)
  }

  /** Frees the connection; whoever reads on gets `reason`. No-op once everything was delivered. */
  destroy(given?: unknown): void {
    if (this.#over && this.#queued === 0) return
    const reason = given ?? this.#abandoned()
    this.#chunks = []
    this.#next = 0
    this.#queued = 0
    this.#failure = { error: reason }
    if (this.#finish()) this.#source.abort(reason instanceof Error ? reason : this.#abandoned())
    this.#take()?.reject(reason)
  }

  /** Nobody wants this body: reads it to its end if that is near, so that the connection can be used again. */
  discard(): void {
    if (this.#over) return
    if ((this.#init.size ?? 0) > DISCARD_LIMIT) {
      this.destroy()
      return
    }
    this.#discarding = true
    const timer = setTimeout(() => this.destroy(), DISCARD_TIMEOUT)
    this.whenOver(() => clearTimeout(timer))
    if (!this.#paused) return
    this.#paused = false
    this.#source.resume()
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const chunk = this.#chunks[this.#next]
    if (chunk !== undefined) return Promise.resolve({ done: false, value: this.#shift(chunk) })
    if (this.#failure) return Promise.reject(this.#failure.error)
    if (this.#over) return Promise.resolve(DONE)
    if (this.#waiter) return Promise.reject(new TypeError('a body has one reader, which asks for one chunk at a time'))
    this.#watch()
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.destroy()
    return Promise.resolve(DONE)
  }

  #shift(chunk: Buffer): Buffer {
    // Delivered chunks are the reader's to free, also while the queue never runs empty.
    this.#chunks[this.#next++] = undefined
    this.#queued -= chunk.length + CHUNK_OVERHEAD
    if (this.#next === this.#chunks.length || this.#next === COMPACT_AT) {
      this.#chunks.splice(0, this.#next)
      this.#next = 0
    }
    if (this.#paused && this.#queued <= HIGH_WATER_MARK / 2) {
      this.#paused = false
      this.#source.resume()
    }
    return chunk
  }

  /** Only time in which somebody waits counts, and it counts on until enough has come: what came to a busy reader does, too. */
  #watch(): void {
    this.#since = performance.now()
    if (this.#received - this.#receivedBefore >= DRIP_BYTES) {
      this.#receivedBefore = this.#received
      this.#waited = 0
    }
    this.#timer ??= setTimeout(() => this.#expire(), this.#init.idle - this.#waited)
  }

  #expire(): void {
    this.#timer = undefined
    const waiter = this.#waiter
    if (!waiter) return
    // The timer may be older than this wait.
    const rest = this.#init.idle - this.#waited - (performance.now() - this.#since)
    if (rest > 0) {
      this.#timer = setTimeout(() => this.#expire(), Math.ceil(rest))
      return
    }
    // After a stall of this process timers come before sockets: what has arrived meanwhile gets its turn first.
    setImmediate(() => {
      if (this.#waiter !== waiter) return
      const message = `${this.#init.peer} sent next to nothing for ${this.#init.idle} ms in the middle of a body`
      this.destroy(new WarrenError('UPSTREAM_TIMEOUT', message))
    })
  }

  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    clearTimeout(this.#timer)
    this.#onOver()
    return true
  }

  #take(): Waiter | undefined {
    const waiter = this.#waiter
    this.#waiter = undefined
    return waiter
  }

  #abandoned(): WarrenError {
    return new WarrenError('UPSTREAM_CUT', `the body from ${this.#init.peer} was given up before its end`)
  }
}
