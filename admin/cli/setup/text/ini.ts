import { isDeepStrictEqual } from 'node:util'
import { NotEditable } from '../not-editable.ts'
import { appended, bare, linesOf, spliced } from './lines.ts'

/** How a client reads lines with keys and values. */
interface Dialect {
  /** The head of a section, with its name in a group; undefined where there are none. */
  readonly head?: RegExp
  /** What stands before a value, with the key in a group. */
  readonly start: RegExp
  /** Between key and value of a line that is new. */
  readonly is: ' = ' | '='
  /** Whether a value may have a comment behind it. */
  readonly comments?: boolean
  /** Lines of nothing that counts; they may stand within a value that goes on. */
  readonly blank: RegExp
  /** By what a value goes on in the next line: that is indented more, or a backslash is at the end. */
  readonly goesOn?: 'indented' | 'backslash'
}

export const DIALECTS = {
  // https://github.com/npm/ini
  npm: { head: /^\[([^\]]*)\]\s*$/, start: /^\s*([^=#;\s][^=]*?)\s*=\s*/, is: '=', comments: true, blank: /^\s*(?:[#;]|$)/ },
  // https://docs.python.org/3/library/configparser.html
  python: {
    head: /^\s*\[(.+)\]/,
    start: /^\s*([^=:#;\s][^=:]*?)\s*[=:]\s*/,
    is: ' = ',
    blank: /^\s*(?:[#;]|$)/,
    goesOn: 'indented',
  },
  /** Whatever is no variable at the very beginning of a line is passed over (cmd/go/internal/cfg, `readEnvFile`). */
  go: { start: /^([A-Z][^=]*)=/, is: '=', blank: /^(?:#|$)/ },
  /** java.util.Properties. */
  properties: { start: /^\s*([^=:#!\s][^=:]*?)\s*[=:]\s*/, is: '=', blank: /^\s*(?:[#!]|$)/, goesOn: 'backslash' },
} as const satisfies Record<string, Dialect>

/** A key of an INI file as its client reads it. */
export interface IniKey {
  readonly dialect: Dialect
  /** Undefined: before all sections. */
  readonly section?: string
  readonly key: string
  /** Other spellings that the client takes for it. */
  readonly spelled?: RegExp
}

/**
 * A text of INI in which one key has a value, and all others have theirs; comments, order and line endings stay. Throws NotEditable.
 */
export function withIniKey(text: string, wanted: IniKey, value: string): string {
  const { section, key, dialect } = wanted
  const { start, own, found } = placeOf(text, wanted)
  const written = `${key}${dialect.is}${value}`
  if (start === undefined) return appended(text, [`[${section}]`, written])
  const last = own.findLastIndex(({ line }) => line.trim() !== '')
  const after =
    found < 0
      ? spliced(text, start + 1 + last + 1, 0, [written])
      : spliced(text, start + 1 + found, 1, [replaced(own[found]?.line ?? '', value, dialect)])
  const goesOn = found >= 0 && own.slice(found + 1).find(({ line }) => !dialect.blank.test(line))?.isMore
  if (goesOn || !isDeepStrictEqual(others(after, wanted), others(text, wanted)))
    throw new NotEditable(`write «${written}» ${section === undefined ? 'at its beginning' : `in [${section}]`} by hand`)
  return after
}

/** Whether a key has a value. */
export function hasIniKey(text: string, wanted: IniKey): boolean {
  return placeOf(text, wanted).found >= 0
}

interface Line {
  readonly line: string
  readonly head?: string | undefined
  readonly name?: string | undefined
  /** Whether the value of a line before goes on in it. */
  readonly isMore?: boolean
}

/** The lines of a section, from the one behind its head on, and which of them has the key; no `start` where there is no such section. */
function placeOf(text: string, wanted: IniKey): { start: number | undefined; own: Line[]; found: number } {
  const { section } = wanted
  const lines = readLines(text, wanted.dialect)
  const start = section === undefined ? -1 : lines.findLastIndex(({ head }) => head === section)
  if (section !== undefined && start < 0) return { start: undefined, own: [], found: -1 }
  const next = lines.findIndex(({ head }, at) => at > start && head !== undefined)
  const own = lines.slice(start + 1, next < 0 ? lines.length : next)
  // Where a key stands twice, the later one counts.
  return { start, own, found: own.findLastIndex((line) => isKey(line, wanted)) }
}

/** Takes lines for what the client does. */
function readLines(text: string, { head, start, blank, goesOn }: Dialect): Line[] {
  let above: string | undefined
  return linesOf(text).map((whole): Line => {
    const line = bare(whole)
    const isMore = above !== undefined && goesOn === 'indented' && indentOf(line) > indentOf(above)
    const isNext = above !== undefined && goesOn === 'backslash' && /(?<!\\)(?:\\\\)*\\$/.test(above)
    if (isNext) above = line
    if (blank.test(line) || isMore || isNext) return { line, isMore: isMore || isNext }
    const name = head?.exec(line)?.[1]
    // What follows the head of a section belongs to no value.
    above = name === undefined ? line : undefined
    return name === undefined ? { line, name: start.exec(line)?.[1] } : { line, head: name }
  })
}

function isKey({ name }: Line, { key, spelled }: IniKey): boolean {
  return name !== undefined && (spelled ? spelled.test(name) : name === key)
}

function replaced(line: string, value: string, { start, comments = false }: Dialect): string {
  const [before = ''] = start.exec(line) ?? []
  const [comment = ''] = comments ? (/\s+[;#].*$/.exec(line.slice(before.length)) ?? []) : []
  return before + value + comment
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

/** All lines but those of a key, without blank ones. */
function others(text: string, wanted: IniKey): string[] {
  return readLines(text, wanted.dialect)
    .filter((line) => line.line.trim() !== '' && !isKey(line, wanted))
    .map(({ line }) => line.trim())
}
