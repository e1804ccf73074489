import { createHash } from 'node:crypto'

/**
 * The seeds in the order in which a key belongs to them: rendezvous hashing (Thaler and Ravishankar, «Using Name-Based Mappings to
 * Increase Hit Rates», 1998). Whoever knows the same seeds comes to the same order, and a seed that comes or goes moves no key but
 * those that were or are its own.
 *
 * @param key cache key
 * @param seeds peer ids
 */
export function ranked(key: string, seeds: readonly string[]): string[] {
  return seeds
    .map((seed) => ({ seed, score: score(key, seed) }))
    .sort((one, other) => (one.score < other.score ? 1 : -1))
    .map(({ seed }) => seed)
}

function score(key: string, seed: string): bigint {
  return createHash('sha256').update(`${seed}\n${key}`).digest().readBigUInt64BE(0)
}
