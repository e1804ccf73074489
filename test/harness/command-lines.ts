import { readFileSync } from 'node:fs'

/** A use of the command in a page. */
export interface CommandLine {
  readonly page: string
  readonly line: number
  /** What stands behind `warren`. */
  readonly words: readonly string[]
  /** Whether somebody would type it like that; in running text arguments are often left out. */
  readonly isWhole: boolean
}

const root = new URL('../../', import.meta.url)

/** Each command line of `warren` in a page: in its blocks of shell commands and recordings, and in code in its text. */
export function commandLinesIn(page: string): CommandLine[] {
  const found: CommandLine[] = []
  let language: string | undefined
  for (const [at, line] of readFileSync(new URL(page, root), 'utf8').split('\n').entries()) {
    const [, fence] = /^ *```(\w*)$/.exec(line) ?? []
    const shell = language === 'sh' ? line.trim() : language === 'console' ? /^\$ (.+)$/.exec(line)?.[1] : undefined
    const texts =
      language === undefined
        ? [...line.matchAll(/[`«](warren [^`»]+)[`»]/g)].map(([, text = '']) => text)
        : shell
          ? [shell]
          : []
    if (fence !== undefined) language = language === undefined ? fence : undefined
    else
      for (const words of texts.flatMap(commandsIn)) found.push({ page, line: at + 1, words, isWhole: language !== undefined })
  }
  return found
}

/** What stands behind each `warren` in a line of shell. */
function commandsIn(line: string): string[][] {
  const commands: string[][] = [[]]
  // Quotes hold words together; pipes, lists and substitutions part commands; redirections and comments are none of their words.
  for (const [, quoted, apart, comment, redirection, word] of line.matchAll(
    /"\$(?=\()|("[^"]*"|'[^']*')|(\$\(|[|;&()])|((?:^|(?<=\s))#.*$)|(\d?>>?\s*\S+|<\s+\S+|<(?=\s*$))|([^\s"'|;&()]+)/g,
  )) {
    if (apart) commands.push([])
    else if (!comment && !redirection) commands.at(-1)?.push((quoted ?? word ?? '').replace(/^["']|["']$/g, ''))
  }
  return commands.flatMap((words) => {
    // The last one: `sudo -u warren warren status`.
    const at = words.lastIndexOf('warren')
    const before = words.slice(0, at).filter((word) => word !== '' && !/^\w+=/.test(word))
    if (at < 0 || !mayCarry(before)) return []
    const rest = words.slice(at + 1).filter((word) => word !== '' && !(before[0] === 'npm' && word === '--'))
    return rest.length === 0 || rest[0] === '…' ? [] : [rest]
  })
}

/** Whether a command may stand behind these words: `kubectl -n warren get pods` is about a namespace of that name. */
function mayCarry(before: readonly string[]): boolean {
  const [program, ...rest] = before
  if (program === undefined) return true
  if (program === 'ssh') return rest.length === 1
  if (program === 'npm') return rest[0] === 'run'
  if (program === 'sudo') return rest.every((word, at) => word.startsWith('-') || rest[at - 1] === '-u')
  return ['docker', 'podman', 'kubectl'].includes(program) && (rest.at(-1) === '--' || rest.at(-2) === 'exec')
}
