import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bufferBody } from '../../node/body.ts'
import type { Found } from '../../node/cache/found.ts'
import { WarrenError } from '../../node/errors.ts'
import { HostAllowList } from '../../node/http/hosts.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { documentOf, face } from '../node/http/fixture.ts'
import { answersIn, exchangeBytes, inParallel } from './wire.ts'

useLeakCheck()

const MARK = 'x-injected'
const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '%0d%0a',
  '\u010d\u010a',
  '\\r\\n',
  `${MARK}: 1`,
  `\r\n${MARK}: 1\r\n\r\n`,
  `%0d%0a${MARK}:1`,
  '\0',
  '\x7f',
  '\x1f',
  '"',
  ',',
  ';',
  '<script>',
  'é',
  '\u{1f407}',
  ' ',
  'a',
  'localhost',
  '',
  '\t',
]

/** All header fields that a node ever sends. */
const OURS = new Set(
  'accept-ranges age allow cache-control connection content-disposition content-encoding content-length content-range content-security-policy content-type date etag expires keep-alive last-modified location retry-after transfer-encoding vary warning x-cache x-content-type-options x-request-id x-warren-error x-warren-source x-y'.split(
    ' ',
  ),
)

function hostile(random: Random): string {
  return Array.from({ length: random.between(1, 5) }, () => PIECES[random.between(0, PIECES.length - 1)]).join('')
}

test('10 000 hostile requests: nothing of a request becomes a header of its answer', async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  const node = await face({
    find: ({ key }) => {
      if (key.includes('a')) throw new WarrenError('UPSTREAM_ABSENT', `«${key}» is not there`)
      return documentOf('{"here":"@"}')
    },
    trustedProxies: ['127.0.0.0/8'],
  })
  const port = Number(new URL(node.origin).port)
  const names = [
    'host',
    'origin',
    'range',
    'if-range',
    'if-none-match',
    'accept-encoding',
    'forwarded',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-prefix',
    'via',
    'cache-control',
    'accept',
    'x-request-id',
  ]
  const cases = Array.from({ length: 10_000 }, () => {
    const lines = Array.from(
      { length: random.between(0, 3) },
      () => `${names[random.between(0, names.length - 1)]}: ${hostile(random)}`,
    )
    const host = random.next() < 0.8 ? ['host: localhost'] : []
    const target = random.next() < 0.5 ? `/m/${hostile(random)}` : random.next() < 0.5 ? `/${hostile(random)}` : '/m/x'
    return `GET ${target} HTTP/1.1\r\n${[...host, ...lines].join('\r\n')}\r\nconnection: close\r\n\r\n`
  })
  await inParallel(cases, async (text) => {
    const received = await exchangeBytes(port, Buffer.from(text, random.next() < 0.5 ? 'utf8' : 'latin1'))
    const strange = answersIn(received).flatMap(({ names: sent }) => sent.filter((name) => !OURS.has(name)))
    if (strange.length > 0) throw new Error(`seed ${seed}: ${JSON.stringify(text)} was answered with ${strange}`)
  })
  expect(node.told.filter((told) => 'bug' in told)).toEqual([])
})

test('8 000 answers with hostile stored headers: what could not be sent is left out, and nothing is put in', async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  let headers: Record<string, string> = {}
  const found = (): Found => ({ source: 'local', headers, body: bufferBody(Buffer.from('0123456789')), digest: 'sha256:abc' })
  const node = await face({ find: found, atHand: found })
  const port = Number(new URL(node.origin).port)
  const names = ['content-type', 'last-modified', 'cache-control', 'vary', 'expires', 'content-disposition', 'x-y']
  const asks = ['', 'range: bytes=1-2\r\n', 'range: bytes=1-2,5-6\r\n', 'if-none-match: "sha256:abc"\r\n']
  for (let i = 0; i < 2_000; i++) {
    headers = Object.fromEntries(names.filter(() => random.next() < 0.5).map((name) => [name, hostile(random)]))
    for (const more of asks) {
      const request = `GET /m/b HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`
      const received = await exchangeBytes(port, Buffer.from(more === '' ? request + request : request))
      const strange = answersIn(received).filter(
        ({ names: sent, status }) => status >= 400 || sent.some((name) => !OURS.has(name)),
      )
      const inParts = received.includes('multipart/byteranges') ? received.slice(received.indexOf('\r\n\r\n')) : ''
      if (strange.length > 0 || new RegExp(`^${MARK}`, 'm').test(inParts)) {
        throw new Error(`seed ${seed}: ${JSON.stringify(headers)} was sent as ${JSON.stringify(received)}`)
      }
    }
  }
  expect(node.told.filter((told) => 'bug' in told)).toEqual([])
}, 120_000)

