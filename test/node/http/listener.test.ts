import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { request, type ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, test } from 'vitest'
import { Listener, TIMEOUTS, type Timeouts } from '../../../node/http/listener.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually, firstOf } from '../../harness/wait.ts'
import { fileLike } from './bodies.ts'
import { artifact, client, face, parseHead, raw, using } from './fixture.ts'

const folders = useTempFolders()

function listener(timeouts: Partial<Timeouts> = {}, answer = (response: ServerResponse) => void response.end('here')) {
  const handle = (_: unknown, response: ServerResponse) => answer(response)
  const components = { handle, onTrouble: () => {}, isPlain: () => false, atHand: () => undefined }
  return using(new Listener(components, { ...TIMEOUTS, drain: 2_000, ...timeouts }))
}

/** A port that is listened on, which is another one each time. */
async function open(one: Listener): Promise<string> {
  const bound = await one.open({ host: '127.0.0.1', port: 0 })
  if (!('port' in bound)) throw new Error('no TCP listener')
  expect(bound.port).toBeGreaterThan(0)
  return `http://127.0.0.1:${bound.port}`
}

function askOver(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/', agent: false }, (message) => {
      message.setEncoding('utf8').on('data', resolve)
    })
      .on('error', reject)
      .end()
  })
}

test('a port that is taken is told by its address, with what to do', async () => {
  const origin = await open(listener())
  const { port, host } = new URL(origin)
  await expect(listener().open({ host: '127.0.0.1', port: Number(port) })).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: `${host} is taken by another process: stop that one, or choose another address with --listen (or --admin-listen)`,
  })
})

test('an address that this machine does not have is told as such', async () => {
  await expect(listener().open({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: expect.stringMatching(/^cannot listen on 192\.0\.2\.1:0: .*EADDRNOTAVAIL/),
  })
})

test('a Unix socket serves, and its file goes when it is closed', async () => {
  const socket = folders.path('socket')
  const one = listener()
  expect(await one.open({ socket })).toEqual({ socket })
  expect(await askOver(socket)).toBe('here')
  await one.close()
  expect(existsSync(socket)).toBe(false)
})

test('a Unix socket that a killed process left behind is taken over', async () => {
  const socket = folders.path('socket')
  const script = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await firstOf(child.stdout, 'data')
  child.kill('SIGKILL')
  await firstOf(child, 'close')
  expect(existsSync(socket)).toBe(true)
  await listener().open({ socket })
  expect(await askOver(socket)).toBe('here')
})

test('a Unix socket on which somebody listens is left to them', async () => {
  const socket = folders.path('socket')
  await listener({}, (response) => void response.end('theirs')).open({ socket })
  await expect(listener().open({ socket })).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: expect.stringContaining('another path'),
  })
  expect(await askOver(socket)).toBe('theirs')
})

