import type { Body, Scratch } from '../body.ts'
import { WarrenError } from '../errors.ts'
import { ClientLeft } from './client-left.ts'
import type { Receiver } from './receiver.ts'
import { type ScratchPool, SMALLEST_BYTES } from './scratch-pool.ts'

/** Bytes asked for in one read; a read gets no more than its buffer, so this is the size at which throughput levels off. */
const READ_BYTES = 1 << 20

/**
 * Writes bytes [start, end] of a body to a receiver, the next read under way while the last write drains, which is faster than
 * any piped stream. A buffer belongs to one read, then to the write of what was read, then to the pool: at no time to two.
 */
export class Transfer {
  readonly #body: Body
  readonly #receiver: Receiver
  readonly #pool: ScratchPool
  readonly #start: number
  /** Infinity: to wherever the body ends. */
  readonly #end: number
  readonly #size: number | undefined
  #position: number
  #loan: Loan
  #next: Buffer | Promise<Buffer> | undefined

  /** `end` undefined: to wherever the body ends. */
  constructor(
    components: { body: Body; receiver: Receiver; pool: ScratchPool },
    { start, end }: { start: number; end: number | undefined },
  ) {
    this.#body = components.body
    this.#receiver = components.receiver
    this.#pool = components.pool
    this.#start = start
    this.#end = end ?? Number.POSITIVE_INFINITY
    this.#size = components.body.size
    this.#position = start
    this.#loan = new Loan(this.#pool)
  }

  /**
   * Resolves when the first bytes are there, or after `patience` ms: until then an answer can still become an error. Rejects
   * when the body broke before, or the receiver left.
   */
  async ready(patience: number): Promise<void> {
    this.#read()
    if (!(this.#next instanceof Promise)) return
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience)
    })
    try {
      await this.#receiver.orLeft(Promise.race([this.#next, enough]))
    } finally {
      clearTimeout(timer)
    }
  }

  /** Resolves with the bytes written; rejects when the body broke, or the receiver left, and then nothing may end cleanly. */
  async run(): Promise<number> {
    if (this.#next === undefined) this.#read()
    let writing: Promise<void> | undefined
    while (this.#next !== undefined) {
      const bytes = this.#next instanceof Promise ? await this.#receiver.orLeft(this.#next) : this.#next
      const loan = this.#loan
      this.#loan = new Loan(this.#pool)
      this.#next = undefined
      if (bytes.length === 0) {
        loan.end()
        break
      }
      this.#position += bytes.length
      try {
        await writing
      } catch (error) {
        loan.end()
        throw error
      }
      writing = this.#write(bytes, loan)
      // What is in memory need not be fetched ahead, and where buffers are scarce nobody gets two: hundreds of readers that
      // stall would each hold on to what comes next as well.
      if (!loan.isAmple) await writing
      this.#read()
    }
    await writing
    this.#checkWhole()
    return this.#position - this.#start
  }

  /** Gives buffers back, one that is being read into when that is over. Idempotent. */
  free(): void {
    this.#loan.end(this.#next instanceof Promise ? this.#next : undefined)
  }

  #read(): void {
    if (this.#position > this.#end) return
    const max = Math.min(READ_BYTES, this.#end - this.#position + 1)
    this.#next = this.#body.read(this.#position, max, this.#loan.scratch)
    // Awaited in a moment, or never, if the receiver leaves before.
    if (this.#next instanceof Promise) this.#next.catch(() => {})
  }

  #write(bytes: Buffer, loan: Loan): Promise<void> {
    const writing = this.#receiver.write(bytes)
    const end = () => loan.end()
    // Before whoever awaits it in a moment; and a receiver that leaves meanwhile must not count as an unhandled rejection.
    writing.then(end, end)
    return writing
  }

  #checkWhole(): void {
    if (this.#end !== Number.POSITIVE_INFINITY && this.#position <= this.#end) {
      const wanted = this.#end - this.#start + 1
      throw new WarrenError('UPSTREAM_CUT', `the body ended after ${this.#position - this.#start} of ${wanted} bytes`)
    }
    // Another copy, fetched because the first was wrong, may be of another length than the headers promised.
    if (this.#size !== undefined && this.#body.size !== this.#size) {
      throw new WarrenError('UPSTREAM_CUT', `the body was to have ${this.#size} bytes and has ${this.#body.size}`)
    }
  }
}

/** The buffer of one read and of the write that follows it. */
class Loan {
  readonly #pool: ScratchPool
  #buffer: Buffer | undefined
  #over = false

  constructor(pool: ScratchPool) {
    this.#pool = pool
  }

  /** Whether a buffer was lent, and larger than what is left when many want one. */
  get isAmple(): boolean {
    return (this.#buffer?.length ?? 0) > SMALLEST_BYTES
  }

  readonly scratch: Scratch = (size) => {
    // A body that waited for bytes asks for a buffer only when they are there; by then its reader may have left.
    if (this.#over) throw new ClientLeft()
    this.#buffer ??= this.#pool.take(size)
    return size < this.#buffer.length ? this.#buffer.subarray(0, size) : this.#buffer
  }

  /** Nothing is lent from now on; what was lent goes back, once `reading` is over. Idempotent. */
  end(reading?: Promise<unknown>): void {
    this.#over = true
    const buffer = this.#buffer
    this.#buffer = undefined
    if (!buffer) return
    const giveBack = () => this.#pool.give(buffer)
    if (reading) reading.then(giveBack, giveBack)
    else giveBack()
  }
}
