import { type EventEmitter, once } from 'node:events'
import { setTimeout } from 'node:timers/promises'

/** Resolves at the first of the events, and leaves no listener behind. An error event counts as one. */
export async function firstOf(emitter: EventEmitter, ...events: string[]): Promise<void> {
  const waiting = new AbortController()
  const { signal } = waiting
  await Promise.race(events.map((event) => once(emitter, event, { signal }).catch(() => {})))
  waiting.abort()
}

/**
 * Resolves with the first value that is neither undefined nor false. For what another process does and nobody tells us;
 * within one process wait for the event instead. Rejects after `limitMs` with what was waited for.
 */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 20_000,
): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`gave up after ${limitMs} ms waiting until ${what}`)
    await setTimeout(20)
  }
}
