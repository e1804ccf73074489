import type { Clock } from '../../node/clock.ts'

interface Sleeper {
  due: number
  readonly wake: () => void
}

/** Lets what was just woken run to its next wait: timers of the event loop are not virtual, so a few turns are enough. */
const TURNS_AFTER_WAKING = 3

/**
 * Time that stands still until a test moves it. Sleeps end in the order in which they are due, those due together in the
 * order in which they began, and whoever sleeps again inside the advanced span is woken inside it too.
 */
export class VirtualClock implements Clock {
  #now: number
  #sleepers: Sleeper[] = []

  /** @param start ms since the epoch */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start
  }

  /** Ms since the epoch. */
  now(): number {
    return this.#now
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  /** Resolves once the clock has been advanced by `ms`; rejects with the signal's reason when that comes first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal?.reason)
      }
      const sleeper: Sleeper = {
        due: this.#now + ms,
        wake: () => {
          signal?.removeEventListener('abort', giveUp)
          resolve()
        },
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      const later = this.#sleepers.findIndex((other) => other.due > sleeper.due)
      this.#sleepers.splice(later < 0 ? this.#sleepers.length : later, 0, sleeper)
    })
  }

  /** Moves time forward by `ms` and ends every sleep that becomes due on the way, at its own moment. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    for (;;) {
      await turns()
      const next = this.#sleepers[0]
      if (!next || next.due > end) break
      this.#sleepers.shift()
      this.#now = next.due
      next.wake()
    }
    this.#now = end
    await turns()
  }

  /** Sets the wall clock ahead or back, as an operator or NTP would: nobody wakes and nobody sleeps longer. */
  jump(ms: number): void {
    this.#now += ms
    for (const sleeper of this.#sleepers) sleeper.due += ms
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS_AFTER_WAKING; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
