import { expect, test } from 'vitest'
import { nearest } from '../../../node/config/nearest.ts'
import { settings, variableFor } from '../../../node/config/settings.ts'

const keys = [...settings.keys()]
const variables = keys.map(variableFor)

test.for([
  ['lisen', 'listen'],
  ['Listen', 'listen'],
  ['store.minfree', 'store.minFree'],
  ['store.min_free', 'store.minFree'],
  ['minFree', 'store.minFree'],
  ['upstream.concurency', 'upstream.concurrency'],
  ['fresh.staleIfErorr', 'fresh.staleIfError'],
  ['polcy.deny', 'policy.deny'],
  ['policy.denied', 'policy.deny'],
] as const)('%s is meant to be %s', ([word, meant]) => {
  expect(nearest(word, keys)).toBe(meant)
})

test.for([
  ['WARREN_LISTN', 'WARREN_LISTEN'],
  ['WARREN_STORE_MINFREE', 'WARREN_STORE_MIN_FREE'],
  ['WARREN_DATAA', 'WARREN_DATA'],
] as const)('%s is meant to be %s', ([word, meant]) => {
  expect(nearest(word, variables)).toBe(meant)
})

test.for(['x', 'storage', 'database.url', 'store.size'])('nothing is near to %s', (word) => {
  expect(nearest(word, keys)).toBeUndefined()
})

test('nothing is near to a very long word', () => {
  expect(nearest('q'.repeat(1_000_000), keys)).toBeUndefined()
})

test('a long way to a short key makes no other key near to it', () => {
  expect(nearest('mirrors.npm.ca', ['mirrors.npm.path', 'mirrors.npm.routes'])).toBeUndefined()
  expect(nearest('mirrors.npm.pth', ['mirrors.npm.path', 'mirrors.npm.routes'])).toBe('mirrors.npm.path')
})
