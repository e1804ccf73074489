import { hash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { type Transferable, Worker } from 'node:worker_threads'
import type { ByteAlgorithm, Digests } from '../digest.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import type { Checked, CheckFile } from './check-file.ts'
import { SlabPool } from './slab-pool.ts'
import type { GroupWrite, Written } from './small-files.ts'

/** One question, one answer. */
export type Order =
  | { type: 'verify'; fd: number }
  | { type: 'group'; write: GroupWrite }
  | { type: 'settle'; paths: readonly string[] }
  | { type: 'check'; check: CheckFile }

export type ToWorker =
  | { type: 'open'; id: number; path: string | undefined; algorithms: readonly ByteAlgorithm[] }
  | { type: 'slab'; id: number; slab: SharedArrayBuffer; length: number }
  | { type: 'seal' | 'sync' | 'stop' | 'drop'; id: number }
  | (Order & { id: number })

export type FromWorker =
  | { type: 'slab'; id: number; stored: boolean }
  | { type: 'sealed'; id: number; digests: Record<string, string> }
  | { type: 'answer'; id: number; result: unknown }
  | { type: 'synced' | 'dropped'; id: number }
  | { type: 'unstored' | 'broken'; id: number; code: string }

/** What one job hears from its worker. */
export interface JobEvents {
  slab?(stored: boolean): void
  sealed?(digests: Digests): void
  synced?(): void
  answer?(result: unknown): void
  /** The file was given up; hashing goes on. `code` is the errno name of what the disk refused. */
  unstored?(code: string): void
  /** Nothing more comes of this job. `code` is an errno name, or says why the worker ended. */
  broken(code: string): void
  dropped?(): void
}

/** Handle of one stream of bytes that a worker hashes and writes. */
export interface HashJob {
  slab(slab: SharedArrayBuffer, length: number): void
  seal(): void
  /** Makes the file durable and closes it. */
  sync(): void
  /** Writes no more to the file; hashing goes on. */
  stop(): void
  /** Ends the job; resolves when the worker touches neither slabs nor file any more. */
  drop(): Promise<void>
}

/**
 * Hashes and writes in worker threads: sha256 and sha512 of one GiB keep a core busy for 1.5 s, which the event loop cannot spare,
 * and a disk that has much to do makes whoever writes wait. Workers start with the first blob and end with `close`.
 */
export class Hasher {
  readonly slabs = new SlabPool()
  readonly #seats: Seat[] = []
  readonly #limit = Math.max(1, Math.min(4, availableParallelism() - 1))
  #nextId = 1
  #closed = false

  open(path: string | undefined, algorithms: readonly ByteAlgorithm[], events: JobEvents): HashJob {
    const id = this.#nextId++
    const seat = this.#seat()
    const dropped = Promise.withResolvers<void>()
    seat.add(id, { ...events, dropped: dropped.resolve })
    const post = (message: ToWorker) => seat.post(message)
    post({ type: 'open', id, path, algorithms: withSha256(algorithms) })
    return {
      slab: (slab, length) => post({ type: 'slab', id, slab, length }),
      seal: () => post({ type: 'seal', id }),
      sync: () => post({ type: 'sync', id }),
      stop: () => post({ type: 'stop', id }),
      drop: () => {
        post({ type: 'drop', id })
        return dropped.promise
      },
    }
  }

  /**
   * Digests of an open file, from its start; the descriptor has to stay open until then. Rejects with an error that has the
   * `code` of what the disk said, or none when it was the worker that failed.
   */
  verify({ fd }: { readonly fd: number }): Promise<Digests> {
    return this.#ask<Digests>('it cannot be hashed', { type: 'verify', fd })
  }

  /** As `small-files.ts` has it. The memory of `group` must be of its own, and is gone afterwards. Rejects as `verify`. */
  writeGroup(write: GroupWrite): Promise<Written[]> {
    return this.#ask<Written[]>('the journal cannot be written', { type: 'group', write }, [write.group.buffer as ArrayBuffer])
  }

  /** As `small-files.ts` has it. Rejects as `verify`. */
  settle(paths: readonly string[]): Promise<void> {
    return this.#ask<void>('they cannot be synced', { type: 'settle', paths })
  }

  /** As `check-file.ts` has it. Rejects as `verify`. */
  check(check: CheckFile): Promise<Checked> {
    return this.#ask<Checked>('it cannot be hashed', { type: 'check', check })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#seats.map((seat) => seat.worker.terminate()))
  }

  #ask<Result>(failure: string, order: Order, moved: readonly Transferable[] = []): Promise<Result> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      const seat = this.#seat()
      seat.add(id, {
        answer(result) {
          seat.remove(id)
          resolve(result as Result)
        },
        broken(code) {
          seat.remove(id)
          reject(Object.assign(new Error(`${failure}: ${code}`), { code }))
        },
      })
      seat.post({ ...order, id }, moved)
    })
  }

  #seat(): Seat {
    if (this.#closed) throw new WarrenError('DRAINING', 'this node is stopping')
    const idle = this.#seats.find((seat) => seat.load === 0)
    if (idle) return idle
    if (this.#seats.length < this.#limit) return this.#hire()
    return this.#seats.reduce((least, seat) => (seat.load < least.load ? seat : least))
  }

  #hire(): Seat {
    const seat = new Seat(() => {
      const at = this.#seats.indexOf(seat)
      if (at >= 0) this.#seats.splice(at, 1)
    })
    this.#seats.push(seat)
    return seat
  }
}

