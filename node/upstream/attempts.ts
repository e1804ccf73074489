import type { Clock } from '../clock.ts'
import { BACKOFF_BASE, BACKOFF_CAP } from './constants.ts'
import type { Trouble } from './failures.ts'

export interface AttemptsComponents {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * Runs `attempt` up to `max` times, until there is an answer or trouble that another try would not mend. Between tries it waits
 * for a random part of a doubling span (full jitter), so that a crowd of nodes does not come back in step.
 */
export async function withAttempts<T extends object>(
  attempt: () => Promise<T | Trouble>,
  max: number,
  components: AttemptsComponents,
  signal: AbortSignal,
): Promise<T> {
  for (let n = 1; ; n++) {
    const result = await attempt()
    if (!isTrouble(result)) return result
    if (n >= max || !result.again) throw result.error
    const span = Math.min(BACKOFF_BASE * 2 ** (n - 1), BACKOFF_CAP)
    await components.clock.sleep(span * components.random(), signal)
  }
}

function isTrouble(result: object): result is Trouble {
  return 'again' in result
}
