import { isDeepStrictEqual } from 'node:util'
import { parse } from 'smol-toml'
import { NotEditable } from '../not-editable.ts'
import { appended, bare, linesOf, spliced } from './lines.ts'

type Value = string | boolean | readonly string[]
type Table = Record<string, unknown>

interface Where {
  readonly table: readonly string[]
  /** Which of several in an array, from 0. */
  readonly nth?: number
}

/** What stands in one line behind the `=`: a string, a list, or a bare word; then blanks and a comment. */
const VALUE = /^(\s*[^=]+=\s*)("(?:[^"\\]|\\.)*"|'[^']*'|\[[^[\]#]*\]|[^\s"'#[{]+)(\s*(?:#.*)?)$/

/**
 * A text of TOML in which one key of one table has a value, and nothing else has another meaning; comments, order and line endings
 * stay. `table` is the path of a table, none for the keys before all tables. Throws NotEditable.
 */
export function withTomlKey(text: string, table: readonly string[], key: string, value: Value): string {
  const wanted = readToml(text)
  const group = tableIn(wanted, table)
  if (group && isDeepStrictEqual(plain(group[key]), plain(value))) return text
  const after = placed(text, { table }, key, literal(value))
  if (group) group[key] = value
  if (!group || !means(after, wanted)) throw refusal(table, key, literal(value))
  return after
}

/** The same for a key of one of several tables of an array, such as the second `[[index]]`, which has to be there. Throws NotEditable. */
export function withTomlEntryKey(text: string, name: readonly string[], nth: number, key: string, value: Value): string {
  const wanted = readToml(text)
  const entries = tableIn(wanted, name.slice(0, -1))?.[name.at(-1) ?? '']
  const entry: unknown = Array.isArray(entries) ? entries[nth] : undefined
  const after = placed(text, { table: name, nth }, key, literal(value))
  if (typeof entry === 'object' && entry !== null) (entry as Table)[key] = value
  if (!means(after, wanted)) throw refusal(name, key, literal(value))
  return after
}

/** The same text with a table of an array at its end, such as `[[index]]`. Throws NotEditable. */
export function withTomlEntry(text: string, name: readonly string[], entry: Readonly<Record<string, Value>>): string {
  const wanted = readToml(text)
  const group = tableIn(wanted, name.slice(0, -1))
  const last = name.at(-1) ?? ''
  const lines = [`[[${dotted(name)}]]`, ...Object.entries(entry).map(([key, value]) => `${key} = ${literal(value)}`)]
  const after = appended(text, lines)
  const others = group?.[last] ?? []
  if (group && Array.isArray(others)) group[last] = [...others, entry]
  if (!means(after, wanted)) throw new NotEditable(`write this there by hand:\n${lines.join('\n')}`)
  return after
}

/**
 * The same text with a table before the others with the same parent, since for some clients the first counts most. One that is there is
 * left as it is. Throws NotEditable.
 */
export function withTomlTable(text: string, name: readonly string[], entries: Readonly<Record<string, Value>>): string {
  const wanted = readToml(text)
  const group = tableIn(wanted, name.slice(0, -1))
  const last = name.at(-1) ?? ''
  if (group && Object.hasOwn(group, last)) return text
  const lines = [`[${dotted(name)}]`, ...Object.entries(entries).map(([key, value]) => `${key} = ${literal(value)}`)]
  const headers = linesOf(text).map((line) => headerOf(bare(line)))
  const next = headers.findIndex((path) => path && isDeepStrictEqual(path.slice(0, name.length - 1), name.slice(0, -1)))
  const after = next < 0 ? appended(text, lines) : spliced(text, next, 0, [...lines, ''])
  if (group) group[last] = entries
  if (!group || !means(after, wanted)) throw new NotEditable(`write this there by hand:\n${lines.join('\n')}`)
  return after
}

/** What a text of TOML says. Throws NotEditable. */
export function readToml(text: string): Table {
  try {
    return parse(text)
  } catch {
    throw new NotEditable('it is no TOML as it stands: mend it first')
  }
}

export function literal(value: Value): string {
  return Array.isArray(value) ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]` : JSON.stringify(value)
}

function dotted(path: readonly string[]): string {
  return path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join('.')
}

function placed(text: string, { table, nth = 0 }: Where, key: string, value: string): string {
  const lines = linesOf(text).map(bare)
  const headers = lines.map(headerOf)
  const heads = headers.flatMap((path, at) => (isDeepStrictEqual(path, table) ? [at] : []))
  const header = table.length === 0 ? -1 : heads[nth]
  if (header === undefined) return appended(text, [`[${dotted(table)}]`, `${key} = ${value}`])
  const next = headers.findIndex((path, at) => at > header && path !== undefined)
  const own = lines.slice(header + 1, next < 0 ? lines.length : next)
  const found = own.findIndex((line) => isKey(line, key))
  if (found >= 0) {
    const [, before, , after = ''] = VALUE.exec(own[found] ?? '') ?? []
    if (before === undefined) throw refusal(table, key, value)
    return spliced(text, header + 1 + found, 1, [before + value + after])
  }
  const last = own.findLastIndex((line) => !/^\s*(?:#|$)/.test(line))
  return spliced(text, header + 1 + last + 1, 0, [`${key} = ${value}`])
}

/** The path in the head of a table; undefined for any other line. */
function headerOf(line: string): string[] | undefined {
  if (!/^\s*\[/.test(line)) return undefined
  try {
    return pathIn(parse(line))
  } catch {
    return undefined
  }
}

function isKey(line: string, key: string): boolean {
  const [, written] = /^\s*([^=#]+?)\s*=/.exec(line) ?? []
  if (written === undefined) return false
  try {
    return isDeepStrictEqual(pathIn(parse(`${written} = {}`)), [key])
  } catch {
    return false
  }
}

function pathIn(value: unknown): string[] {
  const [name, inner] = Object.entries(Object(Array.isArray(value) ? value[0] : value))[0] ?? []
  return name === undefined ? [] : [name, ...pathIn(inner)]
}

/** The table at a path, made where there is none; undefined where something else is there. */
function tableIn(root: Table, path: readonly string[]): Table | undefined {
  let at = root
  for (const name of path) {
    const next = Object.hasOwn(at, name) ? at[name] : {}
    if (typeof next !== 'object' || next === null || Array.isArray(next)) return undefined
    at[name] = next
    at = next as Table
  }
  return at
}

function means(text: string, wanted: Table): boolean {
  try {
    return isDeepStrictEqual(plain(parse(text)), plain(wanted))
  } catch {
    return false
  }
}

/** Without the prototypes that parsers give their objects. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function refusal(table: readonly string[], key: string, value: string): NotEditable {
  const where = table.length === 0 ? 'before all tables' : `in [${dotted(table)}]`
  return new NotEditable(`write «${key} = ${value}» ${where} by hand`)
}
