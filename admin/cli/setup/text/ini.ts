import { isDeepStrictEqual } from 'node:util'
import { NotEditable } from '../not-editable.ts'
import { appended, bare, linesOf, spliced } from './lines.ts'

/** A key of an INI file as its client reads it. */
export interface IniKey {
  /** Undefined: before all sections. */
  readonly section?: string
  readonly key: string
  /** Other spellings that the client takes for it. */
  readonly spelled?: RegExp
  /** Between key and value. */
  readonly is: ' = ' | '='
  /** Whether a value may have a comment behind it. */
  readonly comments?: boolean
}

/**
 * A text of INI in which one key has a value, and all others have theirs; comments, order and line endings stay. Throws NotEditable.
 */
export function withIniKey(text: string, wanted: IniKey, value: string): string {
  const { section, key, is, comments = false } = wanted
  const lines = linesOf(text).map(bare)
  const start = section === undefined ? -1 : lines.findLastIndex((line) => sectionOf(line) === section)
  if (section !== undefined && start < 0) return appended(text, [`[${section}]`, `${key}${is}${value}`])
  const next = lines.findIndex((line, at) => at > start && sectionOf(line) !== undefined)
  const end = next < 0 ? lines.length : next
  const own = lines.slice(start + 1, end)
  // Where a key stands twice, the later one counts.
  const found = own.findLastIndex((line) => keyIn(line, wanted))
  const last = own.findLastIndex((line) => line.trim() !== '')
  const after =
    found < 0
      ? spliced(text, start + 1 + last + 1, 0, [`${key}${is}${value}`])
      : spliced(text, start + 1 + found, 1, [replaced(own[found] ?? '', value, comments)])
  if (!isDeepStrictEqual(others(after, wanted), others(text, wanted)) || continues(own[found + 1], own[found]))
    throw new NotEditable(
      `write «${key}${is}${value}» ${section === undefined ? 'at its beginning' : `in [${section}]`} by hand`,
    )
  return after
}

function sectionOf(line: string): string | undefined {
  return /^\s*\[([^\]]*)\]\s*(?:[#;].*)?$/.exec(line)?.[1]
}

function keyIn(line: string, { key, spelled }: IniKey): boolean {
  const [, name] = /^\s*([^=:#;[\s][^=:]*?)\s*[=:]/.exec(line) ?? []
  return name !== undefined && (spelled ? spelled.test(name) : name === key)
}

function replaced(line: string, value: string, comments: boolean): string {
  const [, before = ''] = /^([^=:]*[=:]\s*)/.exec(line) ?? []
  const [comment = ''] = comments ? (/\s+[;#].*$/.exec(line.slice(before.length)) ?? []) : []
  return before + value + comment
}

/** Whether the value of a line goes on in the next one: as Python has it, where that is indented more. */
function continues(next: string | undefined, line: string | undefined): boolean {
  if (next === undefined || line === undefined || /^\s*[#;]?$/.test(next)) return false
  return indentOf(next) > indentOf(line) && !/^\s*[#;]/.test(next)
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

/** All lines but those of a key, without blank ones. */
function others(text: string, wanted: IniKey): string[] {
  return linesOf(text)
    .map((line) => bare(line).trim())
    .filter((line) => line !== '' && !keyIn(line, wanted))
}
