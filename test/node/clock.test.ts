import { describe, expect, it } from 'vitest'
import { systemClock } from '../../node/clock.ts'

describe('systemClock', () => {
  it('tells the time of the system', () => {
    const before = Date.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
  })

  it('sleeps, and wakes in order', async () => {
    const woken: number[] = []
    await Promise.all([20, 1, 10].map((ms) => systemClock.sleep(ms).then(() => woken.push(ms))))
    expect(woken).toEqual([1, 10, 20])
  })

  it('wakes with the abort reason, during the sleep and before it', async () => {
    const controller = new AbortController()
    const asleep = systemClock.sleep(60_000, controller.signal)
    controller.abort('enough')
    await expect(asleep).rejects.toBe('enough')
    await expect(systemClock.sleep(0, AbortSignal.abort('never'))).rejects.toBe('never')
  })

  it('does not take a sleep that is too long for a timer for none at all', async () => {
    const controller = new AbortController()
    const asleep = systemClock.sleep(Number.MAX_SAFE_INTEGER, controller.signal).then(() => 'woken')
    const first = await Promise.race([asleep, systemClock.sleep(20).then(() => 'still asleep')])
    expect(first).toBe('still asleep')
    controller.abort('enough')
    await expect(asleep).rejects.toBe('enough')
  })
})
