/** Lines that stand in the place of others. */
export interface Hunk {
  /** Index of the first of them in the old lines, and in the new ones. */
  readonly at: number
  readonly newAt: number
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** Lines that are told one by one; it costs the square of them. Whoever has that many was written anew, or wants us to be busy. */
const MAX_CHANGES = 300

/**
 * What changed from some lines to others, in order: the shortest way there is (E. W. Myers, «An O(ND) Difference Algorithm», 1986), and
 * for what has hardly anything in common all between its first lines and its last.
 */
export function hunksBetween(old: readonly string[], now: readonly string[]): Hunk[] {
  const hunks: { at: number; newAt: number; removed: string[]; added: string[] }[] = []
  const path = stepsBetween(old, now)
  let [x, y] = [0, 0]
  let isOpen = false
  for (const step of path) {
    if (step === 'same') {
      x++
      y++
      isOpen = false
      continue
    }
    if (!isOpen) hunks.push({ at: x, newAt: y, removed: [], added: [] })
    isOpen = true
    const last = hunks.at(-1)
    if (step === 'remove') last?.removed.push(old[x++] ?? '')
    else last?.added.push(now[y++] ?? '')
  }
  return hunks
}

type Step = 'same' | 'remove' | 'add'

function stepsBetween(old: readonly string[], now: readonly string[]): Step[] {
  // How far each diagonal x - y was gone after so many changes, one map for each number of them.
  const trail: Map<number, number>[] = []
  let reached = new Map<number, number>([[1, 0]])
  for (let changes = 0; changes <= MAX_CHANGES; changes++) {
    const next = new Map(reached)
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      let x = startOn(diagonal, changes, reached)
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++
      next.set(diagonal, x)
      if (x >= old.length && x - diagonal >= now.length) return walkBack(old.length, now.length, [...trail, reached])
    }
    trail.push(reached)
    reached = next
  }
  return allBetweenEnds(old, now)
}

function allBetweenEnds(old: readonly string[], now: readonly string[]): Step[] {
  const shorter = Math.min(old.length, now.length)
  let [first, last] = [0, 0]
  while (first < shorter && old[first] === now[first]) first++
  while (last < shorter - first && old.at(-1 - last) === now.at(-1 - last)) last++
  const steps = (step: Step, count: number) => Array.from({ length: count }, () => step)
  const [removed, added] = [old, now].map(({ length }) => length - first - last) as [number, number]
  return [...steps('same', first), ...steps('remove', removed), ...steps('add', added), ...steps('same', last)]
}

/** Where a diagonal is entered: from above (a line more) or from the left (a line less), whichever is further. */
function startOn(diagonal: number, changes: number, reached: ReadonlyMap<number, number>): number {
  return isAdded(diagonal, changes, reached) ? (reached.get(diagonal + 1) ?? 0) : (reached.get(diagonal - 1) ?? 0) + 1
}

function isAdded(diagonal: number, changes: number, reached: ReadonlyMap<number, number>): boolean {
  return (
    diagonal === -changes || (diagonal !== changes && (reached.get(diagonal - 1) ?? -1) < (reached.get(diagonal + 1) ?? -1))
  )
}

function walkBack(oldLength: number, newLength: number, trail: readonly ReadonlyMap<number, number>[]): Step[] {
  const steps: Step[] = []
  let [x, y] = [oldLength, newLength]
  for (let changes = trail.length - 1; changes >= 0; changes--) {
    const reached = trail[changes] ?? new Map<number, number>()
    const added = isAdded(x - y, changes, reached)
    const start = changes === 0 ? 0 : startOn(x - y, changes, reached)
    while (x > start && y > 0) {
      steps.push('same')
      x--
      y--
    }
    if (changes === 0) break
    steps.push(added ? 'add' : 'remove')
    if (added) y--
    else x--
  }
  return steps.reverse()
}
