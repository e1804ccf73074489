import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { confirm } from '../../../admin/cli/confirm.ts'

/** A terminal on which keys arrive one by one. */
function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
  return { input, output }
}

test.each([
  ['y\r', 'yes'],
  ['yes\r', 'yes'],
  [' YES \r', 'yes'],
  ['\r', 'no'],
  ['n\r', 'no'],
  ['yep\r', 'no'],
  ['\x04', 'no'],
  ['\x03', 'interrupted'],
  ['y\x03', 'interrupted'],
])('what is typed as %j means %s', async (typed, expected) => {
  const { input, output } = terminal()
  const asking = confirm('Go on? [y/N] ', { input, output })
  input.write(typed)
  expect(await asking).toBe(expected)
  expect(String(output.read())).toContain('Go on? [y/N] ')
})

test('an end without an answer is a no', async () => {
  const { input, output } = { input: new PassThrough(), output: new PassThrough() }
  const asking = confirm('Go on? [y/N] ', { input, output })
  input.end()
  expect(await asking).toBe('no')
})
