import { PassThrough } from 'node:stream'
import { WriteStream } from 'node:tty'
import { afterEach, expect, test, vi } from 'vitest'
import { aligned, printable, styled, table, writeLines } from '../../../admin/cli/print.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

/** An environment that has no opinion on colours; Node takes a CI system for a terminal without. */
function stubColourfulEnv(): void {
  for (const name of ['FORCE_COLOR', 'NO_COLOR', 'CI', 'TEAMCITY_VERSION', 'NODE_DISABLE_COLORS']) vi.stubEnv(name, undefined)
  vi.stubEnv('TERM', 'xterm-256color')
}

/** A stream that says of itself what a terminal says. */
function terminal(): PassThrough {
  return Object.assign(new PassThrough(), { isTTY: true, getColorDepth: () => WriteStream.prototype.getColorDepth() })
}

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  const rows = [['a', 'bb', 'c'], ['aaaa', '', 'cc'], ['aa', 'b'], [], ['', 'b', ''], ['a', 'a last cell may be long']]
  expect(aligned(rows)).toEqual(['a     bb  c', 'aaaa      cc', 'aa    b', '', '      b', 'a     a last cell may be long'])
  expect(aligned(rows.slice(0, 1), { indent: '  ' })).toEqual(['  a  bb  c'])
})

test('characters count, not code units', () => {
  expect(
    aligned([
      ['🐇', 'x'],
      ['ab', 'x'],
    ]),
  ).toEqual(['🐇   x', 'ab  x'])
})

test('a style does not change the width', () => {
  stubColourfulEnv()
  const lines = table(terminal(), [
    ['name', 'x'],
    ['n', 'y'],
  ])
  expect(lines).toEqual(['\u001b[2mname\u001b[22m  \u001b[2mx\u001b[22m', 'n     y'])
})

test('what came from elsewhere cannot steer the terminal', () => {
  expect(printable('a\u001b[31m\nb\u202ec\u2028d')).toBe('a?[31m?b?c?d')
  expect(aligned([['x\u001b]0;title\u0007', 'y']])).toEqual(['x?]0;title?  y'])
})

test('there is colour on a terminal, and none in a pipe nor with NO_COLOR', () => {
  stubColourfulEnv()
  expect(styled(terminal(), 'bold', 'x')).toBe('\u001b[1mx\u001b[22m')
  expect(styled(new PassThrough(), 'bold', 'x')).toBe('x')
  vi.stubEnv('NO_COLOR', '1')
  expect(styled(terminal(), 'bold', 'x')).toBe('x')
})

test('lines are written with an end each', () => {
  const output = new PassThrough()
  writeLines(output, ['a', 'b'])
  expect(String(output.read())).toBe('a\nb\n')
})
