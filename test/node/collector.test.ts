import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { passedThrough } from '../../node/collector.ts'
import { eventually } from '../harness/wait.ts'

const MIB = 1 << 20

it('collects the young generation after each few MiB, and leaves its collector to nobody', async () => {
  let minor = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
      if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) minor++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  for (let passed = 0; passed < 40; passed++) passedThrough(MIB)
  await eventually('ten collections are told of', () => minor >= 10)
  observer.disconnect()
  expect('gc' in globalThis).toBe(false)
  expect(runInNewContext('typeof gc')).toBe('undefined')
})
