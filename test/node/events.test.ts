import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Plan } from '../../node/cache/plan.ts'
import { Events } from '../../node/events.ts'
import { StatsCounter } from '../../node/stats.ts'

test('an outage is told of once a minute and mirror, not once a document', () => {
  const lines: { level: number; mirror: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const clock = { time: 1_000_000, now: () => clock.time, sleep: () => Promise.resolve() }
  const events = new Events({ log, stats: new StatsCounter(), clock })
  const fail = (mirror: string, times: number) => {
    for (let i = 0; i < times; i++) events.refreshFailed({ mirror, url: `https://x.test/${i}` } as Plan, 'no connection')
  }
  fail('npm', 500)
  fail('npm-corp', 3)
  clock.time += 59_999
  fail('npm', 500)
  expect(lines.map(({ level, mirror }) => [level, mirror])).toEqual([
    [40, 'npm'],
    [40, 'npm-corp'],
  ])
  clock.time += 1
  fail('npm', 2)
  expect(lines).toHaveLength(3)
})
