import { type Comparator, parseComparator, type Range, satisfies, type VersionScheme } from './scheme.ts'

/** Constraints of one range. */
const MAX_CONSTRAINTS = 64

/**
 * A range as VERS has it (purl-spec «VERS»: version range specifier): constraints joined by `|`, in ascending order, without the
 * `vers:type/` before them. Undefined for what is none, or for versions without an order.
 */
export function versRange(text: string, { compare }: VersionScheme): Range | undefined {
  const constraints = text.split('|').map((one) => parseComparator(safelyDecoded(one)))
  if (!compare || constraints.length > MAX_CONSTRAINTS) return undefined
  const all = constraints.filter((one) => one !== undefined)
  if (all.length < constraints.length || all.some(({ version }) => compare(version, version) === undefined)) return undefined
  const bounds = all.filter(({ operator }) => operator !== '=' && operator !== '!=')
  for (const [i, { version }] of bounds.entries()) {
    const next = bounds[i + 1]
    if (next && (compare(version, next.version) ?? 0) >= 0) return undefined
  }
  return (version) => {
    if (compare(version, version) === undefined) return undefined
    const holds = (one: Comparator) => satisfies(compare(version, one.version) ?? 0, one.operator)
    if (all.some((one) => one.operator === '=' && holds(one))) return true
    if (all.some((one) => one.operator === '!=' && !holds(one))) return false
    // All but some: what is not excluded is in it.
    if (bounds.length === 0) return all.some(({ operator }) => operator === '!=')
    return isBetween(bounds, holds)
  }
}

/** «Checking if a version is contained within a range» of the specification, from its sixth step on. */
function isBetween(bounds: readonly Comparator[], holds: (one: Comparator) => boolean): boolean {
  const [first, last] = [bounds[0], bounds.at(-1)]
  if (first && isUpper(first) && holds(first)) return true
  if (last && !isUpper(last) && holds(last)) return true
  return bounds.some((bound, i) => {
    const next = bounds[i + 1]
    return next !== undefined && !isUpper(bound) && isUpper(next) && holds(bound) && holds(next)
  })
}

function isUpper({ operator }: Comparator): boolean {
  return operator === '<' || operator === '<='
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
