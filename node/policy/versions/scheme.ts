/** Whether a version is in a range; undefined for a text that is no version, which may be anything. */
export type Range = (version: string) => boolean | undefined

/** How an ecosystem orders its versions. */
export interface VersionScheme {
  /** How a range may look, for messages: «a range, such as …». */
  readonly example: string
  /** Below zero, zero or above zero; undefined where one of them is no version. Not set where versions have no order. */
  compare?(one: string, other: string): number | undefined
  /** A range in the ecosystem's own syntax, without `||`; undefined for what is none. */
  range(text: string): Range | undefined
  /** Whether a version is a digest: no list of allowed versions can name it, since names lead to it. */
  isDigest?(version: string): boolean
}

/** A comparator such as `>=1.2`; without an operator it is equality. */
export interface Comparator {
  readonly operator: '<' | '<=' | '=' | '!=' | '>' | '>='
  readonly version: string
}

const COMPARATOR = /^(<=|>=|!=|==?|<|>)?\s*([^\s<>=!,|]+)$/

export function parseComparator(text: string): Comparator | undefined {
  const [, operator = '=', version] = COMPARATOR.exec(text.trim()) ?? []
  if (version === undefined) return undefined
  return { operator: (operator === '==' ? '=' : operator) as Comparator['operator'], version }
}

/** @param order what comparing a version with that of the comparator gave */
export function satisfies(order: number, operator: Comparator['operator']): boolean {
  switch (operator) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '>':
      return order > 0
    default:
      return order >= 0
  }
}
