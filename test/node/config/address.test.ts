import { expect, test } from 'vitest'
import { formatAddress, parseAddress, parseNetwork } from '../../../node/config/address.ts'

test.for([
  ['127.0.0.1:7470', { host: '127.0.0.1', port: 7470 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['unix:/run/warren/admin.sock', { socket: '/run/warren/admin.sock' }],
] as const)('%s is read, and written again as it was', ([text, address]) => {
  expect(parseAddress(text)).toEqual(address)
  expect(formatAddress(address)).toBe(text)
})

test.for(['', '127.0.0.1', 'unix:relative', `unix:/${'x'.repeat(108)}`, 'unix:/a\0b'])('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined()
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
