import { expect, test } from 'vitest'
import {
  formatAddress,
  isLoopback,
  isWildcard,
  parseAddress,
  parseNetwork,
  parseTcpAddress,
} from '../../../node/config/address.ts'

test.for([
  ['127.0.0.1:7470', { host: '127.0.0.1', port: 7470 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ['cache.example.test:80', { host: 'cache.example.test', port: 80 }],
  ['unix:/run/warren/admin.sock', { socket: '/run/warren/admin.sock' }],
] as const)('%s is read, and written again as it was', ([text, address]) => {
  expect(parseAddress(text)).toEqual(address)
  expect(formatAddress(address)).toBe(text)
})

test.for([
  '',
  '7470',
  ':7470',
  '127.0.0.1',
  '127.0.0.1:65536',
  '::1:7470',
  '[::1]',
  '[127.0.0.1]:80',
  '[fe80::1%eth0]:80',
  'a b:80',
  '-x:80',
  '1.2.3:80',
  '1.2.3.4.5:80',
  'http://x:80',
  'x:-1',
  'unix:relative',
  `unix:/${'x'.repeat(108)}`,
  'unix:/a\0b',
])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})

test('mirrors listen on no Unix socket', () => {
  expect(parseTcpAddress('unix:/run/warren.sock')).toBeUndefined()
})

test.for([
  ['127.0.0.1:1', true, false],
  ['127.8.8.8:1', true, false],
  ['[::1]:1', true, false],
  ['localhost:1', true, false],
  ['0.0.0.0:1', false, true],
  ['[::]:1', false, true],
  ['[0:0:0:0:0:0:0:0]:1', false, true],
  ['10.0.0.1:1', false, false],
  ['cache.example.test:1', false, false],
] as const)('%s: loopback %s, all addresses %s', ([text, loopback, wildcard]) => {
  const address = parseTcpAddress(text) ?? { host: 'not read', port: 0 }
  expect([isLoopback(address), isWildcard(address)]).toEqual([loopback, wildcard])
})

test.for([
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['192.0.2.7', '192.0.2.7/32'],
  ['2001:db8::/32', '2001:db8::/32'],
  ['::1', '::1/128'],
] as const)('%s is the network %s', ([text, network]) => {
  expect(parseNetwork(text)).toBe(network)
})

test.for([
  '',
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0/8',
  '10.0.0.0/8/8',
  '::1/129',
  'fe80::1%eth0',
  '010.0.0.1',
  'proxy.example.test',
  '10.0.0.0/-1',
])('%j is no network', (text) => {
  expect(parseNetwork(text)).toBeUndefined()
})
