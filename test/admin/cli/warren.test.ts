import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { ENTRY, runWarren } from './run-warren.ts'

const folders = useTempFolders()
const { version, engines } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string
  engines: { node: string }
}

test('without a command it shows its help, exit codes included', async () => {
  const { code, stdout, stderr } = await runWarren([], { home: folders.create() })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^Usage: warren/)
  for (const word of ['up ', 'status ', 'peers ', 'mesh ', 'config ', 'Exit codes:', '  3    no node answers'])
    expect(stdout).toContain(word)
})

test.for([['-h'], ['--help'], ['help']])('%j shows the same help', async (args) => {
  const home = folders.create()
  expect(await runWarren(args, { home })).toEqual(await runWarren([], { home }))
})

test('the help of a command can be asked for in three ways', async () => {
  const home = folders.create()
  const shown = await runWarren(['status', '--help'], { home })
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: warren status/) })
  for (const args of [
    ['status', '-h'],
    ['help', 'status'],
  ])
    expect(await runWarren(args, { home })).toEqual(shown)
})

test('--version tells the version', async () => {
  const { code, stdout } = await runWarren(['--version'], { home: folders.create() })
  expect(code).toBe(0)
  // Of a checkout, its commit: see version.test.ts.
  expect(stdout.replace(/ \([0-9a-f]{12}\)\n$/, '\n')).toBe(`${version}\n`)
})

test.for([
  [['foo'], "unknown command 'foo'; see «warren --help»"],
  [['statu'], "unknown command 'statu' (Did you mean status?); see «warren --help»"],
  [['up', '--lisen', 'x'], "unknown option '--lisen' (Did you mean --listen?); see «warren up --help»"],
  [['up', 'extra'], "too many arguments for 'up'. Expected 0 arguments but got 1: extra; see «warren up --help»"],
  [['config', '--data'], "option '--data <folder>' argument missing; see «warren config --help»"],
  [['mesh', 'tickt'], "unknown command 'tickt' (Did you mean ticket?); see «warren mesh --help»"],
  [['mesh', 'revoke'], "missing required argument 'ticket'; see «warren mesh revoke --help»"],
  [
    ['config', '--log-level', 'loud'],
    '--log-level: log.level is "loud", but must be one of trace, debug, info, warn, error, fatal, silent',
  ],
  [['up', '--data', ''], '--data: data is "", but must be an absolute path'],
] as const)('%j is refused in one line, with exit code 2', async ([args, message]) => {
  const { code, stdout, stderr } = await runWarren(args, { home: folders.create() })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toBe(`warren: ${message}\n`)
})

const [, major = '', minor = '0'] = /^>=(\d+)(?:\.(\d+))?/.exec(engines.node) ?? []

test.for([
  ['12.22.12', false],
  [`${Number(major) - 1}.99.0`, false],
  [`${major}.${minor}.0`, true],
  [`${Number(major) + 1}.0.0`, true],
  ['100.0.0', true],
] as const)('Node %s: is it taken? %s', async ([nodeVersion, taken]) => {
  const { code, stderr } = await runWarren(['--version'], { home: folders.create(), nodeVersion })
  const message = `warren: needs Node ${major}.${minor} or later, but this is Node ${nodeVersion}; install a newer one and try again\n`
  expect([code, stderr]).toEqual(taken ? [0, ''] : [1, message])
})

test('the entry can be read by a Node of long ago', () => {
  const source = readFileSync(ENTRY, 'utf8')
  expect(source.startsWith('#!/usr/bin/env node\n')).toBe(true)
  // Static imports, `?.` and `??`, top-level await and class fields came later than modules.
  expect(source).not.toMatch(/^import |\?\.|\?\?|^await |#private/m)
})
