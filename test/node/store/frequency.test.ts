import { expect, test } from 'vitest'
import { Frequency } from '../../../node/store/frequency.ts'
import { bytesOf, digestOf, keep, load } from '../../conformance/store.ts'
import { useDiskStores } from './fixture.ts'

const digest = (n: number) => digestOf(Buffer.from(String(n)))

test('what is used often counts for more than what is used once, however much of that there is', () => {
  const frequency = new Frequency()
  for (let round = 0; round < 10; round++) for (let n = 0; n < 100; n++) frequency.use(digest(n))
  for (let n = 1_000; n < 21_000; n++) frequency.use(digest(n))
  for (let n = 0; n < 100; n++) expect(frequency.of(digest(n))).toBeGreaterThanOrEqual(10)
  const once = Array.from({ length: 1_000 }, (_, n) => frequency.of(digest(1_000 + n)))
  expect(once.filter((uses) => uses > 2).length).toBeLessThan(20)
  expect(frequency.of(digest(-1))).toBeLessThanOrEqual(1)
})

test('a count ends at fifteen, and halves when many others were used since', () => {
  const frequency = new Frequency()
  for (let use = 0; use < 40; use++) frequency.use(digest(1))
  expect(frequency.of(digest(1))).toBe(15)
  const others = Array.from({ length: 1_000 }, (_, n) => digest(100 + n))
  for (let use = 0; use < 10 << 16; use++) frequency.use(others[use % others.length] as string)
  expect(frequency.of(digest(1))).toBe(7)
})

const open = useDiskStores()

test('a flood of blobs that are read once does not drive a hot one out of memory', async () => {
  const { store } = await open({ hotBytes: 20_000 })
  const hot = bytesOf(3_000, 1)
  await keep(store, hot)
  for (let read = 0; read < 5; read++) await load(store, digestOf(hot))
  for (let seed = 2; seed < 60; seed++) {
    await keep(store, bytesOf(3_000, seed))
    await load(store, digestOf(bytesOf(3_000, seed)))
  }
  const before = store.blobs.open(digestOf(hot))
  // The very same object: it was not read again.
  expect(store.blobs.open(digestOf(hot))).toBe(before)
  expect(store.hotBytes).toBeLessThanOrEqual(20_000)
  const late = bytesOf(3_000, 99)
  await keep(store, late)
  for (let read = 0; read < 5; read++) await load(store, digestOf(late))
  expect(store.blobs.open(digestOf(late))).toBe(store.blobs.open(digestOf(late)))
})
