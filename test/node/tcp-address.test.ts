import { expect, test } from 'vitest'
import {
  isHost,
  isLinkLocal,
  isLoopback,
  isPlainIPv6,
  isWildcard,
  parseTcpAddress,
  toHostPort,
} from '../../node/tcp-address.ts'

test.for([
  ['127.0.0.1:7470', { host: '127.0.0.1', port: 7470 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost:65535', { host: 'localhost', port: 65_535 }],
  ['cache.example.test:80', { host: 'cache.example.test', port: 80 }],
  ['warren_seed_1:7471', { host: 'warren_seed_1', port: 7471 }],
] as const)('%s is read, and written again as it was', ([text, address]) => {
  expect(parseTcpAddress(text)).toEqual(address)
  expect(toHostPort(address)).toBe(text)
})

test('an IPv4 address may be in brackets: what fills it in knows no family', () => {
  expect(parseTcpAddress('[192.0.2.7]:7470')).toEqual({ host: '192.0.2.7', port: 7470 })
})

test.for([
  '',
  '7470',
  ':7470',
  '127.0.0.1',
  '127.0.0.1:65536',
  '10.0.0.256:80',
  '::1:7470',
  '[::1]',
  '[127.0.0]:80',
  '[a]:80',
  '[fe80::1%eth0]:80',
  'a b:80',
  'a/b:80',
  'a:80:80',
  'a..b:80',
  '-x:80',
  'x-:80',
  '1.2.3:80',
  '1.2.3.4.5:80',
  'http://x:80',
  'x:-1',
  'x:80\n',
  'unix:/run/warren.sock',
])('%j is no address', (text) => {
  expect(parseTcpAddress(text)).toBeUndefined()
})

test.for([
  ['10.0.0.1', true],
  ['::1', true],
  ['a', true],
  ['A.example.test', true],
  ['warren_seed_1', true],
  ['_a.b_', true],
  ['1a', true],
  ['', false],
  ['a.', false],
  ['-a', false],
  ['a-', false],
  ['ä.example.test', false],
  ['10.0.0.256', false],
  ['1.2.3', false],
  ['x'.repeat(63), true],
  ['x'.repeat(64), false],
  [`${'x.'.repeat(126)}x`, true],
  [`${'x.'.repeat(127)}x`, false],
] as const)('%j is a host: %s', ([text, is]) => {
  expect(isHost(text)).toBe(is)
})

test.for([
  ['127.0.0.1:1', true, false, false],
  ['127.8.8.8:1', true, false, false],
  ['[::1]:1', true, false, false],
  ['localhost:1', true, false, false],
  ['0.0.0.0:1', false, true, false],
  ['[::]:1', false, true, false],
  ['[0:0:0:0:0:0:0:0]:1', false, true, false],
  ['169.254.7.7:1', false, false, true],
  ['[fe80::9]:1', false, false, true],
  ['[febf::1]:1', false, false, true],
  ['[fec0::1]:1', false, false, false],
  ['10.0.0.1:1', false, false, false],
  ['cache.example.test:1', false, false, false],
] as const)('%s: loopback %s, all addresses %s, link-local %s', ([text, loopback, wildcard, linkLocal]) => {
  const address = parseTcpAddress(text) ?? { host: 'not read' }
  expect([isLoopback(address), isWildcard(address), isLinkLocal(address)]).toEqual([loopback, wildcard, linkLocal])
})

test('an IPv6 address that names an interface is none for anybody else', () => {
  expect(['::1', 'fe80::1%eth0', '10.0.0.1'].map(isPlainIPv6)).toEqual([true, false, false])
})
