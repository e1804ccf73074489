import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { HostAllowList } from '../../../node/http/hosts.ts'
import { rawExchange } from '../../harness/raw.ts'
import { client, face, parseHead, raw } from './fixture.ts'

const list = new HostAllowList({ hosts: ['Mirror.Example.Test', '192.0.2.7', '2001:DB8::1'], listen: ['10.1.2.3', '::1'] })

test.each([
  'localhost',
  'LOCALHOST',
  'localhost.',
  'localhost:7470',
  'localhost:',
  '127.0.0.1',
  '127.0.0.1:1',
  '127.255.3.4:65535',
  '[::1]',
  '[::1]:7470',
  '[0:0:0:0:0:0:0:1]:7470',
  '[::ffff:127.0.0.1]',
  'host.docker.internal:7470',
  'host.containers.internal',
  'mirror.example.test:8443',
  'MIRROR.example.test.',
  '192.0.2.7:7470',
  '[2001:db8:0::1]',
  '10.1.2.3',
  hostname(),
])('%s is a name of this node', (host) => {
  expect(list.allows(host)).toBe(true)
})

test.each([
  '',
  ' ',
  'evil.example.test',
  'localhost.evil.example.test',
  'evillocalhost',
  'localhost..',
  'localhost:70000',
  'localhost:0',
  'localhost:7470:7470',
  'localhost:x',
  'user@localhost',
  'localhost/x',
  'localhost,evil.example.test',
  'localhost evil.example.test',
  'localhost"',
  "localhost'",
  'localhost\\',
  'localhost\r\nx: y',
  '127.1',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '2130706433',
  '127.0.0.1.example.test',
  '::1',
  '[127.0.0.1]',
  '[::1%25lo]',
  '[::1',
  '::1]',
  '[]',
  '0.0.0.0',
  '[::]',
  '10.1.2.4',
  'l\u00f6calhost',
  `${'a'.repeat(300)}.localhost`,
])('%j is not', (host) => {
  expect(list.allows(host)).toBe(false)
})

test('a flood of made-up names changes no verdict', () => {
  const hosts = new HostAllowList({ hosts: [], listen: ['127.0.0.1'] })
  for (let i = 0; i < 5_000; i++) expect(hosts.allows(`n${i}.example.test`)).toBe(false)
  expect(hosts.allows('localhost')).toBe(true)
  expect(hosts.allows('n4999.example.test')).toBe(false)
})

test('whoever listens on all addresses is known by each of them, not by the wildcard', () => {
  const hosts = new HostAllowList({ hosts: [], listen: ['0.0.0.0'] })
  expect(hosts.allows('0.0.0.0:7470')).toBe(false)
  expect(hosts.allows('127.0.0.1:7470')).toBe(true)
})

test('a foreign name is refused with 421, in plain words that say what to do', async () => {
  const node = await face()
  const reply = await client().get(`${node.origin}/other`, { headers: { host: 'evil.example.test' } })
  expect(reply.status).toBe(421)
  expect(reply.headers['x-warren-error']).toBe('FOREIGN_HOST')
  expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8')
  expect(reply.body.toString()).toBe(
    'this node is not known as «evil.example.test»: use localhost, or add the name to «hosts:» in its configuration\n',
  )
})

test('a foreign name is refused before the mirror is asked, in the form of its ecosystem', async () => {
  const node = await face({ find: () => Promise.reject(new Error('nobody should ask')) })
  const reply = await client().get(node.url('a'), { headers: { host: 'evil.example.test' } })
  expect([reply.status, JSON.parse(reply.body.toString()).code]).toEqual([421, 'FOREIGN_HOST'])
})

test('HTTP/1.1 without a Host is a bad request; HTTP/1.0 may leave it out', async () => {
  const node = await face()
  expect(parseHead(await rawExchange(node.origin, 'GET /m/fixed HTTP/1.1\r\n\r\n')).status).toBe(400)
  expect(parseHead(await rawExchange(node.origin, 'GET /m/fixed HTTP/1.0\r\n\r\n')).status).toBe(200)
  expect(parseHead(await rawExchange(node.origin, 'GET /m/fixed HTTP/1.0\r\nhost: evil.example.test\r\n\r\n')).status).toBe(421)
})

test('two Host headers are one too many', async () => {
  const node = await face()
  const request = `GET /m/fixed HTTP/1.1\r\nhost: ${node.host}\r\nHOST: evil.example.test\r\nconnection: close\r\n\r\n`
  const { status, headers } = parseHead(await rawExchange(node.origin, request))
  expect([status, headers.get('x-warren-error')]).toEqual([400, 'BAD_REQUEST'])
})

test('the authority of an absolute target replaces Host', async () => {
  const node = await face()
  const ask = async (target: string, host: string) =>
    parseHead(await rawExchange(node.origin, `GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).status
  expect(await ask(`http://${node.host}/m/fixed`, 'evil.example.test')).toBe(200)
  expect(await ask('HTTP://LocalHost:7470/m/fixed?x=/', 'evil.example.test')).toBe(200)
  expect(await ask('http://evil.example.test/m/fixed', node.host)).toBe(421)
  expect(await ask('http://user@localhost/m/fixed', node.host)).toBe(421)
  expect(await ask('http:///m/fixed', node.host)).toBeGreaterThanOrEqual(400)
  expect(await ask(`https://${node.host}/m/fixed`, node.host)).toBe(404)
  expect(await ask(`http://${node.host}`, node.host)).toBe(404)
})

test('the health of a node is told under any name, and under an absolute target', async () => {
  const node = await face()
  const ask = async (target: string, host: string) =>
    parseHead(await rawExchange(node.origin, `GET ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`))
  expect((await ask('/healthz', '10.9.8.7')).rest).toBe('up\n')
  expect((await ask(`http://${node.host}/readyz`, 'x')).rest).toBe('ready\n')
})

test('targets that name nothing are refused, and the connection goes on', async () => {
  const node = await face()
  const connection = await raw(node.origin)
  connection.send(`OPTIONS * HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
  expect(parseHead(await connection.until((received) => received.includes('there are:'))).status).toBe(404)
  connection.send(`GET /m/fixed HTTP/1.1\r\nhost: ${node.host}\r\nconnection: close\r\n\r\n`)
  expect(await connection.rest()).toMatch(/\r\n\r\nfixed$/)
})

test('a page of another site may not use the node; its own pages may', async () => {
  const node = await face({ hosts: ['warren.example.test'], publicUrl: 'https://warren.example.test/cache' })
  const ask = async (origin: string, host = node.host) => {
    const reply = await client().get(node.url('fixed'), { headers: { origin, host } })
    return [reply.status, reply.headers['x-warren-error']]
  }
  expect(await ask('http://evil.example.test')).toEqual([403, 'FOREIGN_ORIGIN'])
  expect(await ask('null')).toEqual([403, 'FOREIGN_ORIGIN'])
  expect(await ask('')).toEqual([403, 'FOREIGN_ORIGIN'])
  expect(await ask('http://127.0.0.1:1')).toEqual([403, 'FOREIGN_ORIGIN'])
  expect(await ask(`ftp://${node.host}`)).toEqual([403, 'FOREIGN_ORIGIN'])
  expect(await ask(`http://${node.host}`)).toEqual([200, undefined])
  expect(await ask('https://warren.example.test')).toEqual([200, undefined])
  expect(await ask('https://warren.example.test', 'warren.example.test')).toEqual([200, undefined])
})
