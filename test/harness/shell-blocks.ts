import { readFileSync } from 'node:fs'

/** A fenced block of shell commands in a page. */
export interface ShellBlock {
  /** Path of the page below the root. */
  readonly page: string
  /** Line of the page at which it begins. */
  readonly line: number
  /** The headings above it, the outermost first. */
  readonly headings: readonly string[]
  readonly text: string
  /** Machines on which it runs, as `# on ada and bob` in its first line names them; none where it names none. */
  readonly machines: readonly string[]
  /** Whether its first line says that no node runs there meanwhile. */
  readonly isStopped: boolean
  /** Why the tests do not run it, as its first line says: `# not run by tests: it needs a cluster`. */
  readonly notRun: string | undefined
}

const root = new URL('../../', import.meta.url)
const WHERE = /^# on ([a-z][\w]*(?:(?:, | and )[a-z][\w]*)*)(?=[,;:]|$)(.*)$/
const NOT_RUN = /^# not run by tests: (.+)$/

/** All blocks in `sh` of a page, in order; none of an example of Markdown. */
export function shellBlocksIn(page: string): ShellBlock[] {
  const blocks: ShellBlock[] = []
  const headings: string[] = []
  let fence: { language: string; indent: string; line: number; lines: string[] } | undefined
  let isQuoted = false
  for (const [at, line] of readFileSync(new URL(page, root), 'utf8').split('\n').entries()) {
    if (line.startsWith('````')) isQuoted = !isQuoted
    if (isQuoted) continue
    const [, indent = '', language] = /^( *)```(\w*)$/.exec(line) ?? []
    if (fence && language === '') {
      if (fence.language === 'sh') blocks.push(blockOf(page, fence.line, [...headings], fence.lines.join('\n')))
      fence = undefined
    } else if (fence) fence.lines.push(line.startsWith(fence.indent) ? line.slice(fence.indent.length) : line)
    else if (language !== undefined) fence = { language, indent, line: at + 1, lines: [] }
    else {
      const [, marks = '', title] = /^(#+) (.+)$/.exec(line) ?? []
      if (title === undefined) continue
      headings.length = Math.min(headings.length, marks.length - 1)
      headings.push(...Array(marks.length - 1 - headings.length).fill(''), title)
    }
  }
  return blocks
}

function blockOf(page: string, line: number, headings: readonly string[], text: string): ShellBlock {
  const [first = ''] = text.split('\n', 1)
  const [, names = '', more = ''] = WHERE.exec(first) ?? []
  const machines = names.split(/, | and /).filter((name) => name !== '')
  return { page, line, headings, text, machines, isStopped: more.includes('no node running'), notRun: NOT_RUN.exec(first)?.[1] }
}
