/** Time as the node sees it. Tests inject one that they move by hand. */
export interface Clock {
  /** Ms since the epoch. */
  now(): number
  /** Resolves after `ms`; rejects with the reason of `signal` as soon as that is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The longest delay in ms that a timer takes; a longer one would fire at once. */
const LONGEST_DELAY = 2 ** 31 - 1

export const systemClock: Clock = {
  now: Date.now,
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(
        () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        Math.min(ms, LONGEST_DELAY),
      )
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
}