test('a file that is no socket is not taken for one that was left behind', async () => {
  const socket = folders.path('precious')
  writeFileSync(socket, 'precious')
  await expect(listener().open({ socket })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  expect(readFileSync(socket, 'utf8')).toBe('precious')
})

test('a place where no socket can be made is told as such', async () => {
  const socket = `${folders.path('missing')}/socket`
  await expect(listener().open({ socket })).rejects.toMatchObject({
    code: 'ADDRESS_IN_USE',
    message: expect.stringMatching(/^cannot listen on .*(?:ENOENT|EACCES)/),
  })
})

test('a client that drips its header in is answered 408 and left', async () => {
  const origin = await open(listener({ headers: 60, request: 5_000, check: 20 }))
  const slow = await raw(origin)
  const dripping = slow.trickle(`GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ${'a'.repeat(10_000)}`, 5)
  expect(parseHead(await slow.rest()).status).toBe(408)
  expect(slow.left).toBeDefined()
  await dripping
})

test('a client that connects and says nothing at all is left too', async () => {
  const one = listener({ headers: 60, request: 5_000, check: 20 })
  const silent = await raw(await open(one))
  await silent.rest()
  expect(silent.left).toBeDefined()
})

test('a client that drips its body in is left when the whole request takes too long', async () => {
  const one = listener({ headers: 60, request: 120, check: 20 }, (response) => void response.req.resume())
  const slow = await raw(await open(one))
  slow.send('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n')
  const dripping = slow.trickle('a'.repeat(10_000), 5)
  expect(parseHead(await slow.rest()).status).toBe(408)
  await dripping
})

test('a kept connection without a request is closed after its time', async () => {
  const one = listener({ keepAlive: 50 })
  const kept = await raw(await open(one))
  kept.send('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  expect(await kept.rest()).toContain('here')
  expect(kept.left).toBe('fin')
  await eventually('the connection is forgotten', () => one.connections === 0)
})

test('a connection on which not one byte moves is given up, in the middle of an answer too', async () => {
  const one = listener({ stalled: 80 }, (response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('half')
  })
  const stalled = await raw(await open(one))
  stalled.send('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  expect(await stalled.rest()).toContain('half')
  expect(stalled.left).toBeDefined()
})

test('CONNECT is refused and its connection closed; the next client is served', async () => {
  const node = await face()
  for (const target of ['upstream.example.test:443', node.host]) {
    const tunnel = await raw(node.origin)
    tunnel.send(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`)
    const { status, headers } = parseHead(await tunnel.rest())
    expect([status, headers.get('allow'), headers.get('connection')]).toEqual([405, 'GET, HEAD', 'close'])
    expect(tunnel.left).toBe('fin')
  }
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test('CONNECT behind a request whose answer is under way breaks that answer off, and puts nothing into it', async () => {
  const body = fileLike(Buffer.alloc(300_000, 'a'), { delay: 5, piece: 50_000 })
  const node = await face({ find: () => artifact(body) })
  const connection = await raw(node.origin)
  connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  await connection.until((received) => received.includes('aaaa'))
  connection.send('CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n')
  expect((await connection.rest()).split('HTTP/1.1 ')).toHaveLength(2)
})

test('a client that resets a refused tunnel harms nobody', async () => {
  const node = await face()
  for (let i = 0; i < 20; i++) {
    const tunnel = await raw(node.origin)
    tunnel.send('CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n')
    tunnel.leave('rst')
  }
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test('an upgrade is not taken up: the request is answered as it stands', async () => {
  const node = await face()
  const connection = await raw(node.origin)
  connection.send(`GET /m/fixed HTTP/1.1\r\nhost: ${node.host}\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n`)
  expect(parseHead(await connection.rest())).toMatchObject({ status: 200, rest: 'fixed' })
})

test('whoever speaks TLS to the plain port hears at once that it is none', async () => {
  const node = await face()
  const tls = connectTls({ host: '127.0.0.1', port: Number(new URL(node.origin).port), rejectUnauthorized: false })
  using({ close: () => tls.destroy() })
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => tls.once('error', resolve))
  expect(error.code).toMatch(/SSL|ECONNRESET/)
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test('what is no HTTP at all is answered 400 and left', async () => {
  const node = await face()
  for (const bytes of ['\0\0\0', 'SSH-2.0-OpenSSH_9.9\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01']) {
    const connection = await raw(node.origin)
    connection.send(Buffer.from(bytes, 'latin1'))
    connection.send('\r\n\r\n')
    expect(parseHead(await connection.rest()).status).toBe(400)
    expect(connection.left).toBeDefined()
  }
})

test('a header larger than any client sends is answered 431 and left', async () => {
  const node = await face()
  const connection = await raw(node.origin)
  connection.send(`GET /m/fixed HTTP/1.1\r\nhost: ${node.host}\r\nx-large: ${'a'.repeat(40_000)}\r\n\r\n`)
  expect(parseHead(await connection.rest()).status).toBe(431)
})

test('a port on which another program listens stays theirs', async () => {
  const other = createServer()
  using({ close: () => new Promise((resolve) => other.close(resolve)) })
  other.listen(0, '127.0.0.1')
  await firstOf(other, 'listening')
  const { port } = other.address() as { port: number }
  await expect(listener().open({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
})
