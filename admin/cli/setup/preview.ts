import { hunksBetween } from './line-diff.ts'
import { bare, linesOf } from './text/lines.ts'

/** Characters at an end of a line that are shown although they are the same as before. */
const MAX_SAME = 40
/** A key that names a secret in JSON, TOML, YAML, INI or XML, and its value. */
const SECRET =
  /((?:passw|passphrase|secret|token|auth|credential)[\w-]*(?:["']?\s*[:=]\s*|>))("(?:[^"\\]|\\.)*"|'[^']*'|(?<=>)[^<]+|[^\s"'<>,{}[\]]+)/gi

/** What is asked of a preview. */
interface Shown {
  readonly path: string
  readonly before: string | undefined
  readonly after: string | undefined
}

/**
 * What changes in a file, as `diff -U0` has it. Lines that stay are not shown, and neither are logins in URLs: settings are full of
 * secrets, and a terminal is often looked at by others.
 */
export function previewOf({ path, before, after }: Shown): string[] {
  const [old, now] = [before, after].map((text) => linesOf(text ?? '').map(bare)) as [string[], string[]]
  const hunks = hunksBetween(old, now).flatMap(({ at, newAt, removed, added }) => [
    `@@ -${range(at, removed.length)} +${range(newAt, added.length)} @@`,
    ...signed('-', removed, added),
    ...signed('+', added, removed),
  ])
  return [`--- ${before === undefined ? '/dev/null' : path}`, `+++ ${after === undefined ? '/dev/null' : path}`, ...hunks]
}

/**
 * Lines with a sign before each. What one has in common with the one in its place, counted from the first or the last, is cut off where
 * it is long: all settings may be in one line, with all secrets.
 */
function signed(sign: string, lines: readonly string[], others: readonly string[]): string[] {
  return lines.map((line, n) => {
    const [first = '', last = ''] = [others[n], others.at(n - lines.length)]
    let [start, end] = [0, line.length]
    while (start < Math.min(end, first.length) && line[start] === first[start]) start++
    while (end > start && line.length - end < last.length && line[end - 1] === last.at(end - 1 - line.length)) end--
    const [from, to] = [start > MAX_SAME ? start : 0, line.length - end > MAX_SAME ? end : line.length]
    return `${sign}${from > 0 ? '…' : ''}${withoutLogin(line.slice(from, to))}${to < line.length ? '…' : ''}`
  })
}

/** A line that stays, without secrets; of a long one, that may be all settings, the beginning. */
export function staying(line: string): string {
  return withoutLogin(line.length > 2 * MAX_SAME ? `${line.slice(0, MAX_SAME)}…` : line)
}

/** A text without values that are called a secret, in which URLs have no user, no password and no query. */
function withoutLogin(text: string): string {
  return text
    .replace(SECRET, '$1…')
    .replace(/(\b[a-z][a-z\d+.-]*:\/\/[^?#\s"'<>]*\?)[^#\s"'<>]+/gi, '$1…')
    .replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^/?#\s"'<>@]*(?:@[^/?#\s"'<>@]*)*@/gi, '$1…@')
}

/** Lines as `diff` counts them: from 1, and before the first one where there are none. */
function range(at: number, length: number): string {
  return length === 1 ? String(at + 1) : `${length === 0 ? at : at + 1},${length}`
}
