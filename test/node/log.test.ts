import { expect, test } from 'vitest'
import { readable } from '../../node/log.ts'

const tagged = (style: unknown, text: string) => `<${String(style)}>${text}</>`
const plain = (_style: unknown, text: string) => text
const time = new Date(2030, 0, 1, 9, 5, 7).getTime()

test.for([
  [30, '<dim>09:05:07</>  ready'],
  [40, '<dim>09:05:07</>  <yellow>warning</>  ready'],
  [50, '<dim>09:05:07</>  <red>error</>  ready'],
  [60, '<dim>09:05:07</>  <red>error</>  ready'],
] as const)('a line of level %i is %s', ([level, line]) => {
  expect(readable(JSON.stringify({ level, time, msg: 'ready' }), tagged)).toBe(`${line}\n`)
})

test('what it concerns follows', () => {
  const line = JSON.stringify({ level: 30, time, msg: 'mirrors changed', mirrors: ['npm'], path: '/npm/x' })
  expect(readable(line, plain)).toBe('09:05:07  mirrors changed  mirrors=["npm"] path=/npm/x\n')
})

test('an error that nobody expected comes with its stack', () => {
  const line = JSON.stringify({ level: 50, time, msg: 'a bug', err: { message: 'x', stack: 'Error: x\n    at y' } })
  expect(readable(line, plain)).toBe('09:05:07  error  a bug\n  Error: x\n      at y\n')
})

test('nothing that came from elsewhere steers the terminal or begins a line', () => {
  const evil = 'a\x1b[2J\n\u009b31mb'
  const line = JSON.stringify({ level: 40, time, msg: evil, path: evil, err: { stack: `Error: ${evil}` } })
  const shown = readable(line, plain)
  expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  expect(shown.split('\n')).toHaveLength(4)
})
