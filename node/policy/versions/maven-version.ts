/** A version in the form in which Maven compares it: numbers, qualifiers, and lists within lists where a hyphen stands. */
type Item = bigint | string | readonly Item[]

/** In their order; an empty one is the release itself. Others come behind them, by the alphabet. */
const QUALIFIERS = ['alpha', 'beta', 'milestone', 'rc', 'snapshot', '', 'sp']
const RELEASE = QUALIFIERS.indexOf('')
const ALIASES: Readonly<Record<string, string>> = { ga: '', final: '', release: '', cr: 'rc' }
/** Only where a digit follows at once: `1-a1` is an alpha, `1-a` is not. */
const SHORT: Readonly<Record<string, string>> = { a: 'alpha', b: 'beta', m: 'milestone' }

/** Characters of a version; a longer one is none, since each hyphen nests one level deeper. */
const MAX_VERSION = 256

/** Maven's order of versions («Version Order Specification» of the POM reference, as `ComparableVersion` of Maven 3 has it). */
export function compareMavenVersions(one: string, other: string): number | undefined {
  if (!isMavenVersion(one) || !isMavenVersion(other)) return undefined
  return compare(parse(one), parse(other))
}

/** Nearly any text; what could not be a folder's name in a repository is none. */
export function isMavenVersion(version: string): boolean {
  return version.length > 0 && version.length <= MAX_VERSION && /^[^\s/\\:"<>|?*[\](),]+$/.test(version)
}

function parse(version: string): Item {
  const outermost: Item[] = []
  const lists: Item[][] = [outermost]
  let list = outermost
  const nest = () => {
    const inner: Item[] = []
    list.push(inner)
    lists.push(inner)
    list = inner
  }
  for (const part of version.toLowerCase().matchAll(/(\d+)|([^\d.-]+)|([.-])/g)) {
    const [, digits, letters, separator] = part
    const { index, input } = part
    if (digits !== undefined) list.push(BigInt(digits))
    else if (letters !== undefined) {
      const after = input[index + letters.length]
      // A qualifier with a number, or at the very end, counts as one behind a hyphen: `1.foo` is `1-foo`.
      if (!isSeparator(after) && list.length > 0) nest()
      list.push(qualifier(letters, after !== undefined && !isSeparator(after)))
    }
    // Nothing between two separators is a zero.
    else if (index === 0 || isSeparator(input[index - 1])) list.push(0n)
    const next = input[index + part[0].length]
    // From digits to letters and back is as good as a hyphen.
    const turns = separator === undefined && next !== undefined && !isSeparator(next)
    if (separator === '-' || turns) nest()
  }
  for (const nested of lists.reverse()) trim(nested)
  return outermost
}

function qualifier(letters: string, beforeDigit: boolean): string {
  const long = (beforeDigit && SHORT[letters]) || letters
  return Object.hasOwn(ALIASES, long) ? (ALIASES[long] as string) : long
}

/** Takes away what adds nothing at the end of a list, and before the lists at its end. */
function trim(list: Item[]): void {
  for (let i = list.length - 1; i >= 0; i--) {
    const item = list[i] as Item
    if (isNothing(item)) list.splice(i, 1)
    else if (!Array.isArray(item)) break
  }
}

function isNothing(item: Item): boolean {
  return item === 0n || item === '' || (Array.isArray(item) && item.length === 0)
}

function compare(one: Item | undefined, other: Item | undefined): number {
  if (one === undefined) return other === undefined ? 0 : -compare(other, undefined)
  if (typeof one === 'bigint') return compareNumber(one, other)
  if (typeof one === 'string') return compareQualifier(one, other)
  return compareList(one, other)
}

function compareNumber(one: bigint, other: Item | undefined): number {
  if (other === undefined) return one === 0n ? 0 : 1
  if (typeof other !== 'bigint') return 1
  return one < other ? -1 : one > other ? 1 : 0
}

function compareQualifier(one: string, other: Item | undefined): number {
  if (other === undefined) return rank(one) - RELEASE
  if (typeof other !== 'string') return -1
  return rank(one) - rank(other) || (one < other ? -1 : one > other ? 1 : 0)
}

function compareList(one: readonly Item[], other: Item | undefined): number {
  if (other === undefined) return one.length === 0 ? 0 : (one.map((item) => compare(item, undefined)).find(Boolean) ?? 0)
  if (typeof other === 'bigint') return -1
  if (typeof other === 'string') return 1
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const order = compare(one[i], other[i])
    if (order !== 0) return order
  }
  return 0
}

function rank(name: string): number {
  const at = QUALIFIERS.indexOf(name)
  return at < 0 ? QUALIFIERS.length : at
}

function isSeparator(character: string | undefined): boolean {
  return character === '.' || character === '-'
}
