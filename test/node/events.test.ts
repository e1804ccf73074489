import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Plan } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import { Events } from '../../node/events.ts'
import { StatsCounter } from '../../node/stats.ts'

interface Line {
  readonly level: number
  readonly mirror: string
  readonly msg: string
}

function recorded(level: string) {
  const lines: Line[] = []
  const log = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const clock = { time: 1_000_000, now: () => clock.time, sleep: () => Promise.resolve() }
  return { lines, clock, events: new Events({ log, stats: new StatsCounter(), clock }) }
}

test('an outage is told of once a minute and mirror, not once a document', () => {
  const { lines, clock, events } = recorded('info')
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

test('whoever looks after a node is told once a minute that an upstream hands nothing out, and of what is not there never', () => {
  const { lines, clock, events } = recorded('info')
  const refuse = (code: 'UPSTREAM_DENIED' | 'UPSTREAM_ABSENT' | 'POLICY_DENIED', times: number) => {
    for (let i = 0; i < times; i++) events.refused('npm', 'npm', new WarrenError(code, code), `/npm/${i}`)
  }
  refuse('UPSTREAM_ABSENT', 3)
  refuse('POLICY_DENIED', 3)
  refuse('UPSTREAM_DENIED', 500)
  clock.time += 60_000
  refuse('UPSTREAM_DENIED', 2)
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    [40, 'UPSTREAM_DENIED'],
    [40, 'UPSTREAM_DENIED'],
  ])
})

test('who looks for what a node did with one request finds it in the log by its path', () => {
  const { lines, events } = recorded('debug')
  events.served('npm', 'npm', 'local', 12, 0.5, '/npm/is-odd')
  expect(lines).toMatchObject([{ level: 20, mirror: 'npm', source: 'local', bytes: 12, path: '/npm/is-odd', msg: 'served' }])
})
