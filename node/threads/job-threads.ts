import { Worker } from 'node:worker_threads'
import type { Clock } from '../clock.ts'
import { type ErrorCode, reasonOf, WarrenError } from '../errors.ts'

/** Work for another thread. */
export interface Job<Order> {
  /** Jobs of one kind never run beside each other: whoever floods one kind holds up no other. */
  readonly kind: string
  /** Bytes to be looked through: short jobs go before long ones. */
  readonly size: number
  /** Gets to the worker by structured clone. */
  readonly order: Order
}

export interface ToWorker<Order> {
  readonly id: number
  readonly order: Order
}

/** `code` where a WarrenError was thrown. */
export type FromWorker<Result> =
  | { readonly ready: true }
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly error: string; readonly code?: ErrorCode }

export interface JobThreadsInit {
  /** A module that calls `serveJobs`. */
  readonly worker: URL
  /** MiB of objects that a job may make. Buffers do not count; what is in them is bounded by whoever hands them over. */
  readonly heap?: number
}

/** Two, so that what is slow in one ecosystem leaves room for all others. */
const THREADS = 2

/** Ms that a job may take: the largest honest document takes a tenth of it. */
export const JOB_DEADLINE = 10_000

const HEAP = 1024

/** How often a job may be passed over by shorter ones. */
const MOST_PASSES = 16

interface Waiting<Order, Result> extends Job<Order>, PromiseWithResolvers<Result> {
  readonly id: number
  passes: number
}

interface Hired<Order, Result> {
  readonly worker: Worker
  readonly ready: Promise<void>
  /** At most one, so that a thread that dies or has to be ended takes nothing else along. */
  job: Waiting<Order, Result> | undefined
}

/** Threads that begin with their first job and live on; one that died, or did not come to an end, is replaced when it is needed. */
export class JobThreads<Order, Result> {
  readonly #clock: Clock
  readonly #worker: URL
  readonly #heap: number
  readonly #hired = new Set<Hired<Order, Result>>()
  readonly #ending = new Set<Promise<unknown>>()
  readonly #waiting: Waiting<Order, Result>[] = []
  #nextId = 1
  #closed = false

  constructor(components: { clock: Clock }, { worker, heap = HEAP }: JobThreadsInit) {
    this.#clock = components.clock
    this.#worker = worker
    this.#heap = heap
  }

  /**
   * Rejects with what the job threw (the WarrenError, or a plain Error), with a plain Error if it took too long or its thread died
   * of it, with DRAINING after `close`.
   */
  run(job: Job<Order>): Promise<Result> {
    if (this.#closed) return Promise.reject(stopping())
    const waiting = { ...job, ...Promise.withResolvers<Result>(), id: this.#nextId++, passes: 0 }
    this.#waiting.push(waiting)
    this.#start()
    return waiting.promise
  }

  /** Idempotent. Who still waits gets DRAINING. */
  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(stopping())
    for (const hired of this.#hired) this.#dismiss(hired, stopping())
    await Promise.all(this.#ending)
  }

  #start(): void {
    for (;;) {
      const idle = [...this.#hired].find(({ job }) => !job)
      if (this.#closed || (!idle && this.#hired.size >= THREADS)) return
      const job = this.#next()
      if (!job) return
      void this.#give(idle ?? this.#hire(), job)
    }
  }

  /** The shortest of the kinds that do not run, or one that was passed over too often. */
  #next(): Waiting<Order, Result> | undefined {
    const running = new Set([...this.#hired].map(({ job }) => job?.kind))
    const free = this.#waiting.filter(({ kind }) => !running.has(kind))
    const [first] = free
    if (!first) return undefined
    const next =
      free.find(({ passes }) => passes >= MOST_PASSES) ??
      free.reduce((least, one) => (one.size < least.size ? one : least), first)
    for (const one of free.slice(0, free.indexOf(next))) one.passes++
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    return next
  }

  async #give(hired: Hired<Order, Result>, job: Waiting<Order, Result>): Promise<void> {
    hired.job = job
    const message: ToWorker<Order> = { id: job.id, order: job.order }
    try {
      hired.worker.postMessage(message)
    } catch (error) {
      // What cannot be cloned never got there.
      hired.job = undefined
      job.reject(error)
      return this.#start()
    }
    // A thread may start slowly where the machine has much to do: that is not the job's fault.
    await hired.ready
    const done = new AbortController()
    job.promise.then(
      () => done.abort(),
      () => done.abort(),
    )
    await this.#clock.sleep(JOB_DEADLINE, done.signal).catch(() => {})
    if (hired.job === job) this.#dismiss(hired, new Error(`it took more than ${JOB_DEADLINE / 1_000} s`))
  }

  #hire(): Hired<Order, Result> {
    const worker = new Worker(this.#worker, { resourceLimits: { maxOldGenerationSizeMb: this.#heap } })
    const ready = Promise.withResolvers<void>()
    const hired: Hired<Order, Result> = { worker, ready: ready.promise, job: undefined }
    this.#hired.add(hired)
    worker.unref()
    worker.on('message', (message: FromWorker<Result>) => {
      if ('ready' in message) return ready.resolve()
      const { job } = hired
      if (job?.id !== message.id) return
      hired.job = undefined
      if ('result' in message) job.resolve(message.result)
      else job.reject(message.code ? new WarrenError(message.code, message.error) : new Error(message.error))
      this.#start()
    })
    worker.on('error', (error) => this.#dismiss(hired, new Error(`the thread died of it: ${reasonOf(error)}`)))
    worker.on('exit', () => {
      ready.resolve()
      this.#dismiss(hired, new Error('it ended the thread'))
    })
    return hired
  }

  #dismiss(hired: Hired<Order, Result>, why: Error): void {
    if (!this.#hired.delete(hired)) return
    hired.job?.reject(why)
    hired.job = undefined
    const ending: Promise<unknown> = hired.worker.terminate().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
    this.#start()
  }
}

/** A module beside the asking one: .ts in a checkout, .js in the published package. */
export function beside(asking: string, name: string): URL {
  return new URL(`./${name}${asking.slice(asking.lastIndexOf('.'))}`, asking)
}

function stopping(): WarrenError {
  return new WarrenError('DRAINING', 'this node is stopping')
}
