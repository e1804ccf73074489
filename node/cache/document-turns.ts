import { abortable } from '../upstream/abortable.ts'

/** Large documents that are worked on at a time: each takes its size in memory, several times over. */
const AT_ONCE = 2

interface Waiting {
  readonly kind: string
  begin(): void
}

/**
 * Gives large documents their turns, two at a time and no two of a kind: what is slow of one kind holds up no other. A hundred
 * kilobytes may unpack to a hundred megabytes, and a hostile upstream has any number of names.
 */
export class DocumentTurns {
  readonly #waiting: Waiting[] = []
  readonly #running = new Set<string>()

  /** Runs `work` when it is its turn; rejects with the reason of `signal` if that comes before. */
  async run<T>(kind: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(kind, signal)
    try {
      return await work()
    } finally {
      this.#leave(kind)
    }
  }

  async #turn(kind: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const mine = Promise.withResolvers<void>()
    const waiting: Waiting = { kind, begin: mine.resolve }
    this.#waiting.push(waiting)
    this.#start()
    try {
      await abortable(mine.promise, signal)
    } catch (error) {
      const at = this.#waiting.indexOf(waiting)
      // Given in the same moment as it was given up: it goes to the next one.
      if (at < 0) this.#leave(kind)
      else this.#waiting.splice(at, 1)
      throw error
    }
  }

  #start(): void {
    while (this.#running.size < AT_ONCE) {
      const at = this.#waiting.findIndex(({ kind }) => !this.#running.has(kind))
      const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
      if (!next) return
      this.#running.add(next.kind)
      next.begin()
    }
  }

  #leave(kind: string): void {
    this.#running.delete(kind)
    this.#start()
  }
}
