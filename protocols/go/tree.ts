import { createHash } from 'node:crypto'

/** Hash of the complete subtree over records `[index * 2 ** level, (index + 1) * 2 ** level)`. */
export type Subtree = (level: number, index: number) => Buffer

/** Hash of a record in a log (RFC 6962 section 2.1). */
export function recordHash(text: string): Buffer {
  return createHash('sha256').update('\0').update(text).digest()
}

export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update('\x01').update(left).update(right).digest()
}

/**
 * The root of a log of `size` records of which record `id` has the hash `leaf`: the log has that record if this is the log's root
 * (RFC 6962 section 2.1.1). `subtree` is asked for the complete subtrees that lie beside the way up, and for nothing else.
 */
export function rootWith(leaf: Buffer, id: number, size: number, subtree: Subtree): Buffer {
  const up = (start: number, end: number): Buffer => {
    if (end - start === 1) return leaf
    const middle = start + largestPowerBelow(end - start)
    return id < middle
      ? nodeHash(up(start, middle), whole(middle, end, subtree))
      : nodeHash(whole(start, middle, subtree), up(middle, end))
  }
  return up(0, size)
}

function whole(start: number, end: number, subtree: Subtree): Buffer {
  const length = end - start
  const half = length > 1 ? largestPowerBelow(length) : 0
  // Not by a logarithm: that of a large number is rounded.
  if (half * 2 === length || length === 1) return subtree(levelOf(length), start / length)
  return nodeHash(whole(start, start + half, subtree), whole(start + half, end, subtree))
}

/** The largest power of two that is smaller than a length of 2 or more. */
function largestPowerBelow(length: number): number {
  let power = 1
  while (power * 2 < length) power *= 2
  return power
}

function levelOf(power: number): number {
  let level = 0
  for (let rest = power; rest > 1; rest /= 2) level++
  return level
}
