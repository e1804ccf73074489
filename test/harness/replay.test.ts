import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { answer, tooMany } from './answer.ts'
import { VirtualClock } from './clock.ts'
import { cutAfter, instead } from './fault.ts'
import { exchange, get, HttpClient } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { Random } from './random.ts'
import { MemoryRecording } from './recording.ts'
import { ReplayUpstream } from './replay.ts'

useLeakCheck()

const BASE = 'https://registry.example.test/npm/'
const TARBALL = new Random(3).bytes(1_500_000)
const PACKUMENT = JSON.stringify({ name: 'left', dist: { tarball: `${BASE}left/-/left-1.0.0.tgz` } })
let replay: ReplayUpstream

beforeEach(async () => {
  const recording = new MemoryRecording(BASE)
  recording.record('/npm/left', 200, { 'content-type': 'application/json', etag: '"of upstream"' }, Buffer.from(PACKUMENT))
  recording.record(
    '/npm/left',
    200,
    { 'content-type': 'application/vnd.npm.install-v1+json' },
    Buffer.from('{"b":1}'),
    'abbreviated',
  )
  recording.record('/npm/left/1.0.0', 200, { 'content-type': 'application/json' }, Buffer.from('{}'))
  recording.record('/npm/left/-/left-1.0.0.tgz', 200, { 'content-type': 'application/octet-stream' }, TARBALL)
  recording.record('/npm/gone', 410, { 'content-type': 'application/json' }, Buffer.from('{"error":"gone"}'))
  replay = await new ReplayUpstream(recording).start()
})

afterEach(() => replay.stop())

const at = (path: string) => replay.url + path
const tarball = () => at('left/-/left-1.0.0.tgz')

test('artifacts are the recorded bytes; documents name the replay where they named the recorded host', async () => {
  expect((await get(tarball())).body.equals(TARBALL)).toBe(true)
  const packument = JSON.parse((await get(at('left'))).body.toString())
  expect(packument.dist.tarball).toBe(tarball())
  expect((await get(packument.dist.tarball)).body.equals(TARBALL)).toBe(true)
})

test('the abbreviated document is given to who accepts it', async () => {
  const brief = await get(at('left'), { accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*' })
  expect(brief.headers['content-type']).toBe('application/vnd.npm.install-v1+json')
  expect((await get(at('left'), { accept: 'application/json' })).headers['content-type']).toBe('application/json')
})

test('an answer that was no is played back as it was; what is not recorded is absent and remembered', async () => {
  expect((await exchange(at('gone'))).status).toBe(410)
  expect((await exchange(at('nothing'))).status).toBe(404)
  expect((await exchange(at('left'), { method: 'POST', body: 'x' })).status).toBe(405)
  expect([...replay.unrecorded]).toEqual(['/npm/nothing'])
})

describe('validators', () => {
  test('the entity tag is strong, of the bytes as they are sent, and answers 304 by weak comparison', async () => {
    const first = await get(at('left'))
    const etag = first.headers.etag ?? ''
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/)
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(at('left'), { 'if-none-match': tags })
      expect([tags, again.status, again.body.length]).toEqual([tags, 304, 0])
      expect(again.headers.etag).toBe(etag)
    }
    const other = await get(at('left'), {
      'if-none-match': '"other"',
      'if-modified-since': first.headers['last-modified'] ?? '',
    })
    expect(other.status).toBe(200)
  })

  test('the date answers 304 when it is not older', async () => {
    const modified = (await get(tarball())).headers['last-modified'] ?? ''
    const statuses = []
    for (const shift of [-1000, 0, 1000]) {
      const since = new Date(Date.parse(modified) + shift).toUTCString()
      statuses.push((await get(tarball(), { 'if-modified-since': since })).status)
    }
    expect(statuses).toEqual([200, 304, 304])
    expect((await get(tarball(), { 'if-modified-since': 'nonsense' })).status).toBe(200)
  })

  test.each([
    ['both', true, true],
    ['etag', true, false],
    ['last-modified', false, true],
    ['none', false, false],
  ] as const)('%s are sent as configured', async (validators, etag, modified) => {
    replay.validators = validators
    const { headers } = await get(at('left'))
    expect(['etag' in headers, 'last-modified' in headers]).toEqual([etag, modified])
  })
})

