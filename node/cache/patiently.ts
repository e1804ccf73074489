import type { Clock } from '../clock.ts'
import { DIGEST_PATIENCE, OVER } from './constants.ts'

/** Waits for what tells of digests, which is given a promise that resolves when that has taken so long that it is waited for no longer. */
export async function patiently<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  work: (enough: Promise<void>) => Promise<T>,
): Promise<T> {
  const over = new AbortController()
  try {
    return await work(clock.sleep(DIGEST_PATIENCE, AbortSignal.any([over.signal, signal])).catch(() => {}))
  } finally {
    over.abort(OVER)
  }
}
