import { randomUUID } from 'node:crypto'

/** In whose words variables are set: of a shell, of a file that GitHub's runners read, or of files with `NAME=value` in each line. */
export const SHELLS = ['sh', 'fish', 'powershell', 'github', 'dotenv'] as const

export type Shell = (typeof SHELLS)[number]

/** What a variable is set to; null: it is taken away. */
export type Changes = ReadonlyMap<string, string | null>

/**
 * Text that sets variables, and does nothing else whatever is in their values. Throws Error for a value that cannot be written so.
 * What only shells can take away is left as it is elsewhere.
 */
export function changesText(shell: Shell, changes: Changes): string {
  const { set, unset } = WORDS[shell]
  return [...changes].map(([name, value]) => (value === null ? unset(name) : set(name, value))).join('')
}

/** A word of a POSIX shell (2.2.2): nothing ends a single-quoted string but a single quote. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

interface Words {
  set(name: string, value: string): string
  unset(name: string): string
}

const nothing = () => ''

const WORDS: Readonly<Record<Shell, Words>> = {
  sh: {
    set: (name, value) => `export ${name}=${quoted(value)}\n`,
    unset: (name) => `unset ${name}\n`,
  },
  fish: {
    // Within single quotes a backslash stands before a quote, and before itself.
    set: (name, value) => `set -gx ${name} '${value.replace(/[\\']/g, '\\$&')}'\n`,
    unset: (name) => `set -e ${name}\n`,
  },
  powershell: {
    // It takes the typographic quotes for single quotes, too; each is doubled.
    set: (name, value) => `$Env:${name} = '${value.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'\n`,
    unset: (name) => `Remove-Item Env:${name} -ErrorAction SilentlyContinue\n`,
  },
  github: { set: gitHubLine, unset: nothing },
  dotenv: { set: dotenvLine, unset: nothing },
}

/** As the runner reads it from the file that GITHUB_ENV names: with a delimiter that nobody can guess around lines. */
function gitHubLine(name: string, value: string): string {
  if (!/[\r\n]/.test(value)) return `${name}=${value}\n`
  const delimiter = `warren-${randomUUID()}`
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`
}

/** Readers of such files differ about quotes, and agree about none. */
function dotenvLine(name: string, value: string): string {
  if (/[\r\n]/.test(value)) throw new Error(`${name} has a line break in it, which cannot be written as NAME=value`)
  return `${name}=${value}\n`
}
