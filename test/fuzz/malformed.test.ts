import { expect, test } from 'vitest'
import { openDescriptors } from '../harness/descriptors.ts'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { artifact, type Face, face, until } from '../node/http/fixture.ts'
import { answersIn, exchangeBytes, inParallel } from './wire.ts'

useLeakCheck()

const CASES = 24_000

const METHODS = [
  'GET',
  'GET',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'get',
  'G\0T',
  '',
  'PRI',
  'M-SEARCH',
  'GET GET',
]
const TARGETS = [
  '/m/a',
  '/m/fixed',
  '/m/pass/x',
  '/',
  '*',
  '/m/bad',
  '/m/%',
  '/m/\0',
  '/m/\xff',
  '/m/ a',
  'm/a',
  '//',
  'http://localhost/m/a',
  'localhost:1',
  `/m/${'a'.repeat(300)}`,
  '/readyz',
]
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'HTTP/1.1 ',
  'HTTP/11',
  'HTTP',
  '',
  'ICE/1.0',
]
const LINES = [
  'host: localhost',
  'host: localhost',
  'host: evil.example.test',
  'host:',
  'Host : localhost',
  ' folded',
  'connection: close',
  'connection: keep-alive, upgrade',
  'connection: ,,;\t',
  'upgrade: websocket',
  'content-length: 0',
  'content-length: 5',
  'content-length: -1',
  'content-length: 5, 5',
  'content-length: 99999999999999999999',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding: cow',
  'expect: 100-continue',
  'expect: the-unexpected',
  'range: bytes=0-0,-1',
  'range: bytes=9-',
  'if-none-match: W/"',
  'if-range: "x',
  'accept-encoding: gzip;q=;,,*;q=9',
  'via: 1.1 warren-node-1',
  'origin: http://evil.example.test',
  'cookie: \x01\x02',
  'x: \x80\xff',
  'x\0y: z',
  ': no name',
  'no colon',
  'x:',
  `x: ${'y'.repeat(9_000)}`,
  `${'n'.repeat(500)}: v`,
  'trailer: x',
  'te: trailers',
  'http2-settings: AAMAAABkAAQAAP__',
]
const BODIES = [
  '',
  '',
  '',
  'hello',
  '0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '5;ext="\r\n"\r\nhello\r\n0\r\n\r\n',
  '-1\r\n',
  '5\nhello\n0\n\n',
  '0\r\nx: y\r\n\r\n',
  'GET /m/a HTTP/1.1\r\nhost: localhost\r\n\r\n',
  '\r\n\r\n\r\n',
  '\0\0\0',
]
const BAD_ENDS = ['\n', '\r', '\r\r\n', '\n\n', '']
const STRANGERS = [
  '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  'SSH-2.0-x\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '*1\r\n$4\r\nPING\r\n',
  'EHLO x\r\n',
  '\0',
  '\r\n\r\n',
  '<policy-file-request/>\0',
]

function requestOf(random: Random): string {
  const pick = (choices: readonly string[]) => choices[random.between(0, choices.length - 1)] as string
  if (random.next() < 0.03) return pick(STRANGERS)
  // Most of a request is well-formed: what is wrong all over is refused at its first byte, and tests nothing behind it.
  const end = () => (random.next() < 0.03 ? pick(BAD_ENDS) : '\r\n')
  const usual = random.next() < 0.7
  let text = usual ? `GET ${pick(TARGETS)} HTTP/1.1` : `${pick(METHODS)} ${pick(TARGETS)} ${pick(VERSIONS)}`
  text += end()
  if (random.next() < 0.8) text += `host: localhost${end()}`
  for (let lines = random.between(0, 3); lines > 0; lines--) text += pick(LINES) + end()
  return text + end() + pick(BODIES)
}

/** Bytes that are more or less a request, or two, with something done to them. */
function bytesOf(random: Random): Buffer {
  let bytes = Buffer.from(requestOf(random) + (random.next() < 0.2 ? requestOf(random) : ''), 'latin1')
  for (let changes = random.between(-4, 3); changes > 0 && bytes.length > 0; changes--) {
    const at = random.between(0, bytes.length - 1)
    const kind = random.between(0, 3)
    if (kind === 0) bytes[at] = random.between(0, 255)
    else if (kind === 1) bytes = bytes.subarray(0, at)
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.between(1, 8)), bytes.subarray(at)])
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.between(at, bytes.length - 1))])
  }
  return bytes
}

function fuzzed(): Promise<Face> {
  return face({
    find: () => artifact(Buffer.from('artifact')),
    atHand: () => artifact(Buffer.from('artifact')),
    upstream: () => ({ body: 'ok' }),
  })
}

test(`${CASES} requests that are none: each is answered or left, and the next client is served`, async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  const node = await fuzzed()
  const port = Number(new URL(node.origin).port)
  await get(node.url('a'))
  const before = openDescriptors().size
  const statuses = new Map<number, number>()
  await inParallel(
    Array.from({ length: CASES }, () => bytesOf(random)),
    async (bytes, i) => {
      const received = await exchangeBytes(port, bytes)
      try {
        // The answer to a HEAD promises a body that does not come, and so cannot be told from the next one.
        const found = bytes.includes('HEAD')
          ? [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]))
          : answersIn(received).map(({ status }) => status)
        for (const status of found) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          expect(status).not.toBe(500)
        }
      } catch (cause) {
        throw new Error(`seed ${seed}, sent ${JSON.stringify(bytes.toString('latin1').slice(0, 1_000))}`, { cause })
      }
      if (i % 500 === 0) expect((await get(node.url('fixed'))).body.toString()).toBe('fixed')
    },
  )
  // Neither all refused nor all taken: the cases are worth their time.
  for (const status of [200, 400, 405, 421]) expect(statuses.get(status)).toBeGreaterThan(100)
  expect(node.told.filter((told) => 'bug' in told)).toEqual([])
  expect(node.troubles).toEqual([])
  await until(() => node.server.connections === 0 && node.pool.taken === 0)
  expect(openDescriptors().size).toBeLessThanOrEqual(before)
  expect((await get(node.url('a'))).body.toString()).toBe('artifact')
})