describe('ranges', () => {
  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 200],
    ['bytes=1048570-', 1_048_570, 1_500_000],
    ['bytes=-5', 1_499_995, 1_500_000],
    ['bytes=1499999-9999999', 1_499_999, 1_500_000],
    ['bytes=-9999999', 0, 1_500_000],
  ])('%s is a 206 of just these bytes', async (range, start, end) => {
    const reply = await get(tarball(), { range })
    expect(reply.status).toBe(206)
    expect(reply.headers['content-range']).toBe(`bytes ${start}-${end - 1}/1500000`)
    expect(reply.headers['content-length']).toBe(String(end - start))
    expect(reply.body.equals(TARBALL.subarray(start, end))).toBe(true)
  })

  test.each(['bytes=1500000-', 'bytes=-0', 'bytes=9999999-99999999'])('%s cannot be satisfied', async (range) => {
    const reply = await get(tarball(), { range })
    expect(reply.status).toBe(416)
    expect(reply.headers['content-range']).toBe('bytes */1500000')
  })

  test.each(['bytes=5-4', 'bytes=0-1,5-6', 'items=0-1', 'bytes=-', 'bytes=a-b'])('%s is ignored', async (range) => {
    expect((await get(tarball(), { range })).status).toBe(200)
  })

  test('If-Range holds for the strong tag and the exact date only', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await get(tarball())).headers
    const later = new Date(Date.parse(modified) + 1000).toUTCString()
    const statuses = []
    for (const ifRange of [etag, modified, `W/${etag}`, later, '"other"']) {
      statuses.push((await get(tarball(), { range: 'bytes=5-', 'if-range': ifRange })).status)
    }
    expect(statuses).toEqual([206, 206, 200, 200, 200])
  })

  test('HEAD tells the whole length and sends nothing', async () => {
    const reply = await exchange(tarball(), { method: 'HEAD', headers: { range: 'bytes=0-1' } })
    expect([reply.status, reply.headers['content-length'], reply.body.length]).toEqual([200, '1500000', 0])
  })
})

test('without a length the body comes in chunks', async () => {
  replay.framing = 'chunked'
  const reply = await get(tarball())
  expect(reply.headers).not.toHaveProperty('content-length')
  expect(reply.body.equals(TARBALL)).toBe(true)
})

describe('counts', () => {
  test('requests and bytes are counted by kind and by path, under one spelling', async () => {
    await get(at('left'))
    await get(at('left/1.0.0'))
    await get(tarball())
    await get(`${replay.url}left%2F-%2Fleft-1.0.0.tgz`, { range: 'bytes=0-99' })
    await exchange(at('-/ping'))
    expect(replay.tally.kind('packument').requests).toBe(1)
    expect(replay.tally.kind('manifest')).toEqual({ requests: 1, bytes: 2 })
    expect(replay.tally.kind('tarball')).toEqual({ requests: 2, bytes: 1_500_100 })
    expect(replay.tally.kind('other').requests).toBe(1)
    expect(replay.tally.path('/npm/left/-/left-1.0.0.tgz')).toEqual({ requests: 2, bytes: 1_500_100 })
    expect(replay.tally.total.requests).toBe(5)
    replay.tally.reset()
    expect(replay.tally.total).toEqual({ requests: 0, bytes: 0 })
    expect(replay.tally.paths().size).toBe(0)
  })

  test('the log keeps what a request said, and no more requests than it should', async () => {
    const small = await new ReplayUpstream(replay.recordings, { logged: 3 }).start()
    const client = new HttpClient(1)
    for (let number = 0; number < 20; number++) {
      const headers = { via: `1.1 warren-${number}`, authorization: 'Bearer secret' }
      await client.get(`${small.url}left`, { headers })
    }
    client.close()
    expect(small.tally.log.length).toBeLessThan(6)
    const last = small.tally.log.at(-1)
    expect(last).toMatchObject({ method: 'GET', path: '/npm/left', kind: 'packument', status: 200, connection: 1 })
    expect(last?.headers).toMatchObject({ via: '1.1 warren-19', authorization: 'Bearer secret' })
    expect(small.connections).toBe(1)
    await small.stop()
  })
})

