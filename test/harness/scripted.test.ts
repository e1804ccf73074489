import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { captivePortal, garbage, json, redirect, serve, tooMany } from './answer.ts'
import { VirtualClock } from './clock.ts'
import {
  chunked,
  cutAfter,
  declare,
  delay,
  drip,
  endless,
  type Fault,
  flip,
  hangUp,
  headers,
  labelled,
  rangeless,
  spoil,
  stallAfter,
  untilClose,
} from './fault.ts'
import { exchange, get, HttpClient } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { Random } from './random.ts'
import { RawConnection } from './raw.ts'
import { ScriptedUpstream } from './scripted.ts'

useLeakCheck()

const BYTES = new Random(7).bytes(300_000)
let clock: VirtualClock
let upstream: ScriptedUpstream

beforeEach(async () => {
  clock = new VirtualClock()
  upstream = await new ScriptedUpstream(clock).start()
})

afterEach(() => upstream.stop())

/** Serves the bytes with these faults and gives the URL. */
function spoilt(...faults: Fault[]): string {
  upstream.on('/a', spoil(serve(BYTES), ...faults))
  return `${upstream.origin}/a`
}

async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await new Promise<void>((resolve) => setTimeout(resolve, 2))
}

test('without a fault the bytes come whole, with their length and a strong validator', async () => {
  const reply = await get(spoilt())
  expect(reply.status).toBe(200)
  expect(reply.headers['content-length']).toBe('300000')
  expect(reply.headers.etag).toMatch(/^"[0-9a-f]{64}"$/)
  expect(reply.body.equals(BYTES)).toBe(true)
})

test('each request takes the next step and the last one stays; a path without script is absent', async () => {
  upstream.on('/a', tooMany(3), spoil(serve(BYTES), cutAfter(10, 'fin')), serve('well again'))
  const replies = []
  for (let round = 0; round < 4; round++) replies.push(await exchange(`${upstream.origin}/a`))
  expect(replies.map(({ status }) => status)).toEqual([429, 200, 200, 200])
  expect(replies.map(({ complete }) => complete)).toEqual([true, false, true, true])
  expect(upstream.count('/a')).toBe(4)
  expect((await exchange(`${upstream.origin}/b`)).status).toBe(404)
})

test('a step may look at the request, its body included', async () => {
  upstream.on(/^\/echo/, ({ method, headers: { via }, body }) => json({ method, via, body: body.toString() }))
  const reply = await exchange(`${upstream.origin}/echo/1`, { method: 'POST', body: 'ping', headers: { via: '1.1 somebody' } })
  expect(JSON.parse(reply.body.toString())).toEqual({ method: 'POST', via: '1.1 somebody', body: 'ping' })
  expect(upstream.tally.log[0]).toMatchObject({ method: 'POST', path: '/echo/1', status: 200 })
})

describe('cuts', () => {
  test.each(['length', 'chunked'] as const)(
    'a cut by FIN after n bytes delivers exactly n and is seen as a break (%s)',
    async (framing) => {
      const reply = await exchange(spoilt(cutAfter(5000, 'fin'), ...(framing === 'chunked' ? [chunked()] : [])))
      expect(reply.complete).toBe(false)
      expect(reply.body.equals(BYTES.subarray(0, 5000))).toBe(true)
    },
  )

  test('a cut by RST resets the connection after at most n bytes', async () => {
    const url = spoilt(cutAfter(5000, 'rst'))
    const reply = await exchange(url)
    expect(reply.complete).toBe(false)
    expect(reply.body.length).toBeLessThanOrEqual(5000)
    const connection = await RawConnection.open(url)
    connection.send('GET /a HTTP/1.1\r\nhost: x\r\n\r\n')
    await connection.rest()
    expect(connection.left).toBe('rst')
    connection.close()
  })

  test('a server that hangs up says nothing at all', async () => {
    await expect(exchange(spoilt(hangUp()))).rejects.toThrow(/ECONNRESET|hang up/)
    await expect(exchange(spoilt(hangUp('fin')))).rejects.toThrow(/ECONNRESET|hang up/)
  })

  test('a cut counts from the first byte of a 206, so a resumed transfer can be cut again', async () => {
    const reply = await exchange(spoilt(cutAfter(100, 'fin')), { headers: { range: 'bytes=1000-' } })
    expect(reply.status).toBe(206)
    expect(reply.body.equals(BYTES.subarray(1000, 1100))).toBe(true)
    expect(reply.complete).toBe(false)
  })
})

