import { connect } from 'node:net'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Found } from '../../../node/cache/found.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { wholeFieldBytes } from '../../../node/http/fields.ts'
import { artifact, client, documentOf, type Face, type FaceInit, face, parseHead, raw, until, using } from './fixture.ts'

const HEADERS = { 'content-type': 'text/html', 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT', vary: 'accept' }
const hot = (key: string): Found => artifact(Buffer.from(`hot ${key}`), { headers: HEADERS })

interface Hot {
  readonly node: Face
  /** Keys that the usual way looked up; the express lane does not. */
  readonly usual: string[]
}

/** A node that has everything at hand. */
async function hotFace(init: FaceInit = {}): Promise<Hot> {
  const usual: string[] = []
  const find = (plan: Plan) => {
    usual.push(plan.key)
    return hot(plan.key)
  }
  return { node: await face({ find, atHand: hot, ...init }), usual }
}

/** A connection whose client sends one request after the other, each when the answer before is complete. */
async function connection(node: Face, from?: string) {
  const socket = await raw(node.origin, from)
  let seen = 0
  return {
    socket,
    ask: async (path: string, more = '', method = 'GET', host = node.host) => {
      socket.send(`${method} /m/${path} HTTP/1.1\r\nhost: ${host}\r\n${more}\r\n`)
      const received = await socket.until((all) => {
        const { headers, rest } = parseHead(all.slice(seen))
        return (
          all.length > seen &&
          headers.has('content-length') &&
          rest.length >= (method === 'HEAD' ? 0 : Number(headers.get('content-length')))
        )
      })
      const answer = parseHead(received.slice(seen))
      seen = received.length
      return answer
    },
  }
}

test('the second request like the first is answered past the usual way, and in the same words', async () => {
  const { node, usual } = await hotFace()
  const { ask } = await connection(node)
  const first = await ask('a')
  const second = await ask('a')
  expect(usual).toEqual(['a'])
  const { date: firstDate, ...firstHeaders } = Object.fromEntries(first.headers)
  const { date: secondDate, ...secondHeaders } = Object.fromEntries(second.headers)
  expect(secondHeaders).toEqual(firstHeaders)
  expect([firstDate, secondDate].map((date) => new Date(date ?? '').toUTCString())).toEqual([firstDate, secondDate])
  expect([second.status, second.rest]).toEqual([200, 'hot a'])
  expect(node.told.map((told) => ('served' in told ? [told.served, told.source, told.bytes] : told))).toEqual([
    ['plain', 'local', 5],
    ['plain', 'local', 5],
  ])
})

test('a connection lives longer than a header may take, whoever answers on it', async () => {
  const { node, usual } = await hotFace({ timeouts: { headers: 60, request: 120, check: 10 } })
  await (await connection(node)).ask('a')
  const { socket, ask } = await connection(node)
  const end = Date.now() + 400
  while (Date.now() < end) expect((await ask('a')).rest).toBe('hot a')
  expect(socket.left).toBeUndefined()
  expect(usual).toHaveLength(2)
})

test.each([
  ['a range', 'range: bytes=0-1\r\n', 206],
  ['a condition', 'if-none-match: "sha256:abc"\r\n', 304],
  ['a foreign origin', 'origin: http://evil.example.test\r\n', 403],
  ['a loop', 'via: 1.1 warren-node-1\r\n', 508],
  ['another Host', 'host: localhost\r\n', 400],
  ['the end of the connection', 'connection: close\r\n', 200],
])('a request with %s is answered as it was the first time', async (_, more, status) => {
  const { node } = await hotFace()
  for (let i = 0; i < 3; i++) {
    const { socket, ask } = await connection(node)
    await ask('a')
    socket.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n${more}\r\n`)
    const whole = (all: string) =>
      all.split('HTTP/1.1 ').length > 2 && all.lastIndexOf('\r\n\r\n') > all.lastIndexOf('HTTP/1.1 ')
    const received = await socket.until(whole)
    expect(parseHead(received.slice(received.lastIndexOf('HTTP/1.1'))).status).toBe(status)
  }
})

test('a foreign Host is refused however often it comes', async () => {
  const { node } = await hotFace()
  const { socket } = await connection(node)
  for (let i = 1; i <= 3; i++) {
    socket.send('GET /m/a HTTP/1.1\r\nhost: evil.example.test\r\n\r\n')
    const received = await socket.until((all) => all.split('FOREIGN_HOST"').length > i)
    expect(received.split('HTTP/1.1 421 ')).toHaveLength(i + 1)
    expect(received).not.toContain('hot')
  }
})

test('what is not at hand, no path, or no mirror is met by the usual way', async () => {
  const { node, usual } = await hotFace({ atHand: (key) => (key === 'a' ? hot(key) : undefined) })
  const { ask, socket } = await connection(node)
  expect((await ask('a')).rest).toBe('hot a')
  expect((await ask('b')).rest).toBe('hot b')
  expect((await ask('bad')).status).toBe(400)
  expect((await ask('../x')).rest).toBe('hot ../x')
  expect((await ask('a')).rest).toBe('hot a')
  expect(usual).toEqual(['a', 'b', '../x'])
  socket.send(`GET /nowhere HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  expect(await socket.until((all) => all.includes('there are'))).toContain(' 404 ')
})

test('an answer that is still due keeps its place before one that is at hand', async () => {
  const held: ((found: Found) => void)[] = []
  const { node } = await hotFace({
    find: (plan) => (plan.key === 'slow' ? new Promise((resolve) => held.push(resolve)) : hot(plan.key)),
    atHand: (key) => (key === 'slow' ? undefined : hot(key)),
  })
  // A packet for each request, at once: the kernel must not wait for more to send along.
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(node.origin).port), noDelay: true })
  using({ close: () => socket.destroy() })
  let received = ''
  socket.setEncoding('latin1').on('data', (text) => {
    received += text
  })
  const send = (path: string) => socket.write(`GET /m/${path} HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  send('a')
  await until(() => received.endsWith('hot a'))
  send('slow')
  await until(() => held.length === 1)
  send('b')
  // That another connection was made and answered meanwhile says that this packet was looked at.
  await client().get(node.url('fixed'))
  held[0]?.(artifact(Buffer.from('slow')))
  await until(() => received.includes('slow') && received.includes('hot b'))
  expect(received.indexOf('slow')).toBeLessThan(received.indexOf('hot b'))
  expect(received.split('HTTP/1.1 200 OK')).toHaveLength(4)
})

test('two requests in one packet, a body, and a request in two pieces go the usual way, and so does all that follows', async () => {
  const { node, usual } = await hotFace()
  const head = `GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n`
  const warm = await connection(node)
  await warm.ask('a')
  for (const sent of [
    [`${head}\r\n${head}\r\n`],
    [`${head}content-length: 5\r\n\r\nhello`],
    [`${head}content-length: 0\r\n\r\n`],
    [`${head}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    [head.slice(0, 20), `${head.slice(20)}\r\n`],
  ]) {
    const socket = await raw(node.origin)
    for (const piece of sent) {
      socket.send(piece)
      await client().get(node.url('fixed'))
    }
    const before = (await socket.until((all) => all.includes('hot a'))).split('hot a').length
    usual.length = 0
    socket.send(`${head}\r\n`)
    await socket.until((all) => all.split('hot a').length > before)
    expect(usual.length).toBeGreaterThan(0)
  }
})

