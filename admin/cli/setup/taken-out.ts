import { type Hunk, hunksBetween } from './line-diff.ts'
import { bare, endingOf, linesOf } from './text/lines.ts'

/** A line with a key and its value, which means the same without its neighbours. */
const STATEMENT = /^\s*[\w.-]+\s*=\s*\S/

/** Lines in a run that are looked for: more were written by nobody, and looking costs the square of them. */
const MAX_LINES = 1_000

/** A text without what was written into it. */
export interface TakenOut {
  readonly text: string
  /** What was written and is not there any more as it was, so that nothing was taken back of it; or what has no place any more. */
  readonly lost: readonly (readonly string[])[]
}

/**
 * A text without what made `written` of `base`, where somebody may have changed it since: each run of lines that was written becomes
 * again what stood there, wherever it is now.
 */
export function takenOut(text: string, base: string, written: string): TakenOut {
  if (text === written) return { text: base, lost: [] }
  if (text === base) return { text, lost: [] }
  const [old, made] = [linesOf(base), linesOf(written)]
  const hunks = hunksBetween(old.map(bare), made.map(bare))
  const lines = linesOf(text)
  const ending = endingOf(text)
  const lost: (readonly string[])[] = []
  // From the end on, so that places before stay where they are.
  for (const hunk of hunks.toReversed()) {
    const at = placeOf(hunk, lines.map(bare), made.map(bare))
    const again = old.slice(hunk.at, hunk.at + hunk.removed.length)
    if (at !== undefined) lines.splice(at, hunk.added.length, ...again)
    else lost.unshift(isOfStatements(hunk) ? takeSingly(hunk, lines, again) : hunk.added)
  }
  const joined = lines.map((line, at) => (at < lines.length - 1 && bare(line) === line ? line + ending : line))
  return { text: joined.join(''), lost }
}

function isOfStatements({ added }: Hunk): boolean {
  return added.length <= MAX_LINES && added.every((line) => STATEMENT.test(line))
}

/** Takes out what is still there of lines that mean something each for itself; returns those that are not. */
function takeSingly({ added, removed }: Hunk, lines: string[], again: readonly string[]): readonly string[] {
  const places = added.map((line) => {
    const [place, another] = lines.flatMap((one, at) => (bare(one) === line ? [at] : []))
    return another === undefined ? place : undefined
  })
  const found = places.filter((place) => place !== undefined)
  if (found.length === 0) return added.length > 0 ? added : removed
  const first = Math.min(...found)
  for (const place of found.toSorted((one, other) => other - one)) lines.splice(place, 1, ...(place === first ? again : []))
  return added.filter((_, at) => places[at] === undefined)
}

/** Where a run of lines is now; of several places the one with the same neighbours, undefined where that cannot be told. */
function placeOf({ added, newAt }: Hunk, lines: readonly string[], made: readonly string[]): number | undefined {
  if (added.length > MAX_LINES) return undefined
  const [before, after] = [made[newAt - 1], made[newAt + added.length]]
  const ends = lines.length - added.length
  // Of lines that were only removed, any place could be the one.
  const places = [...lines.keys(), lines.length].filter((at) => at <= ends && added.every((line, i) => lines[at + i] === line))
  if (places.length < 2) return places[0]
  const follows = (at: number) => lines[at - 1] === before
  const precedes = (at: number) => lines[at + added.length] === after
  for (const isRight of [(at: number) => follows(at) && precedes(at), follows, precedes]) {
    const [first, another] = places.filter(isRight)
    if (first !== undefined) return another === undefined ? first : undefined
  }
  return undefined
}
