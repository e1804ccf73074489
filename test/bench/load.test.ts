import { expect, test } from 'vitest'
import { figuresOf, parseOutput } from './load.ts'

const MEASURED = { requests: 300, bytes: 6000, seconds: 3, errors: 0, p50: 1, p99: 2, busy: 0.9 }

test('the last line that wrk prints is its result, whatever it says before', () => {
  const line = '{"requests":12,"bytes":3400,"seconds":1.5,"errors":0,"p50":0.700,"p99":1.250}'
  expect(parseOutput(`Running 1s test\nRequests/sec: 8\n${line}\n`)).toMatchObject({ requests: 12, seconds: 1.5, p99: 1.25 })
  expect(() => parseOutput('unable to connect')).toThrow('printed no result')
})

test('each rival is held against the same measurements of Warren, with its own goal or none', () => {
  const measured = { warren: [MEASURED], nginx: [{ ...MEASURED, requests: 600 }], other: [{ ...MEASURED, bytes: 3000 }] }
  const work = { row: '1', work: 'some', unit: 'requests/s' } as const
  const [nginx, other] = figuresOf(work, measured, { nginx: { atLeast: 0.9 } })
  expect(nginx).toMatchObject({ warren: [100], rival: { name: 'nginx', values: [200] }, goal: { atLeast: 0.9 } })
  expect(other?.rival).toEqual({ name: 'other', values: [100] })
  expect(other).not.toHaveProperty('goal')
  expect(figuresOf({ ...work, unit: 'bytes/s' }, measured, {})[1]).toMatchObject({ warren: [2000], rival: { values: [1000] } })
})
