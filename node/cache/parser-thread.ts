import { Worker } from 'node:worker_threads'
import { reasonOf, WarrenError } from '../errors.ts'
import type { DocumentParser } from './plan.ts'

export interface ToParser {
  readonly id: number
  readonly module: string
  readonly exportName: string
  readonly bytes: Uint8Array
}

export type FromParser = { readonly id: number; readonly json: string } | { readonly id: number; readonly error: string }

interface Hired {
  readonly worker: Worker
  readonly waiting: Map<number, PromiseWithResolvers<string>>
}

/** A worker thread that parses documents one after the other. It starts with the first, and anew after it died. */
export class ParserThread {
  #hired: Hired | undefined
  #nextId = 1
  #closed = false

  /** What was found, as JSON. Rejects with a plain Error when the parser refuses the bytes or dies of them. */
  parse(parser: Pick<DocumentParser, 'module' | 'exportName'>, bytes: Buffer): Promise<string> {
    if (this.#closed) return Promise.reject(new WarrenError('DRAINING', 'this node is stopping'))
    this.#hired ??= this.#hire()
    const id = this.#nextId++
    const answer = Promise.withResolvers<string>()
    this.#hired.waiting.set(id, answer)
    const job: ToParser = { id, module: parser.module, exportName: parser.exportName, bytes }
    this.#hired.worker.postMessage(job)
    return answer.promise
  }

  /** Idempotent. Who still waits gets DRAINING. */
  async close(): Promise<void> {
    this.#closed = true
    const hired = this.#hired
    if (!hired) return
    this.#lose(hired, new WarrenError('DRAINING', 'this node is stopping'))
    await hired.worker.terminate()
  }

  #hire(): Hired {
    // The file beside this one: .ts in a checkout, .js in the published package.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
    const worker = new Worker(new URL(`./parse-worker${extension}`, import.meta.url))
    const hired: Hired = { worker, waiting: new Map() }
    worker.unref()
    worker.on('message', (answer: FromParser) => {
      const waiting = hired.waiting.get(answer.id)
      hired.waiting.delete(answer.id)
      if ('json' in answer) waiting?.resolve(answer.json)
      else waiting?.reject(new Error(answer.error))
    })
    worker.on('error', (error) => this.#lose(hired, new Error(`the parser died of it: ${reasonOf(error)}`)))
    worker.on('exit', () => this.#lose(hired, new Error('the parser ended')))
    return hired
  }

  #lose(hired: Hired, why: Error): void {
    if (this.#hired === hired) this.#hired = undefined
    for (const waiting of hired.waiting.values()) waiting.reject(why)
    hired.waiting.clear()
  }
}
