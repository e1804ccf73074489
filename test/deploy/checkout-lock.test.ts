import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { useTempFolders } from '../harness/temp.ts'

interface LockInit {
  onWait(): void
  /** Ms. */
  beat: number
  stale: number
}

// Plain JavaScript, which has no types of its own.
const { takeLock }: { takeLock(folder: string, init: LockInit): Promise<() => void> } = await import(
  new URL('../../deploy/checkout-lock.mjs', import.meta.url).href
)

useLeakCheck()
const folders = useTempFolders()
const QUICK = { beat: 20, stale: 200 }

test('a free lock is taken at once and freed again', async () => {
  const folder = join(folders.create(), 'lock')
  let waited = 0
  const free = await takeLock(folder, { ...QUICK, onWait: () => waited++ })
  expect(existsSync(folder)).toBe(true)
  free()
  expect(existsSync(folder)).toBe(false)
  expect(waited).toBe(0)
})

test('of many that want it one has it at a time, and each gets it', async () => {
  const folder = join(folders.create(), 'lock')
  let inside = 0
  let most = 0
  let served = 0
  const worker = async () => {
    const free = await takeLock(folder, { ...QUICK, onWait: () => {} })
    most = Math.max(most, ++inside)
    await setTimeout(10)
    inside--
    served++
    free()
  }
  await Promise.all(Array.from({ length: 5 }, worker))
  expect([most, served]).toEqual([1, 5])
})

test('a holder that shows signs of life keeps it for longer than a dead one would', async () => {
  const folder = join(folders.create(), 'lock')
  const free = await takeLock(folder, { ...QUICK, onWait: () => {} })
  let told = 0
  let taken = false
  const other = takeLock(folder, { ...QUICK, onWait: () => told++ }).then((freeOther) => {
    taken = true
    return freeOther
  })
  await setTimeout(4 * QUICK.stale)
  expect([taken, told]).toEqual([false, 1])
  free()
  const freeOther = await other
  freeOther()
  expect(existsSync(folder)).toBe(false)
})

test('a lock whose holder was killed is taken over', async () => {
  const folder = join(folders.create(), 'lock')
  mkdirSync(folder)
  let told = 0
  const free = await takeLock(folder, { ...QUICK, onWait: () => told++ })
  expect(told).toBe(1)
  free()
})

test('a lock that somebody deletes by hand while it is held does no harm', async () => {
  const folder = join(folders.create(), 'lock')
  const free = await takeLock(folder, { ...QUICK, onWait: () => {} })
  rmdirSync(folder)
  await setTimeout(3 * QUICK.beat)
  free()
  expect(existsSync(folder)).toBe(false)
})

test('a place where no lock can be made is an error, not an endless wait', async () => {
  await expect(takeLock(join(folders.create(), 'no', 'lock'), { ...QUICK, onWait: () => {} })).rejects.toThrow('ENOENT')
})
