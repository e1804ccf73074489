import fc from 'fast-check'
import { expect, test } from 'vitest'
import { changesText, type Shell } from '../../../../admin/cli/env/shell.ts'
import { cleanEnv, run } from '../../../harness/child-process.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { requireTool } from '../../../harness/tools.ts'

const temp = useTempFolders()

/** What somebody would write who wants more than a variable to be set. */
const HOSTILE = [
  "'; touch broken; '",
  '"; touch broken; "',
  '$(touch broken)',
  '`touch broken`',
  'a\ntouch broken\n',
  "\\'; touch broken; \\'",
  '!!',
  '*',
  '~',
  ' -n ',
  '\u2019; touch broken; \u2018',
]

function text(shell: Shell, value: string | null): string {
  return changesText(shell, new Map([['A', value]]))
}

test.for(['sh', 'bash', 'dash'])('what %s evaluates sets the value and does nothing else', async (name, context) => {
  const shell = requireTool(context, name)
  const cwd = temp.create('shell')
  const random = fc.sample(fc.string({ unit: 'binary' }), { numRuns: 40, seed: 8 }).map((one) => one.replaceAll('\0', ''))
  const values = [...HOSTILE, ...random.filter((one) => one.isWellFormed() && !one.endsWith('\n'))]
  const script = values
    .map((value) => `eval "$WARREN_${values.indexOf(value)}"\nprintf '%s\\0' "$A"`)
    .concat('ls')
    .join('\n')
  const env = Object.fromEntries(values.map((value, at) => [`WARREN_${at}`, text('sh', value)]))
  const { stdout, code } = await run([shell, '-c', script], { cwd, env: cleanEnv(env), timeoutMs: 20_000 })
  expect(code).toBe(0)
  expect(stdout.split('\0')).toEqual([...values, ''])
})

test('a shell takes a variable away where there was none before', async (context) => {
  const script = `A=1; ${text('sh', null)} echo "\${A-gone}"`
  const { stdout } = await run([requireTool(context, 'sh'), '-c', script], {
    cwd: temp.create('shell'),
    env: cleanEnv(),
    timeoutMs: 20_000,
  })
  expect(stdout).toBe('gone\n')
})

test('what would end a string of fish or PowerShell is written in their own way', () => {
  expect(text('fish', `it's \\ $x`)).toBe(`set -gx A 'it\\'s \\\\ $x'\n`)
  expect(text('powershell', `it's \u2019 $x \``)).toBe(`$Env:A = 'it''s \u2019\u2019 $x \`'\n`)
  expect(text('fish', null)).toBe('set -e A\n')
  expect(text('powershell', null)).toBe('Remove-Item Env:A -ErrorAction SilentlyContinue\n')
})

test("for GitHub's runners lines are put between delimiters that are new each time, and end where they end", () => {
  expect(text('github', 'a b')).toBe('A=a b\n')
  const [one, other] = [text('github', 'a\nB=c'), text('github', 'a\nB=c')]
  expect(one).toMatch(/^A<<(warren-[0-9a-f-]{36})\na\nB=c\n\1\n$/)
  expect(one).not.toBe(other)
  expect(text('github', null)).toBe('')
})

test('a file of NAME=value has no quotes, and no value of several lines', () => {
  expect(text('dotenv', `it's "so"`)).toBe(`A=it's "so"\n`)
  expect(() => text('dotenv', 'a\nB=c')).toThrow('A has a line break in it')
})
