import { abortable } from '../upstream/abortable.ts'

/** Large documents that are unpacked and parsed at a time: each takes its size in memory, several times over. */
const AT_ONCE = 2

/**
 * Gives large documents their turns. A hundred kilobytes may unpack to a hundred megabytes, and a hostile upstream has any
 * number of names.
 */
export class DocumentTurns {
  readonly #waiting: (() => void)[] = []
  readonly #atOnce: number
  #running = 0

  constructor(atOnce = AT_ONCE) {
    this.#atOnce = atOnce
  }

  /** Runs `work` when it is its turn; rejects with the reason of `signal` if that comes before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal)
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#running < this.#atOnce) {
      this.#running++
      return
    }
    const mine = Promise.withResolvers<void>()
    this.#waiting.push(mine.resolve)
    try {
      await abortable(mine.promise, signal)
    } catch (error) {
      const at = this.#waiting.indexOf(mine.resolve)
      // Given in the same moment as it was given up: it goes to the next one.
      if (at < 0) this.#leave()
      else this.#waiting.splice(at, 1)
      throw error
    }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#running--
  }
}