test('a body cannot pass for a request: what looks like one inside it is never answered', async () => {
  const { node, usual } = await hotFace()
  const inner = `GET /m/smuggled HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`
  const warm = await connection(node)
  await warm.ask('a')
  const socket = await raw(node.origin)
  socket.send(`POST /m/a HTTP/1.1\r\nhost: ${node.host}\r\ncontent-length: ${inner.length}\r\n\r\n`)
  await client().get(node.url('fixed'))
  socket.send(inner)
  await socket.until((all) => all.includes('reading only'))
  expect(usual).not.toContain('smuggled')
  expect(socket.received).not.toContain('smuggled')
})

test('a client that stops writing still gets its answer', async () => {
  const { node } = await hotFace()
  const { ask, socket } = await connection(node)
  await ask('a')
  socket.send(`GET /m/b HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  socket.leave('fin')
  expect(await socket.rest()).toMatch(/\r\n\r\nhot b$/)
})

test('while the node stops, an answer says that it is the last', async () => {
  const held: ((found: Found) => void)[] = []
  const { node } = await hotFace({
    find: (plan) => (plan.key === 'slow' ? new Promise((resolve) => held.push(resolve)) : hot(plan.key)),
  })
  const slow = await raw(node.origin)
  slow.send(`GET /m/slow HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await until(() => held.length === 1)
  const stopping = node.server.stop()
  held[0]?.(artifact(Buffer.from('slow')))
  await stopping
  expect(await slow.rest()).toMatch(/\r\n\r\nslow$/)
})

describe('a document', () => {
  const text = `{"files":[${Array.from({ length: 100 }, (_, i) => `"@${i}"`).join()}]}`
  // One object, as the cache keeps it: what was made of it for one client is there when the next one asks.
  const document = documentOf(text)
  const decoded = { gzip: gunzipSync, br: brotliDecompressSync }

  async function documentFace(init: FaceInit = {}) {
    const usual = { count: 0 }
    const find = () => {
      usual.count++
      return document
    }
    return { node: await face({ find, atHand: () => document, ...init }), usual }
  }

  test('is the one for the Host that the client asked, be they of one length', async () => {
    const { node, usual } = await documentFace()
    const { ask } = await connection(node)
    for (let round = 0; round < 3; round++) {
      for (const name of ['localhost', '127.0.0.1', '127.0.0.1:1234']) {
        const { headers, rest } = await ask('a', '', 'GET', name)
        expect(rest).toBe(text.replaceAll('@', `http://${name}/m/x`))
        expect(headers.get('content-length')).toBe(`${rest.length}`)
      }
    }
    expect(usual.count).toBe(3)
  })

  test('is the one for whoever is believed about its base URL, though others send the same', async () => {
    const { node, usual } = await documentFace({ trustedProxies: ['127.0.0.2/32'] })
    const more = 'x-forwarded-host: proxy.example.test\r\n'
    const [proxy, other] = [await connection(node, '127.0.0.2'), await connection(node, '127.0.0.3')]
    for (let round = 0; round < 3; round++) {
      expect((await proxy.ask('a', more)).rest).toContain('"http://proxy.example.test/m/x0"')
      expect((await other.ask('a', more)).rest).toContain(`"http://${node.host}/m/x0"`)
    }
    expect(usual.count).toBe(2)
  })

  test('goes out compressed once that form is made, and plain to whoever does not take it', async () => {
    const { node, usual } = await documentFace()
    const { ask } = await connection(node)
    const whole = text.replaceAll('@', `http://${node.host}/m/x`)
    for (const encoding of ['gzip', 'br'] as const) {
      const accepts = `accept-encoding: ${encoding}\r\n`
      expect((await ask('a', accepts)).rest).toBe(whole)
      await node.rendered.settled()
      usual.count = 0
      const made = await ask('a', accepts)
      expect(decoded[encoding](Buffer.from(made.rest, 'latin1')).toString()).toBe(whole)
      expect([made.headers.get('content-encoding'), made.headers.get('vary')]).toEqual([encoding, 'accept-encoding'])
      await ask('a')
      const plain = await ask('a')
      expect([plain.rest, plain.headers.get('content-encoding')]).toEqual([whole, undefined])
      expect(plain.headers.get('etag')).not.toBe(made.headers.get('etag'))
      expect(usual.count).toBeLessThan(2)
    }
  })

  test('says how old it is now', async () => {
    let age = 1
    const aged = () => ({ ...document, age })
    const { node } = await documentFace({ find: aged, atHand: aged })
    const { ask } = await connection(node)
    for (; age < 4; age++) expect((await ask('a')).headers.get('age')).toBe(`${age}`)
  })

  test('that is long only with the base URL in it goes the usual way', async () => {
    const { node, usual } = await documentFace({ trustedProxies: ['127.0.0.0/8'] })
    const { ask } = await connection(node)
    const prefix = `/${'p'.repeat(1_000)}`
    for (let i = 0; i < 3; i++) {
      expect((await ask('a', `x-forwarded-prefix: ${prefix}\r\n`)).rest.length).toBeGreaterThan(100_000)
    }
    expect(usual.count).toBe(3)
  })
})

test('what is put together for an answer depends on all that it says', () => {
  const found = artifact(Buffer.from('0123456789'))
  const shown = { id: 'a', size: 10 }
  const asked = [
    [found, shown],
    [found, { ...shown, id: 'b' }],
    [found, { ...shown, size: 11 }],
    [found, { ...shown, encoding: 'gzip' }],
    [found, { ...shown, encoding: 'br' }],
    [{ ...found, age: 0 }, shown],
    [{ ...found, age: 1 }, shown],
  ] as const
  const all = asked.map(([one, how]) => wholeFieldBytes(one, how)?.toString('latin1'))
  expect(new Set(all).size).toBe(asked.length)
  expect(wholeFieldBytes(...asked[0])?.toString('latin1')).toBe(all[0])
})
