import { describe, expect, it } from 'vitest'
import { ranked } from '../../../node/mesh/rendezvous.ts'

const KEYS = Array.from({ length: 2_000 }, (_, at) => `npm\nhttps://registry.test/\npackage${at}\n\n`)
const SEEDS = ['a', 'b', 'c', 'd', 'e']

describe('the seeds of a key', () => {
  it('are all of them, in an order that does not depend on theirs', () => {
    for (const key of KEYS.slice(0, 50)) {
      const order = ranked(key, SEEDS)
      expect(order.toSorted()).toEqual(SEEDS)
      expect(ranked(key, SEEDS.toReversed())).toEqual(order)
    }
    expect(ranked('x', [])).toEqual([])
    // The same on every machine and in every version: other nodes of the mesh compute it, too.
    expect(ranked('npm\nhttps://registry.test/\nlodash\n\n', SEEDS)).toEqual(['b', 'a', 'e', 'c', 'd'])
  })

  it('get about the same number of keys', () => {
    for (const place of [0, 1, 4]) {
      const counts = Object.values(Object.groupBy(KEYS, (key) => ranked(key, SEEDS)[place] ?? '')).map(
        (keys) => keys?.length ?? 0,
      )
      expect(counts).toHaveLength(SEEDS.length)
      for (const count of counts) expect(Math.abs(count - KEYS.length / SEEDS.length)).toBeLessThan(80)
    }
  })

  it('keep their order when one comes or goes', () => {
    for (const key of KEYS.slice(0, 200)) {
      const with5 = ranked(key, SEEDS)
      expect(ranked(key, SEEDS.slice(1))).toEqual(with5.filter((seed) => seed !== 'a'))
    }
  })
})
