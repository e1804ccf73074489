/** Longer words are no misspelt settings, and comparing them would take long. */
const MAX_WORD = 64

/** The candidate that `word` was probably meant to be; undefined when none is near. Upper and lower case count as equal. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_WORD) return undefined
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = Math.min(editDistance(word, candidate), lastPartDistance(word, candidate))
    if (distance < least) [best, least] = [candidate, distance]
  }
  // The part before the last dot is seldom what was misspelt, and would let `ca` pass for `path`.
  const last = word.length - word.lastIndexOf('.') - 1
  return least <= Math.max(1, Math.min(Math.floor(word.length / 4), Math.floor(last / 2))) ? best : undefined
}

/** `minFree` alone means `store.minFree`, although it is six edits away; other spellings of the same key come first. */
function lastPartDistance(word: string, candidate: string): number {
  return editDistance(word, candidate.slice(candidate.lastIndexOf('.') + 1)) + 0.5
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  const a = left.toLowerCase()
  const b = right.toLowerCase()
  let older: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, at(older, column - 2) + 1)
      current.push(cost)
    }
    older = above
    above = current
  }
  return at(above, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
