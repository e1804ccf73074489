import { expect, it } from 'vitest'
import { SpareBuffers } from '../../node/spare-buffers.ts'

const KiB = 1 << 10

it('gives what was given back to who wants as many bytes, and to one only', () => {
  const spare = new SpareBuffers({ maxBytes: 64 * KiB })
  const [one, two] = [spare.take(4 * KiB), spare.take(4 * KiB)]
  expect([one.length, two.length, one.buffer === two.buffer]).toEqual([4 * KiB, 4 * KiB, false])
  spare.give(one)
  expect(spare.take(8 * KiB).length).toBe(8 * KiB)
  expect([spare.take(4 * KiB) === one, spare.take(4 * KiB) === one]).toEqual([true, false])
})

it('keeps no more than it may, and of sizes first what nobody wanted for the longest time', () => {
  const spare = new SpareBuffers({ maxBytes: 20 * KiB })
  const taken = [8, 4, 8].map((size) => spare.take(size * KiB))
  const [first, second, third] = taken as [Buffer, Buffer, Buffer]
  spare.give(first)
  spare.give(second)
  spare.give(third)
  const more = spare.take(4 * KiB)
  expect(more).toBe(second)
  const large = spare.take(16 * KiB)
  spare.give(more)
  spare.give(large)
  expect(spare.take(16 * KiB)).toBe(large)
  expect(spare.take(4 * KiB)).toBe(second)
  expect([first, third]).not.toContain(spare.take(8 * KiB))
})

it('keeps nothing that is larger than all that it may keep', () => {
  const spare = new SpareBuffers({ maxBytes: 4 * KiB })
  const large = spare.take(8 * KiB)
  spare.give(large)
  expect(spare.take(8 * KiB)).not.toBe(large)
})