test('30 000 names that are not ours: whatever is allowed is, to every URL parser, one of the names that were given', () => {
  const hosts = new HostAllowList({ hosts: ['warren.example.test', '192.0.2.7'], listen: ['127.0.0.1', '::1'] })
  const piece = fc.constantFrom(
    'localhost',
    '127.0.0.1',
    '[::1]',
    '::1',
    'warren.example.test',
    '192.0.2.7',
    'evil',
    '.',
    '@',
    ':',
    '7470',
    '0',
    '/',
    '\\',
    '#',
    '?',
    '%',
    '%2e',
    ' ',
    '\t',
    ',',
    '[',
    ']',
    '0x7f',
    '127',
    '1',
    '\0',
    '\u3002',
    'ⓔvil',
    'LOCALHOST',
    '-',
    '_',
    '"',
    '::ffff:',
  )
  const name = fc.oneof(
    fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.webAuthority({ withPort: true }),
    fc.ipV4Extended(),
    fc.ipV6().map((address) => `[${address}]`),
  )
  let allowed = 0
  fc.assert(
    fc.property(name, (text) => {
      if (!hosts.allows(text)) return
      allowed++
      const { hostname, username, pathname, hash, search } = new URL(`http://${text}/`)
      expect([username, pathname, hash, search]).toEqual(['', '/', '', ''])
      const plain = hostname.replace(/\.$/, '')
      expect(plain).toMatch(
        /^(?:localhost|warren\.example\.test|192\.0\.2\.7|127\.\d+\.\d+\.\d+|\[::1\]|\[::ffff:(?:7f[0-9a-f]{2}:[0-9a-f]{1,4}|c000:207)\])$/,
      )
    }),
    { numRuns: 30_000 },
  )
  expect(allowed).toBeGreaterThan(100)
})

test('a foreign Host is never served, whatever the request looks like otherwise', async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  let found = 0
  const answer = (): Found => {
    found++
    return documentOf('{"here":"@"}')
  }
  const node = await face({ find: answer, atHand: answer, upstream: () => ({ body: 'ok' }) })
  const port = Number(new URL(node.origin).port)
  const foreign = [
    'evil.example.test',
    'localhost.evil.example.test',
    '127.0.0.1.evil.example.test',
    'localhost@evil.example.test',
    'localhost:7470@evil',
    'evil.example.test:7470',
    '0.0.0.0',
    '[::]',
    '2130706433',
    '0x7f.1',
    'localhost#',
    'localhost/',
    'localhost,evil.example.test',
    '',
  ]
  const extras = [
    '',
    'x-forwarded-host: localhost\r\n',
    'forwarded: host=localhost\r\n',
    'origin: http://evil.example.test\r\n',
    'referer: http://localhost/\r\n',
    'accept: */*\r\n',
  ]
  const pick = (choices: readonly string[]) => choices[random.between(0, choices.length - 1)] as string
  const cases = Array.from({ length: 4_000 }, () => {
    const host = pick(foreign)
    const absolute = random.next() < 0.3
    const target = absolute ? `http://${host}${pick(['/m/x', '/m/pass/x'])}` : pick(['/m/x', '/m/pass/x', '/m/fixed'])
    const version = absolute || random.next() < 0.8 ? 'HTTP/1.1' : 'HTTP/1.0'
    const line = absolute ? 'host: localhost' : `host: ${host}`
    return `${pick(['GET', 'GET', 'HEAD', 'POST'])} ${target} ${version}\r\n${line}\r\n${pick(extras)}\r\n`
  })
  await inParallel(cases, async (text) => {
    const received = await exchangeBytes(port, Buffer.from(text))
    if (!/^HTTP\/1\.1 4\d\d /.test(received)) throw new Error(`seed ${seed}: ${JSON.stringify(text)} was answered ${received}`)
  })
  expect(found).toBe(0)
  expect(node.upstream.requests).toEqual([])
})
