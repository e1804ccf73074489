import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type ColdBlob, ColdBlobs, type ColdBlobsComponents } from '../../../node/store/cold-blobs.ts'
import { LastUse } from '../../../node/store/last-use.ts'
import { Random } from '../../harness/random.ts'

const NEVER = new AbortController().signal
const HOUR = 3_600_000

/** An index of these blobs, in which nothing is a document. */
function coldOf(blobs: readonly ColdBlob[], lastUse = new LastUse({ now: () => 0, onMany() {} })): ColdBlobs {
  const byName = [...blobs].sort((one, other) => (one.sha256 < other.sha256 ? -1 : 1))
  const index: ColdBlobsComponents['index'] = {
    blobPage: async (after, most) => {
      const page = byName.filter(({ sha256 }) => sha256 > after).slice(0, most)
      const entries = page.map(({ sha256, size }): [string, never] => [sha256, { size, digests: { sha256 } } as never])
      return { entries, last: page.at(-1)?.sha256 }
    },
    lastUses: async (names) => names.map((name) => blobs.find(({ sha256 }) => sha256 === name)?.hour ?? 0),
    async *records() {},
    recordsOf: async () => [],
    blob: () => undefined,
  }
  return new ColdBlobs({ index, lastUse, files: { removeAll: async () => 0 }, alone: (task) => task() })
}

function blobsOf(random: Random, count: number, hours: number): ColdBlob[] {
  return Array.from({ length: count }, (_, at) => ({
    sha256: createHash('sha256').update(`${at} ${random.next()}`).digest('hex'),
    size: at,
    hour: random.between(1, hours),
  }))
}

describe('the coldest blobs', () => {
  it.each([
    [1, 5],
    [7, 1],
    [7, 3],
    [50, 400],
    [1_000, 10],
  ])('are all of them, in their order, %i at a time and with %i hours', async (most, hours) => {
    const random = new Random(most * hours)
    const blobs = blobsOf(random, 600, hours)
    const cold = coldOf(blobs)
    const all: ColdBlob[] = []
    for (let round = 0; round < (most > 5 ? 1_000 : 30); round++) {
      const some = await cold.coldest('artifact', most, all.at(-1), NEVER)
      expect(some.length).toBe(Math.min(most, blobs.length - all.length))
      if (some.length === 0) break
      all.push(...some)
    }
    const inOrder = [...blobs].sort((one, other) => one.hour - other.hour || (one.sha256 < other.sha256 ? -1 : 1))
    expect(all).toEqual(inOrder.slice(0, all.length))
    expect(await cold.coldest('document', most, undefined, NEVER)).toEqual([])
  })

  it('are not those that were used a moment ago, whatever was written down of them', async () => {
    const blobs = blobsOf(new Random(1), 10, 5)
    const lastUse = new LastUse({ now: () => 100 * HOUR, onMany() {} })
    const used = blobs[3]?.sha256 ?? ''
    lastUse.use(used)
    const order = await coldOf(blobs, lastUse).coldest('artifact', 100, undefined, NEVER)
    expect(order.at(-1)).toEqual({ ...blobs[3], hour: 100 })
    expect(lastUse.take()).toEqual([used])
    expect(lastUse.isWarm(used)).toBe(true)
  })
})

describe('what was used last', () => {
  it('is written down once an hour at most', () => {
    let now = 5 * HOUR
    const lastUse = new LastUse({ now: () => now, onMany() {} })
    for (const name of ['a', 'b', 'a']) lastUse.use(name)
    expect([lastUse.take(), lastUse.hour]).toEqual([['a', 'b'], 5])
    lastUse.use('a')
    lastUse.use('c')
    expect(lastUse.take()).toEqual(['c'])
    now += HOUR
    lastUse.use('a')
    expect(lastUse.take()).toEqual(['a'])
    expect([lastUse.isWarm('a'), lastUse.isWarm('b')]).toEqual([true, false])
    // A clock that was set back.
    now -= 3 * HOUR
    lastUse.use('a')
    expect([lastUse.take(), lastUse.hour]).toEqual([['a'], 3])
  })

  it('is written down before its time when it is much', () => {
    let told = 0
    const taken: string[] = []
    const lastUse = new LastUse({
      now: () => 0,
      onMany() {
        told++
        taken.push(...lastUse.take())
      },
    })
    for (let at = 0; at < 120_000; at++) lastUse.use(String(at))
    expect([told, taken.length]).toEqual([2, 100_000])
  })
})
