import type { Logger } from 'pino'
import type { PeerBook } from '../peer-book.ts'

export interface BlameComponents {
  readonly book: Pick<PeerBook, 'get' | 'quarantine'>
  readonly log: Pick<Logger, 'warn'>
}

/** Nothing is taken from it for a while. */
export function blame({ book, log }: BlameComponents, peer: string, reason: string): void {
  log.warn({ peer }, reason)
  book.quarantine(peer, reason)
}

export function isBlamed({ book }: Pick<BlameComponents, 'book'>, peer: string): boolean {
  return (book.get(peer)?.quarantine ?? null) !== null
}
