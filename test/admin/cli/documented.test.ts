import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { clientLine } from '../../../admin/cli/clients.ts'
import { CLIENTS } from '../../../admin/cli/setup/clients.ts'
import { builtIns } from '../../../node/built-ins.ts'
import { examplesIn, README } from '../../harness/readme.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { runWarren } from './run-warren.ts'

const HOST = 'http://127.0.0.1:7470'

const temp = useTempFolders()

test('the README greets as a node does, with all mirrors', () => {
  const greeting = examplesIn('console').find((one) => one.startsWith('$ npm start')) ?? ''
  const rows = [...greeting.matchAll(/^ {2}(\S+) +(http\S+\/) {2,}(\S.*)$/gm)].map(([, name = '', url = '', line = '']) => ({
    name,
    url,
    line,
  }))
  expect(rows.map(({ name, url }) => [name, url])).toEqual(builtIns.map(({ name, path }) => [name, HOST + path]))
  rows.forEach(({ line, url }, at) => {
    // Long lines end in dots there.
    const whole = clientLine(builtIns[at] ?? { protocol: '' }, url)
    expect(line.endsWith('…') ? whole.startsWith(line.slice(0, -1)) || whole === line : whole === line).toBe(true)
  })
})

test('the addresses in the README are those of mirrors that there are, or that its examples make', () => {
  const made = examplesIn('yaml').flatMap((text) =>
    [...text.matchAll(/^ {2}([\w-]+):[^\n]*(?:\n {4}[^\n]*)*?protocol: (\w+)/gm)].map(([, name = '', protocol = '']) =>
      protocol === 'maven' || protocol === 'raw' ? `/${protocol}/${name}/` : `/${name}/`,
    ),
  )
  const paths = [...builtIns.map(({ path }) => path), ...made, '/maven/<name>/', '/raw/<name>/', '/admin/', '/metrics/']
  const named = [...README.matchAll(/(?:127\.0\.0\.1|localhost):7470(\/[^\s"`'|,<)]*(?:<name>)?\/?)/g)].map(
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
  const [, list = ''] = /^There is (`npm`.*?)\. Comments/ms.exec(README) ?? []
  expect([...list.matchAll(/`([^`]+)`/g)].map(([, name]) => name)).toEqual(CLIENTS.map(({ name }) => name))
})

test('the commands in the README are there, with the options that they are given', async () => {
  const shown = [...README.matchAll(/(?:^|\$ |`|\| )(?:npm run -s )?warren (?:-- )?([a-z][^\n`#|]*)/gm)].map(
    ([, rest = '']) => rest,
  )
  const wanted = new Map<string, Set<string>>()
  for (const line of shown) {
    const words = line.trim().split(/\s+/)
    const command =
      ['mesh', 'seed', 'mirrors', 'operator'].includes(words[0] ?? '') && /^[a-z]+$/.test(words[1] ?? '')
        ? words.slice(0, 2)
        : words.slice(0, 1)
    const options = wanted.get(command.join(' ')) ?? new Set()
    for (const word of words) if (/^--[a-z]/.test(word)) options.add(word)
    wanted.set(command.join(' '), options)
  }
  expect([...wanted.keys()].sort()).toEqual(
    expect.arrayContaining([
      'config',
      'get',
      'ledger',
      'mesh create',
      'mesh join',
      'mesh revoke',
      'mesh ticket',
      'mesh tickets',
      'peers',
      'seed add',
      'seed renew',
      'seed revoke',
      'status',
    ]),
  )
  const home = temp.create('home')
  for (const [command, options] of wanted) {
    const { code, stdout } = await runWarren([...command.split(' '), '--help'], { home })
    expect([command, code]).toEqual([command, 0])
    expect([...options].filter((option) => !stdout.includes(option))).toEqual([])
  }
})
