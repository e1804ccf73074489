import type { NameRecord } from './store.ts'

/**
 * Whether a record would only take away what is known of its key: a link, where the bytes were asked for by that name while the
 * document was on its way that names them. With a link in its place a seed would ask upstream again whether it is so.
 */
export function saysLess(record: NameRecord, held: NameRecord | undefined): boolean {
  if (!record.link || !held || held.link || held.blob !== record.blob) return false
  const isOlder = (held.generation ?? 0) < (record.generation ?? 0)
  return !isOlder && (!held.private || record.private === true)
}
