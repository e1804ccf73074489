import { hunksBetween } from './line-diff.ts'
import { bare, linesOf } from './text/lines.ts'

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
    ...removed.map((line) => `-${withoutLogin(line)}`),
    ...added.map((line) => `+${withoutLogin(line)}`),
  ])
  return [`--- ${before === undefined ? '/dev/null' : path}`, `+++ ${after === undefined ? '/dev/null' : path}`, ...hunks]
}

/** A text in which URLs have no user, no password and no query. */
function withoutLogin(text: string): string {
  return text
    .replace(/(\b[a-z][a-z\d+.-]*:\/\/[^?#\s"'<>]*\?)[^#\s"'<>]+/gi, '$1…')
    .replace(/(\b[a-z][a-z\d+.-]*:\/\/)[^/?#\s"'<>@]*(?:@[^/?#\s"'<>@]*)*@/gi, '$1…@')
}

/** Lines as `diff` counts them: from 1, and before the first one where there are none. */
function range(at: number, length: number): string {
  return length === 1 ? String(at + 1) : `${length === 0 ? at : at + 1},${length}`
}
