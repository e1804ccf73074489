import { afterEach, beforeEach, expect, test } from 'vitest'
import { serve } from './answer.ts'
import { exchange, get, HttpClient } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { Random } from './random.ts'
import { RawConnection, rawExchange } from './raw.ts'
import { ScriptedUpstream } from './scripted.ts'
import { eventually } from './wait.ts'

useLeakCheck()

/** More than the socket buffers of both ends hold, so that who does not read is felt by who writes. */
const LARGE = new Random(5).bytes(24 << 20)
let upstream: ScriptedUpstream
let url: string

beforeEach(async () => {
  upstream = await new ScriptedUpstream().start()
  url = `${upstream.origin}/a`
  upstream.on('/a', serve(LARGE)).on('/small', serve('small'))
})
afterEach(() => upstream.stop())

test('what nobody reads is not sent', async () => {
  const client = new HttpClient()
  const reading = await client.open(url)
  expect((await reading.take(1000)).equals(LARGE.subarray(0, 1000))).toBe(true)
  const sent = () => upstream.tally.total.bytes
  const atRest = await eventually('the sender waits', async () => {
    const before = sent()
    await new Promise((resolve) => setTimeout(resolve, 100))
    return before === sent() && before
  })
  expect(atRest).toBeLessThan(LARGE.length)
  const rest = await reading.take(LARGE.length)
  expect(rest.equals(LARGE.subarray(1000))).toBe(true)
  expect(reading.received).toBe(LARGE.length)
  expect((await reading.read(1)).length).toBe(0)
  expect(reading.complete).toBe(true)
  client.close()
})

test('a reader that leaves after n bytes breaks the connection', async () => {
  const client = new HttpClient()
  const reading = await client.open(url)
  await reading.take(5000)
  reading.abort()
  await eventually('the server notices', () => upstream.tally.inFlight === 0)
  await expect(reading.take(LARGE.length)).rejects.toThrow()
  client.close()
})

test('a slow reader gets every byte', async () => {
  const client = new HttpClient()
  const reading = await client.open(`${upstream.origin}/small`)
  expect((await reading.slowly(2, 1)).toString()).toBe('small')
  client.close()
})

test('a client reuses its connection, single requests do not', async () => {
  const client = new HttpClient()
  for (let round = 0; round < 3; round++) await client.get(`${upstream.origin}/small`)
  expect(client.connections).toBe(1)
  expect(upstream.connections).toBe(1)
  await get(`${upstream.origin}/small`)
  await exchange(`${upstream.origin}/small`)
  expect(upstream.connections).toBe(3)
  client.close()
})

test('exact bytes go out and all bytes come back', async () => {
  const text = await rawExchange(upstream.origin, 'GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(text).toMatch(/\r\n\r\nsmall$/)
  expect(await rawExchange(upstream.origin, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
})

test('two requests in one packet are answered in order', async () => {
  const two = 'GET /small HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  const text = await rawExchange(upstream.origin, two)
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404'])
})

test('a request may trickle in byte by byte', async () => {
  const connection = await RawConnection.open(upstream.origin)
  await connection.trickle('GET /small HTTP/1.1\r\nHost: x\r\n\r\n', 1)
  expect(await connection.until((text) => text.endsWith('small'))).toContain('200 OK')
  connection.leave('rst')
  connection.close()
})
