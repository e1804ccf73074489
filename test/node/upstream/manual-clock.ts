import { type Clock, systemClock } from '../../../node/clock.ts'
import { PATIENCE } from '../../../node/upstream/constants.ts'

interface Sleeper {
  readonly due: number
  wake(): void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number
  readonly #sleepers = new Set<Sleeper>()
  readonly #watchers = new Set<() => void>()
  /** Every sleep that was asked for, in ms. */
  readonly asked: number[] = []

  constructor(now = Date.UTC(2030, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.asked.push(ms)
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason)
      }
      const wake = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const sleeper = { due: this.#now + ms, wake }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
      for (const watch of this.#watchers) watch()
    })
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Resolves once at least `count` sleep. */
  whenSleeping(count: number): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (this.#sleepers.size < count) return
        this.#watchers.delete(watch)
        resolve()
      }
      this.#watchers.add(watch)
      watch()
    })
  }

  /** Moves time on and wakes those whose time has come, in order. */
  advance(ms: number): void {
    this.#now += ms
    const due = [...this.#sleepers].filter((sleeper) => sleeper.due <= this.#now).sort((a, b) => a.due - b.due)
    for (const sleeper of due) {
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}

/** A clock whose pauses take no time: for tests in which waiting is not the point. Longer sleeps are limits, and last. */
export function hastyClock(): Clock & { readonly asked: number[] } {
  const asked: number[] = []
  return {
    asked,
    now: Date.now,
    sleep(ms, signal) {
      if (ms > PATIENCE) return systemClock.sleep(ms, signal)
      asked.push(ms)
      return signal?.aborted ? Promise.reject(signal.reason) : Promise.resolve()
    },
  }
}
