import { compareMavenVersions, isMavenVersion } from './maven-version.ts'
import { type Comparator, parseComparator, satisfies, type VersionScheme } from './scheme.ts'

/** Maven's order, with its ranges (`[1.0,2.0)`, `(,1.0]`) or comparators. A version without an operator means just that one. */
export const maven: VersionScheme = {
  example: '[1.0,2.0) or >=1.0,<2.0',
  compare: compareMavenVersions,
  range(text) {
    const beginning = /^([^\s,()[\]<>=!*]*[.-])\*$/.exec(text)?.[1]
    if (beginning !== undefined) return (version) => (isMavenVersion(version) ? version.startsWith(beginning) : undefined)
    const anyOf = intervals(text) ?? [comparators(text)]
    const all = anyOf.filter((one) => one !== undefined)
    if (all.length < anyOf.length) return undefined
    return (version) => (isMavenVersion(version) ? all.some((bounds) => isWithin(version, bounds)) : undefined)
  },
}

function isWithin(version: string, bounds: readonly Comparator[]): boolean {
  return bounds.every((bound) => satisfies(compareMavenVersions(version, bound.version) ?? 0, bound.operator))
}

function comparators(text: string): readonly Comparator[] | undefined {
  const parsed = text.split(',').map(parseComparator)
  const good = parsed.filter((one) => one !== undefined && isMavenVersion(one.version))
  return good.length === parsed.length ? (good as Comparator[]) : undefined
}

/** Undefined where there are no brackets; an entry is undefined where what is between them is no range. */
function intervals(text: string): readonly (readonly Comparator[] | undefined)[] | undefined {
  if (!/^\s*[[(]/.test(text)) return undefined
  const found = [...text.matchAll(/\s*([[(])([^[\]()]*)([\])])\s*(?:,|$)/gy)]
  const length = found.reduce((sum, [whole]) => sum + whole.length, 0)
  return length === text.length
    ? found.map(([, open, inside = '', close]) => interval(open === '[', inside, close === ']'))
    : [undefined]
}

function interval(from: boolean, inside: string, to: boolean): readonly Comparator[] | undefined {
  const ends = inside.split(',').map((end) => end.trim())
  const [low = '', high] = ends
  if (ends.length > 2 || ends.some((end) => end !== '' && !isMavenVersion(end))) return undefined
  if (high === undefined) return from && to && low !== '' ? [{ operator: '=', version: low }] : undefined
  const bounds: Comparator[] = []
  if (low !== '') bounds.push({ operator: from ? '>=' : '>', version: low })
  if (high !== '') bounds.push({ operator: to ? '<=' : '<', version: high })
  return bounds
}
