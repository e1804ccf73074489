import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BaseUrl } from '../../../node/http/base-url.ts'
import { rawExchange } from '../../harness/raw.ts'
import { artifact, client, documentOf, face, parseHead } from './fixture.ts'

/** A request as `BaseUrl` sees it. */
function request(headers: Record<string, string>, remoteAddress = '127.0.0.1', localAddress = '127.0.0.1') {
  return { headers, socket: { remoteAddress, localAddress, localPort: 7470 } } as never
}

const own = new BaseUrl({ trustedProxies: [] })
const proxied = new BaseUrl({ trustedProxies: ['127.0.0.0/8', 'fd00::/8'] })

test.each([
  [{ host: 'localhost:7470' }, 'http://localhost:7470'],
  [{ host: 'LocalHost:80' }, 'http://localhost'],
  [{ host: 'localhost:443' }, 'http://localhost:443'],
  [{ host: '[::1]:7470' }, 'http://[::1]:7470'],
  [{ host: '[0:0::1]' }, 'http://[::1]'],
  [{ host: 'localhost.:' }, 'http://localhost'],
  [{}, 'http://127.0.0.1:7470'],
] as const)('%j is seen as %s', (headers, base) => {
  expect(own.of(request(headers))).toBe(base)
})

test('without Host it is the address of the socket, in its one spelling', () => {
  expect(own.of(request({}, '::1', '::ffff:127.0.0.1'))).toBe('http://127.0.0.1:7470')
  expect(own.of(request({}, '::1', '::1'))).toBe('http://[::1]:7470')
  expect(own.of({ headers: {}, socket: {} } as never)).toBe('http://localhost')
})

test('TLS is https', () => {
  const socket = { remoteAddress: '127.0.0.1', encrypted: true }
  expect(own.of({ headers: { host: 'localhost:443' }, socket } as never)).toBe('https://localhost')
  expect(own.of({ headers: { host: 'localhost:80' }, socket } as never)).toBe('https://localhost:80')
})

test('publicUrl stands above everything', () => {
  const configured = new BaseUrl({ publicUrl: 'https://warren.example.test/cache/', trustedProxies: ['127.0.0.1/32'] })
  expect(configured.of(request({ host: 'localhost', 'x-forwarded-host': 'other.example.test' }))).toBe(
    'https://warren.example.test/cache',
  )
})

test('a publicUrl that could break out of a JSON string is escaped', () => {
  const configured = new BaseUrl({ publicUrl: 'https://warren.example.test/a"b\\c', trustedProxies: [] })
  expect(configured.of(request({}))).toBe('https://warren.example.test/a%22b/c')
})

test.each([
  [{ 'x-forwarded-proto': 'https' }, 'https://localhost:7470'],
  [{ 'x-forwarded-host': 'warren.example.test' }, 'http://warren.example.test'],
  [
    { 'x-forwarded-host': 'warren.example.test, inner.example.test', 'x-forwarded-proto': 'https, http' },
    'https://warren.example.test',
  ],
  [
    { 'x-forwarded-host': 'warren.example.test', 'x-forwarded-port': '8443', 'x-forwarded-proto': 'https' },
    'https://warren.example.test:8443',
  ],
  [
    { 'x-forwarded-host': 'warren.example.test', 'x-forwarded-port': '443', 'x-forwarded-proto': 'https' },
    'https://warren.example.test',
  ],
  [{ 'x-forwarded-host': 'warren.example.test:1', 'x-forwarded-port': '2' }, 'http://warren.example.test:1'],
  [{ 'x-forwarded-host': '[2001:db8::1]', 'x-forwarded-port': '8080' }, 'http://[2001:db8::1]:8080'],
  [{ 'x-forwarded-host': 'warren.example.test', 'x-forwarded-prefix': '/cache/a/' }, 'http://warren.example.test/cache/a'],
  [{ forwarded: 'for=192.0.2.1;proto=https;host=warren.example.test' }, 'https://warren.example.test'],
  [{ forwarded: 'Proto=HTTPS; Host="[2001:db8::1]:8443", for=x;host=inner' }, 'https://[2001:db8::1]:8443'],
  [{ forwarded: 'proto=https', 'x-forwarded-host': 'warren.example.test' }, 'https://warren.example.test'],
] as const)('a trusted proxy says %j: %s', (headers, base) => {
  expect(proxied.of(request({ host: 'localhost:7470', ...headers }))).toBe(base)
  expect(own.of(request({ host: 'localhost:7470', ...headers }))).toBe('http://localhost:7470')
  expect(proxied.of(request({ host: 'localhost:7470', ...headers }, '192.0.2.1'))).toBe('http://localhost:7470')
})

