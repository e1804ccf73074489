import { expect, test } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { artifact, face } from '../node/http/fixture.ts'
import { exchangeBytes, inParallel } from './wire.ts'

useLeakCheck()

/** All say where the body ends; by one reading at least, what stands inside is no request. */
const FRAMINGS = ['content-length: N', 'Content-Length:N', 'transfer-encoding: chunked', 'Transfer-Encoding:\tChunked']
const CONFUSIONS = [
  'content-length: 0',
  'content-length: 5',
  'content-length: +0',
  'content-length: 0x0',
  'content-length: 00',
  'content-length: 0, N',
  'content-length: N, 0',
  'content-length:',
  'content-length : 0',
  'content-length\t: 0',
  '\tcontent-length: 0',
  ' content-length: 0',
  'x: y\ncontent-length: 0',
  'x: y\rcontent-length: 0',
  'content_length: 0',
  'content-length: \x0b0',
  'transfer-encoding: identity',
  'transfer-encoding: xchunked',
  'transfer-encoding: chunked, identity',
  'transfer-encoding: identity, chunked',
  'transfer-encoding: "chunked"',
  'transfer-encoding:\x0bchunked',
  'transfer-encoding: chunked\0',
  'transfer-encoding : chunked',
  'transfer-encoding:\r\n chunked',
  'transfer-encoding: chunked\r\n\t, identity',
  'connection: content-length',
  'connection: transfer-encoding',
  'x-forwarded-host: localhost',
  'expect: 100-continue',
  'upgrade: h2c',
  'connection: keep-alive',
]

test('12 000 ways to say where a body ends: what stands inside one is never taken for a request', async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  const pick = (choices: readonly string[]) => choices[random.between(0, choices.length - 1)] as string
  const asked: string[] = []
  const node = await face({
    find: ({ key }) => {
      asked.push(key)
      return artifact(Buffer.from('artifact'))
    },
    atHand: (key) => {
      asked.push(key)
      return artifact(Buffer.from('artifact'))
    },
    upstream: () => ({ body: 'ok' }),
  })
  const port = Number(new URL(node.origin).port)
  const inner = 'GET /m/smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n'
  // A block of headers that the node knows well.
  for (let i = 0; i < 3; i++) await exchangeBytes(port, Buffer.from(inner.replace('smuggled', 'a').repeat(i + 1)))
  const cases = Array.from({ length: 12_000 }, () => {
    const framing = pick(FRAMINGS)
    const lines = [framing, 'host: localhost', ...Array.from({ length: random.between(0, 3) }, () => pick(CONFUSIONS))]
    const chunked = /transfer/i.test(framing)
    const body = chunked ? `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n` : inner
    lines.sort(() => random.next() - 0.5)
    const head = `${pick(['GET', 'POST', 'HEAD', 'PUT'])} /m/${pick(['a', 'pass/x', 'fixed'])} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
    return Buffer.from(head.replaceAll('N', String(body.length)) + body, 'latin1')
  })
  await inParallel(cases, async (bytes) => {
    await exchangeBytes(port, bytes)
    if (asked.includes('smuggled')) throw new Error(`seed ${seed}, sent ${JSON.stringify(bytes.toString('latin1'))}`)
    asked.length = 0
  })
  expect(node.told.filter((told) => 'served' in told).length).toBeGreaterThan(500)
  expect(node.told.filter((told) => 'bug' in told)).toEqual([])
})
