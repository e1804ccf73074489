import { type Clock, systemClock } from '../../node/clock.ts'

/** The system's time, moved by hand: what sleeps goes on at its own pace. */
export class ShiftedClock implements Clock {
  /** Ms ahead of the system's time. */
  shift = 0
  readonly sleep = systemClock.sleep

  now(): number {
    return systemClock.now() + this.shift
  }

  pass(ms: number): void {
    this.shift += ms
  }
}

/** The system's time, but that a test may have any of it pass at once: what sleeps then wakes as if it had been awaited. */
export class HastyClock implements Clock {
  #ahead = 0
  readonly #sleepers = new Set<{ due: number; wake(): void }>()

  /** Ms since the epoch. */
  now(): number {
    return systemClock.now() + this.#ahead
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const early = new AbortController()
    const sleeper = { due: this.now() + ms, wake: () => early.abort() }
    this.#sleepers.add(sleeper)
    try {
      await systemClock.sleep(ms, signal ? AbortSignal.any([signal, early.signal]) : early.signal)
    } catch (error) {
      signal?.throwIfAborted()
      if (!early.signal.aborted) throw error
    } finally {
      this.#sleepers.delete(sleeper)
    }
  }

  /** Lets `ms` pass. */
  advance(ms: number): void {
    this.#ahead += ms
    const now = this.now()
    for (const sleeper of this.#sleepers) if (sleeper.due <= now) sleeper.wake()
  }

  /** Sets the clock ahead: nobody wakes. */
  jump(ms: number): void {
    this.#ahead += ms
    for (const sleeper of this.#sleepers) sleeper.due += ms
  }
}
