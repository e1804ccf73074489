import { matches } from '../../protocols/sites.ts'
import { type PurlType, purlTypeOf, purlTypes } from './purl-types.ts'
import type { Range } from './versions/scheme.ts'
import { versRange } from './versions/vers.ts'

/** Which packages, and which of their versions, something is said about. */
export interface Rule {
  /** As it was written. */
  readonly text: string
  /** The package-URL type of what it is about. */
  readonly type: string
  /** Namespace and name in their canonical spelling; `*` stands for any characters, slashes too. */
  readonly name: string
  /** Undefined where it is about all versions. */
  readonly range: Range | undefined
}

/** A pattern that cannot be read; the message is what it would have to be, a noun phrase. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** Characters of a pattern. */
const MAX_PATTERN = 1024

const PATTERN =
  'a package URL with * for any characters and a range of versions, such as pkg:npm/left-pad@<1.3.0 or pkg:pypi/req*'

/** In no ecosystem's names, but in ranges that somebody wrote without the `@`, and in lists: a rule for such a name would do nothing. */
const NOT_IN_NAMES = '?#\\%<>|,;=^&$"`[]{}'

/**
 * Reads `pkg:TYPE/namespace/name@RANGE` (purl-spec, without qualifiers). The range is of the ecosystem's own kind, of VERS, or several
 * joined by `||`; without one all versions are meant. Throws a PatternError.
 */
export function parseRule(text: string): Rule {
  const [, written = '', rest = ''] = /^pkg:\/{0,2}([a-z][a-z0-9.+-]*)\/+(.+)$/i.exec(text.trim()) ?? []
  if (text.length > MAX_PATTERN || rest === '') throw new PatternError(PATTERN)
  const type = written.toLowerCase()
  const known = purlTypeOf(type)
  if (!known) throw new PatternError(`a package URL of one of the types ${[...purlTypes.keys()].join(', ')}`)
  const at = versionAt(rest)
  const name = decoded(at < 0 ? rest : rest.slice(0, at))
  if (name === undefined || !isName(name))
    throw new PatternError(`${PATTERN}; a name has no spaces, no empty parts and none of ${NOT_IN_NAMES}; versions follow an @`)
  if (known.form && !known.form.of.test(name)) throw new PatternError(`${PATTERN}; of ${type} it names ${known.form.words}`)
  const range = at < 0 ? undefined : rangeOf(rest.slice(at + 1), type, known)
  return { text: text.trim(), type: known.of ?? type, name: known.canonical(name), range }
}

/** Whether a rule is about a package; `name` is canonical. */
export function isAbout(rule: Rule, name: string): boolean {
  return matches(rule.name, name)
}

/** Where the version begins: a scope may be written with a bare `@`, which then follows a slash or begins the name. */
function versionAt(rest: string): number {
  const at = rest.lastIndexOf('@')
  return at <= 0 || rest[at - 1] === '/' ? -1 : at
}

function isName(name: string): boolean {
  const isPlain = [...name].every((one) => one > ' ' && one <= '~' && !NOT_IN_NAMES.includes(one))
  return isPlain && name !== '' && !name.split('/').includes('')
}

function rangeOf(written: string, type: string, { versions }: PurlType): Range | undefined {
  const text = decoded(written)?.trim()
  if (text === '*' || text?.toLowerCase() === `vers:${type}/*`) return undefined
  const range = text && (/^vers:/i.test(text) ? vers(text, type, versions) : anyOf(text, versions))
  if (range) return range
  throw new PatternError(`${PATTERN}; what follows the @ is a range of versions of ${type}, such as ${versions.example}`)
}

function vers(text: string, type: string, versions: PurlType['versions']): Range | undefined {
  const [, of = '', constraints = ''] = /^vers:([a-z0-9.+-]+)\/(.+)$/i.exec(text) ?? []
  if (of.toLowerCase() !== type)
    throw new PatternError(`${PATTERN}; a range of another kind than vers:${type}/… does not fit it`)
  return versRange(constraints, versions)
}

function anyOf(text: string, versions: PurlType['versions']): Range | undefined {
  const ranges = text.split('||').map((part) => (part.trim() === '' ? undefined : versions.range(part.trim())))
  const good = ranges.filter((range) => range !== undefined)
  if (good.length < ranges.length) return undefined
  return (version) => {
    const verdicts = good.map((range) => range(version))
    return verdicts.includes(true) || (verdicts.includes(undefined) ? undefined : false)
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