/** One worker and the jobs that it has. */
class Seat {
  readonly worker: Worker
  readonly #jobs = new Map<number, JobEvents>()
  #ended: string | undefined

  constructor(onEnded: () => void) {
    // The file beside this one: .ts in a checkout, .js in the published package.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
    this.worker = new Worker(new URL(`./hash-worker${extension}`, import.meta.url))
    this.worker.unref()
    this.worker.on('message', (message: FromWorker) => this.#hear(message))
    // A worker that dies takes its jobs with it, never the node.
    const end = (why: string) => {
      this.#ended = why
      onEnded()
      for (const events of [...this.#jobs.values()]) fail(events, why)
      this.#jobs.clear()
    }
    this.worker.on('error', (error) => end(`the worker died: ${reasonOf(error)}`))
    this.worker.on('exit', () => end(this.#ended ?? 'the worker ended'))
  }

  get load(): number {
    return this.#jobs.size
  }

  add(id: number, events: JobEvents): void {
    this.#jobs.set(id, events)
    // A process may end while its workers are idle, not while one of them writes.
    this.worker.ref()
  }

  remove(id: number): void {
    this.#jobs.delete(id)
    if (this.#jobs.size === 0) this.worker.unref()
  }

  post(message: ToWorker, moved: readonly Transferable[] = []): void {
    if (this.#ended === undefined) this.worker.postMessage(message, moved)
  }

  #hear(message: FromWorker): void {
    const events = this.#jobs.get(message.id)
    if (!events) return
    if (message.type === 'slab') events.slab?.(message.stored)
    else if (message.type === 'sealed') events.sealed?.(message.digests as unknown as Digests)
    else if (message.type === 'answer') events.answer?.(message.result)
    else if (message.type === 'unstored') events.unstored?.(message.code)
    else if (message.type === 'broken') events.broken(message.code)
    else if (message.type === 'synced') events.synced?.()
    else {
      this.remove(message.id)
      events.dropped?.()
    }
  }
}

function fail(events: JobEvents, why: string): void {
  events.broken(why)
  events.dropped?.()
}

/** Digests of bytes that are in memory anyway. */
export function hashNow(bytes: Uint8Array, algorithms: readonly ByteAlgorithm[]): Digests {
  const all = withSha256(algorithms).map((algorithm) => [algorithm, hash(algorithm, bytes, 'hex')])
  return Object.fromEntries(all) as unknown as Digests
}

function withSha256(algorithms: readonly ByteAlgorithm[]): ByteAlgorithm[] {
  return [...new Set<ByteAlgorithm>(['sha256', ...algorithms])]
}