describe('silence', () => {
  test('a stall leaves the connection open with exactly n bytes delivered', async () => {
    const client = new HttpClient()
    const reading = await client.open(spoilt(stallAfter(5000)))
    expect((await reading.take(5000)).equals(BYTES.subarray(0, 5000))).toBe(true)
    const more = Promise.race([
      reading.read(1).then(() => 'byte'),
      new Promise((resolve) => setTimeout(resolve, 50, 'silence')),
    ])
    expect(await more).toBe('silence')
    reading.abort()
    client.close()
  })

  test('headers are held back until the delay is over', async () => {
    let status = 0
    const reply = get(spoilt(delay(60_000))).then((got) => {
      status = got.status
    })
    await until(() => clock.sleeping === 1)
    await clock.advance(59_999)
    expect(status).toBe(0)
    await clock.advance(1)
    await reply
    expect(status).toBe(200)
  })

  test('a drip sends so many bytes a step, each when its time has come', async () => {
    upstream.on('/slow', spoil(serve('abcdefghij'), drip(4, 1000)))
    const client = new HttpClient()
    const reading = await client.open(`${upstream.origin}/slow`)
    const got = [(await reading.read(100)).toString()]
    for (let step = 0; step < 2; step++) {
      await until(() => clock.sleeping === 1)
      await clock.advance(1000)
      got.push((await reading.read(100)).toString())
    }
    expect(got).toEqual(['abcd', 'efgh', 'ij'])
    expect((await reading.read(100)).length).toBe(0)
    client.close()
  })

  test('chunks without an end stay open, or break off', async () => {
    const client = new HttpClient()
    const reading = await client.open(spoilt(endless()))
    expect((await reading.take(BYTES.length)).equals(BYTES)).toBe(true)
    expect(reading.complete).toBe(false)
    client.close()
    const broken = await exchange(spoilt(endless('fin')))
    expect(broken.body.equals(BYTES)).toBe(true)
    expect(broken.complete).toBe(false)
  })

  test('a client that leaves ends the wait of a stalled answer', async () => {
    const client = new HttpClient()
    await client.open(spoilt(stallAfter(0)))
    expect(upstream.tally.inFlight).toBe(1)
    client.close()
    await until(() => upstream.tally.inFlight === 0)
  })
})

describe('lies', () => {
  test('one flipped byte stays flipped when it is asked for by Range', async () => {
    const url = spoilt(flip(1234))
    const whole = await get(url)
    const wrong = [...whole.body.keys()].filter((at) => whole.body[at] !== BYTES[at])
    expect(wrong).toEqual([1234])
    const part = await get(url, { range: 'bytes=1230-1239' })
    expect(part.body.equals(whole.body.subarray(1230, 1240))).toBe(true)
  })

  test('a length above the truth breaks off, one below lets bytes run over', async () => {
    const long = await exchange(spoilt(declare(BYTES.length + 1)))
    expect(long.headers['content-length']).toBe('300001')
    expect(long.complete).toBe(false)
    expect(long.body.equals(BYTES)).toBe(true)
    const short = await exchange(spoilt(declare(100)))
    expect(short.complete).toBe(true)
    expect(short.body.equals(BYTES.subarray(0, 100))).toBe(true)
  })

  test('a content coding is claimed for bytes that do not have it', async () => {
    const reply = await get(spoilt(labelled('gzip')))
    expect(reply.headers['content-encoding']).toBe('gzip')
    expect(reply.body.equals(BYTES)).toBe(true)
  })

  test('a captive portal answers 200 with a page', async () => {
    upstream.on('/a.tgz', captivePortal())
    const reply = await get(`${upstream.origin}/a.tgz`)
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toContain('text/html')
  })

  test('garbage is no HTTP to any client', async () => {
    upstream.on('/a', garbage())
    await expect(exchange(`${upstream.origin}/a`)).rejects.toThrow(/Parse Error/)
  })
})

test('Retry-After comes in seconds, as a date, or not at all', async () => {
  upstream.on('/a', tooMany(7), tooMany(new Date(Date.UTC(2026, 0, 2))), tooMany())
  const seen = []
  for (let round = 0; round < 3; round++) seen.push((await exchange(`${upstream.origin}/a`)).headers['retry-after'])
  expect(seen).toEqual(['7', 'Fri, 02 Jan 2026 00:00:00 GMT', undefined])
})

test('redirects chain, loop and point wherever a script says', async () => {
  upstream
    .on('/chain', redirect('/loop', 308))
    .on('/loop', redirect('/loop'))
    .on('/out', redirect('http://10.0.0.1/secret', 307))
  const seen = []
  for (const path of ['/chain', '/loop', '/out']) {
    const reply = await exchange(upstream.origin + path)
    seen.push([reply.status, reply.headers.location])
  }
  expect(seen).toEqual([
    [308, '/loop'],
    [302, '/loop'],
    [307, 'http://10.0.0.1/secret'],
  ])
})

test('a weak entity tag answers 304, but never holds for a Range', async () => {
  upstream.on('/weak', serve(BYTES, { etag: 'W/"a"' }))
  const url = `${upstream.origin}/weak`
  expect((await get(url, { 'if-none-match': 'W/"a"' })).status).toBe(304)
  expect((await get(url, { range: 'bytes=5-', 'if-range': 'W/"a"' })).status).toBe(200)
})

test('a body may be delimited by chunks or by the end of the connection, and range support taken away', async () => {
  const inChunks = await get(spoilt(chunked(), rangeless()), { range: 'bytes=0-9' })
  expect(inChunks.status).toBe(200)
  expect(inChunks.headers['transfer-encoding']).toBe('chunked')
  expect(inChunks.body.equals(BYTES)).toBe(true)
  const toTheEnd = await get(spoilt(untilClose(), headers({ etag: '' })))
  expect(toTheEnd.headers).not.toHaveProperty('content-length')
  expect(toTheEnd.headers).not.toHaveProperty('transfer-encoding')
  expect(toTheEnd.headers).not.toHaveProperty('etag')
  expect(toTheEnd.body.equals(BYTES)).toBe(true)
})