describe('trouble', () => {
  test('a fault strikes what its pattern matches, as often as it says, until it is taken away', async () => {
    const heal = replay.fail(/\.tgz$/, instead(tooMany(2)), 2)
    const statuses = []
    for (let round = 0; round < 3; round++) statuses.push((await exchange(tarball())).status)
    expect(statuses).toEqual([429, 429, 200])
    heal()
    replay.fail((request) => request.kind === 'packument' && request.headers.via !== undefined, instead(answer(500)))
    expect((await exchange(at('left'), { headers: { via: '1.1 a' } })).status).toBe(500)
    expect((await exchange(at('left'))).status).toBe(200)
    expect((await exchange(tarball())).status).toBe(200)
    replay.heal()
    expect((await exchange(at('left'), { headers: { via: '1.1 a' } })).status).toBe(200)
  })

  test('a transfer that is cut can be resumed by Range', async () => {
    replay.fail(/\.tgz$/, cutAfter(1000, 'fin'), 1)
    const cut = await exchange(tarball())
    expect([cut.complete, cut.body.length]).toEqual([false, 1000])
    const rest = await get(tarball(), { range: 'bytes=1000-', 'if-range': cut.headers.etag ?? '' })
    expect(rest.status).toBe(206)
    expect(Buffer.concat([cut.body, rest.body]).equals(TARBALL)).toBe(true)
  })

  test('while it is gone connections are refused and open ones are broken; then it is back on the same port', async () => {
    const client = new HttpClient()
    const url = tarball()
    await client.get(url)
    const origin = replay.origin
    await replay.gone()
    await expect(client.get(url)).rejects.toThrow()
    await expect(get(url)).rejects.toThrow('ECONNREFUSED')
    expect(replay.origin).toBe(origin)
    await replay.back()
    expect((await client.get(url)).body.equals(TARBALL)).toBe(true)
    client.close()
  })

  test('going away breaks a transfer in the middle', async () => {
    replay.limit(100_000)
    const client = new HttpClient()
    const reading = await client.open(tarball())
    await reading.take(1000)
    await replay.gone()
    await expect(reading.take(TARBALL.length)).rejects.toThrow()
    client.close()
  })
})

describe('on a virtual clock', () => {
  let clock: VirtualClock
  let slow: ReplayUpstream

  beforeEach(async () => {
    clock = new VirtualClock()
    slow = await new ReplayUpstream(replay.recordings, {}, clock).start()
  })
  afterEach(() => slow.stop())

  test('an answer waits for the latency', async () => {
    slow.latencyMs = 20
    let done = false
    const reply = get(`${slow.url}left`).then(() => {
      done = true
    })
    while (clock.sleeping === 0) await new Promise<void>((resolve) => setTimeout(resolve, 1))
    await clock.advance(19)
    expect(done).toBe(false)
    await clock.advance(1)
    await reply
  })

  test.each([
    ['of the server', 100_000, 0, 110_000],
    ['of each connection', 0, 100_000, 220_000],
  ])('a rate %s holds for two connections', async (_, all, each, most) => {
    slow.limit(all, each)
    const client = new HttpClient()
    const readings = [
      await client.open(`${slow.url}left/-/left-1.0.0.tgz`),
      await client.open(`${slow.url}left/-/left-1.0.0.tgz`),
    ]
    for (let step = 0; step < 100; step++) {
      while (clock.sleeping < 2) await new Promise<void>((resolve) => setImmediate(resolve))
      await clock.advance(10)
    }
    const { bytes } = slow.tally.total
    expect(bytes).toBeGreaterThan(most * 0.85)
    expect(bytes).toBeLessThanOrEqual(most)
    for (const reading of readings) reading.abort()
    client.close()
  })
})
