import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { artifact, documentOf, face } from '../node/http/fixture.ts'
import { inParallel } from './wire.ts'

useLeakCheck()

const CASES = 3_000
/** Ms after which the next piece is sent although nothing came back: not every piece is answered. */
const PATIENCE = 20
/** How often the same pieces have to be answered differently. */
const ATTEMPTS = 3

const HOT = ['/m/a', '/m/b', '/m/by-accept/a', '/m/a?x', '/m/doc', '/m/doc/here']
const TARGETS = [
  ...HOT,
  ...HOT,
  ...HOT,
  '/m/a',
  '/m/b',
  '/m/cold',
  '/m/bad',
  '/m/fixed',
  '/m/by-accept/a',
  '/nowhere',
  '/readyz',
  '/m/a?x',
  '/m/a#b',
  '/m/a##b',
  '/m/\x7f',
  'http://localhost/m/a',
  '//m/a',
]
const LINES = [
  'accept: */*',
  'accept: x',
  'accept-encoding: gzip, br',
  'connection: keep-alive',
  'Connection: Keep-Alive',
  'connection: close',
  'connection: keep-alive, close',
  'range: bytes=0-1',
  'if-none-match: "sha256:abc"',
  'if-match: "other"',
  'via: 1.1 warren-node-1',
  'origin: http://evil.example.test',
  'host: localhost',
  'host: evil.example.test',
  'content-length: 0',
  'content-length: 3',
  'transfer-encoding: chunked',
  'expect: 100-continue',
  'expect: else',
  'upgrade: websocket',
  'cache-control: no-cache',
  'x:',
  'x: \x80',
  'x: \x01',
  ' folded',
  'x: y\nz: w',
  'x: y\n\nGET /m/smuggled HTTP/1.1\nhost: localhost',
  'x: y\r\n\nGET /m/smuggled HTTP/1.1',
]

/** Sends each piece when the one before was answered, or never is, then the end; resolves with all that came back. */
function sendPieces(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    let sent = 0
    let waiting: NodeJS.Timeout | undefined
    const next = () => {
      clearTimeout(waiting)
      const piece = pieces[sent++]
      if (piece === undefined) return void socket.end()
      socket.write(Buffer.from(piece, 'latin1'))
      waiting = setTimeout(next, PATIENCE)
    }
    socket.on('connect', next)
    socket.on('data', (part) => {
      parts.push(part)
      if (sent <= pieces.length) next()
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(waiting)
      resolve(Buffer.concat(parts).toString('latin1'))
    })
  })
}

/** The same answers, whichever way they came: names of fields in lower case, in order, and without the time of day and the name of the request. */
function normal(received: string): string {
  return received.replace(/HTTP\/1\.1 \d{3} [^\r]*\r\n(?:[^\r\n]+\r\n)*/g, (head) => {
    const [line, ...fields] = head.trimEnd().split('\r\n')
    const named = fields.map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()))
    return `${[line, ...named.filter((field) => !/^(?:date|x-request-id):/.test(field)).sort()].join('\r\n')}\r\n`
  })
}

test(`${CASES} connections: what goes past Node’s parser is answered as if it had not`, async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  const pick = (choices: readonly string[]) => choices[random.between(0, choices.length - 1)] as string
  const headers = { 'content-type': 'text/html', vary: 'accept' }
  // Too small to be compressed, which would happen at some time or other.
  const documents = new Map([
    ['doc', documentOf('no place', { headers })],
    ['doc/here', documentOf('here @ and @', { headers })],
  ])
  const found = (key: string) => documents.get(key) ?? artifact(Buffer.from(`bytes of ${key}`), { headers })
  let express = 0
  const quick = await face({
    find: ({ key }) => found(key),
    atHand: (key) => {
      if (key === 'cold') return undefined
      express++
      return found(key)
    },
  })
  const usual = await face({ find: ({ key }) => found(key) })
  const ports = [quick, usual].map(({ origin }) => Number(new URL(origin).port)) as [number, number]
  const plain = 'GET /m/a HTTP/1.1\r\nhost: localhost\r\n\r\n'
  const cases = Array.from({ length: CASES }, () => {
    const block = ['', 'host: localhost', ...Array.from({ length: random.between(0, 2) }, () => pick(LINES)), '', ''].join(
      '\r\n',
    )
    const head = () => `${pick(['GET', 'GET', 'GET', 'HEAD', 'POST'])} ${pick(TARGETS)} HTTP/1.1`
    // The first teaches the block to the node, the others use it; a piece may also hold two, or half of one.
    const pieces = [plain, head() + block, head() + block, plain, head() + block]
    const at = random.between(0, pieces.length - 2)
    if (random.next() < 0.15) pieces.splice(at, 2, (pieces[at] ?? '') + (pieces[at + 1] ?? ''))
    const piece = pieces[at] ?? ''
    const cut = random.between(1, piece.length)
    if (random.next() < 0.15) pieces.splice(at, 1, piece.slice(0, cut), piece.slice(cut))
    return pieces
  })
  await inParallel(
    cases,
    async (pieces) => {
      for (let attempt = 1; ; attempt++) {
        const [one, other] = await Promise.all([sendPieces(ports[0], pieces), sendPieces(ports[1], pieces)])
        if (normal(one) === normal(other)) return
        // On a busy machine a piece may come later than the end of patience. What the bytes make different is so each time.
        if (attempt < ATTEMPTS) continue
        throw new Error(
          `seed ${seed}, sent ${JSON.stringify(pieces)}\nquick: ${JSON.stringify(one)}\nusual: ${JSON.stringify(other)}`,
        )
      }
    },
    8,
  )
  expect(express).toBeGreaterThan(CASES / 3)
  expect([...quick.told, ...usual.told].filter((told) => 'bug' in told)).toEqual([])
})
