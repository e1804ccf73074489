/**
 * How a member comes to ask: by itself; sent here by somebody who is busy; or once more, after none of those whom it was sent to could
 * help.
 */
export type Asking = 'first' | 'referred' | 'again'

/** Header of a request that tells it; without it, `first`. */
export const ASKING_HEADER = 'x-warren-asking'

export function parseAsking(value: unknown): Asking {
  return value === 'referred' || value === 'again' ? value : 'first'
}