test('networks are told apart by family, and IPv4 inside IPv6 is IPv4', () => {
  const headers = { host: 'localhost', 'x-forwarded-host': 'warren.example.test' }
  expect(proxied.of(request(headers, '::ffff:127.0.0.9'))).toBe('http://warren.example.test')
  expect(proxied.of(request(headers, 'fd00::1'))).toBe('http://warren.example.test')
  expect(proxied.of(request(headers, 'fe80::1'))).toBe('http://localhost')
  expect(proxied.of(request(headers, 'no address'))).toBe('http://localhost')
})

test.each([
  { 'x-forwarded-host': 'evil"},"x":"' },
  { 'x-forwarded-host': "evil'<script>" },
  { 'x-forwarded-host': 'a b' },
  { 'x-forwarded-host': 'user:secret@evil.example.test' },
  { 'x-forwarded-host': 'evil.example.test/path' },
  { 'x-forwarded-host': 'evil.example.test?x' },
  { 'x-forwarded-host': '::1' },
  { 'x-forwarded-host': 'x:99999' },
  { 'x-forwarded-host': 'x\r\ninjected: 1' },
  { 'x-forwarded-proto': 'javascript' },
  { 'x-forwarded-port': '80"' },
  { 'x-forwarded-port': '99999' },
  { 'x-forwarded-prefix': '/../..' },
  { 'x-forwarded-prefix': '/a/./b' },
  { 'x-forwarded-prefix': '//evil.example.test' },
  { 'x-forwarded-prefix': 'evil' },
  { 'x-forwarded-prefix': '/a"b' },
  { forwarded: 'host="a\\"b"' },
  { forwarded: 'host="evil' },
])('what could not be part of a URL is not believed: %j', (headers) => {
  expect(proxied.of(request({ host: 'localhost:7470', ...headers }))).toBe('http://localhost:7470')
})

test('whatever proxies and clients say, the result is a plain URL', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('a.example.test', '[::1]', '"', '\\', '/', ',', ';', 'host=', '..', '\r\n', '%', ':8'),
  )
  const value = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''))
  const names = ['host', 'forwarded', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-prefix']
  const headers = fc.dictionary(fc.constantFrom(...names), value)
  fc.assert(
    fc.property(headers, (said) => {
      const base = proxied.of(request(said))
      expect(base).toMatch(/^https?:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~-]+)*$/)
      expect(base).not.toMatch(/\/\.\.?(?:\/|$)/)
    }),
    { numRuns: 5_000 },
  )
})

test('the caller’s own name is what documents carry', async () => {
  const node = await face({ find: () => documentOf('{"a":"@"}') })
  const port = node.host.split(':')[1]
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'host.docker.internal']) {
    const reply = await client().get(node.url('a'), { headers: { host } })
    expect(reply.body.toString()).toBe(`{"a":"http://${host}/m/x"}`)
  }
})

test('headers of a proxy that nobody trusts change nothing', async () => {
  const node = await face({ find: () => documentOf('{"a":"@"}') })
  const headers = { 'x-forwarded-host': 'evil.example.test', forwarded: 'host=evil.example.test', 'x-forwarded-proto': 'https' }
  const reply = await client().get(node.url('a'), { headers })
  expect(reply.body.toString()).toBe(`{"a":"http://${node.host}/m/x"}`)
})

test('a trusted proxy names the outer world, prefix included', async () => {
  const node = await face({ find: () => documentOf('{"a":"@"}'), trustedProxies: ['127.0.0.1/32'] })
  const headers = { 'x-forwarded-host': 'warren.example.test', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/cache' }
  const reply = await client().get(node.url('a'), { headers })
  expect(reply.body.toString()).toBe('{"a":"https://warren.example.test/cache/m/x"}')
})

test('HTTP/1.0 without Host gets the address that it dialled', async () => {
  const node = await face({ find: () => documentOf('{"a":"@"}') })
  const { rest } = parseHead(await rawExchange(node.origin, 'GET /m/a HTTP/1.0\r\n\r\n'))
  expect(rest).toBe(`{"a":"http://${node.host}/m/x"}`)
})

test('an artifact costs no look at all this', async () => {
  const node = await face({ find: () => artifact(Buffer.from('bytes')), trustedProxies: ['127.0.0.1/32'] })
  const reply = await client().get(node.url('a'), { headers: { forwarded: '"""' } })
  expect(reply.body.toString()).toBe('bytes')
})
