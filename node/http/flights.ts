import { abortable } from '../upstream/abortable.ts'
import { ClientLeft } from './client-left.ts'

interface Flight<T> {
  readonly result: Promise<T>
  readonly controller: AbortController
  waiting: number
}

/** Who waits. */
export interface Waiter {
  /** Aborted when it leaves. */
  readonly signal: AbortSignal | undefined
  /** Frees what it brought along, once that is not needed any more; called once. */
  close(): void
}

/** Work that is done once for all who ask for it while it is under way, and given up when the last of them has left. */
export class Flights<T> {
  readonly #running = new Map<string, Flight<T>>()

  /** What `work` makes, or made for whoever came first. What has no name is shared with nobody. */
  async join(name: string | undefined, { signal, close }: Waiter, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const running = name === undefined ? undefined : this.#running.get(name)
    if (running) close()
    const flight = running ?? this.#begin(name, close, work)
    flight.waiting++
    try {
      return await (signal ? abortable(flight.result, signal) : flight.result)
    } finally {
      if (--flight.waiting === 0) {
        // Whoever asks from now on begins anew.
        this.#end(name, flight)
        flight.controller.abort(new ClientLeft())
      }
    }
  }

  #begin(name: string | undefined, close: () => void, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController()
    const result = work(controller.signal).finally(() => {
      close()
      this.#end(name, flight)
    })
    const flight: Flight<T> = { result, controller, waiting: 0 }
    if (name !== undefined) this.#running.set(name, flight)
    // Those who have left do not hear of it.
    result.catch(() => {})
    return flight
  }

  #end(name: string | undefined, flight: Flight<T>): void {
    if (name !== undefined && this.#running.get(name) === flight) this.#running.delete(name)
  }
}
