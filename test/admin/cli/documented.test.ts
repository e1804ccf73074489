import type { Command } from 'commander'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { clientLine } from '../../../admin/cli/clients.ts'
import { commands } from '../../../admin/cli/main.ts'
import { CLIENTS } from '../../../admin/cli/setup/clients.ts'
import { builtIns } from '../../../node/built-ins.ts'
import { type CommandLine, commandLinesIn } from '../../harness/command-lines.ts'
import { ALL_PAGES, examplesIn, GUIDE } from '../../harness/readme.ts'

const HOST = 'http://127.0.0.1:7470'

const program = commands()

test('the README greets as a node does, with all mirrors', () => {
  const greeting = examplesIn('console').find((one) => one.startsWith('$ npm start')) ?? ''
  const rows = [...greeting.matchAll(/^ {2}(\S+) +(http\S+\/) {2,}(\S.*)$/gm)].map(([, name = '', url = '', line = '']) => ({
    name,
    url,
    line,
  }))
  expect(rows.map(({ name, url }) => [name, url])).toEqual(builtIns.map(({ name, path }) => [name, HOST + path]))
  rows.forEach(({ line, url }, at) => {
    expect(line).toBe(clientLine(builtIns[at] ?? { protocol: '' }, { url, warren: 'npm run -s warren --' }))
  })
})

test('the addresses in the guide are those of mirrors that there are, or that its examples make', () => {
  const made = examplesIn('yaml').flatMap((text) =>
    [...text.matchAll(/^ {2}([\w-]+):[^\n]*(?:\n {4}[^\n]*)*?protocol: (\w+)/gm)].map(([, name = '', protocol = '']) =>
      protocol === 'maven' || protocol === 'raw' ? `/${protocol}/${name}/` : `/${name}/`,
    ),
  )
  const paths = [...builtIns.map(({ path }) => path), ...made, '/maven/<name>/', '/raw/<name>/', '/admin/', '/metrics/']
  const named = [...GUIDE.matchAll(/(?:127\.0\.0\.1|localhost):7470(\/[^\s"`'|,<)]*(?:<name>)?\/?)/g)].map(
    ([, path = '']) => path,
  )
  expect(named.length).toBeGreaterThan(40)
  const strange = named.filter(
    (path) => !paths.some((one) => `${path}/`.startsWith(one)) && !/^\/[a-z.]+\.[a-z]+(?:\/|$)/.test(path),
  )
  expect(strange).toEqual([])
})

test.for([
  ['toml', parse],
  ['json', JSON.parse],
] as const)('the examples in %s can be read', ([language, read]) => {
  const texts = examplesIn(language)
  expect(texts.length).toBeGreaterThan(0)
  for (const text of texts) expect(Object.keys(read(text) as object)).not.toEqual([])
})

test('the README names the clients that can be set up', () => {
  const [, list = ''] = /^There is (`npm`.*?)\. Comments/ms.exec(GUIDE) ?? []
  expect([...list.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(CLIENTS.map(({ name }) => name))
})

/** What commander says of words behind `warren`; undefined where it takes them. */
function problemOf({ words, isWhole }: CommandLine): string | undefined {
  let command = program
  let rest = [...words]
  for (;;) {
    const next = command.commands.find((one) => one.name() === rest[0])
    if (!next) break
    command = next
    rest = rest.slice(1)
  }
  if (rest.includes('--help') || rest.includes('--version')) return undefined
  const { operands, unknown } = command.parseOptions(rest)
  if (unknown.length > 0) return `has no ${unknown.join(' ')}`
  const wanted = command.registeredArguments
  if (operands.length > wanted.length && !wanted.at(-1)?.variadic) return `takes no ${operands.join(' ')}`
  if (isWhole && operands.length < wanted.filter(({ required }) => required).length) return 'lacks an argument'
  return undefined
}

const lines = ALL_PAGES.flatMap(commandLinesIn)

test('every command line in the documentation is one that the command takes', () => {
  expect(lines.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(40)
  const wrong = lines.flatMap((line) => {
    try {
      const problem = problemOf(line)
      return problem === undefined ? [] : [`${line.page}:${line.line}: warren ${line.words.join(' ')} ${problem}`]
    } catch (error) {
      return [`${line.page}:${line.line}: warren ${line.words.join(' ')}: ${(error as Error).message}`]
    }
  })
  expect(wrong).toEqual([])
})

test('every command is in the documentation', () => {
  const leaves = (command: Command, before: readonly string[]): string[] =>
    command.commands.length > 0 ? command.commands.flatMap((one) => leaves(one, [...before, one.name()])) : [before.join(' ')]
  const shown = lines.map(({ words }) => words.join(' '))
  // The default of a group has no name in practice.
  const names = leaves(program, []).map((name) => name.replace(/^mirrors list$/, 'mirrors'))
  expect(names.filter((name) => !shown.some((one) => one === name || one.startsWith(`${name} `)))).toEqual([])
})
