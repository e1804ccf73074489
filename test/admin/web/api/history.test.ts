import { expect, test } from 'vitest'
import { History, sum } from '../../../../admin/web/api/history.ts'

const NONE = { local: 0, flight: 0, peer: 0, seed: 0, upstream: 0, stale: 0 }

function counts(local: number, startedAt = 1) {
  const node = { id: 'a', version: '1', pid: 1, startedAt, state: 'ready' as const }
  return { node, requests: { ...NONE, local, negative: 0, denied: 0, error: 0 }, bytes: { ...NONE, local: local * 100 } }
}

test('what happened between two looks is told, once', () => {
  const history = new History()
  history.add(counts(5), 1_000)
  expect(history.samples).toEqual([])
  history.add(counts(9), 3_000)
  history.add(counts(9), 3_000)
  expect(history.samples).toEqual([{ at: 3_000, span: 2, requests: { ...NONE, local: 4 }, bytes: { ...NONE, local: 400 } }])
})

test('a node that was restarted counts anew, and nothing is made up for the gap', () => {
  const history = new History()
  history.add(counts(50), 1_000)
  history.add(counts(3, 2), 3_000)
  history.add(counts(4, 2), 5_000)
  expect(history.samples.map(({ requests }) => sum(requests))).toEqual([1])
})

test('ten minutes are kept', () => {
  const history = new History()
  for (let look = 0; look <= 1_000; look++) history.add(counts(look), look * 2_000)
  expect(history.samples).toHaveLength(300)
  expect(history.samples.at(-1)?.at).toBe(2_000_000)
})
