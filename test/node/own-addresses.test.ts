import { describe, expect, test } from 'vitest'
import { type Interfaces, interfaceHosts, ownAddresses } from '../../node/own-addresses.ts'
import { toHostPort } from '../../node/tcp-address.ts'

const interfaces: Interfaces = {
  lo: [
    { address: '127.0.0.1', internal: true },
    { address: '::1', internal: true },
  ],
  eth0: [
    { address: '2001:db8::5', internal: false },
    { address: '10.0.0.5', internal: false },
    { address: 'fe80::5', internal: false },
    { address: 'fe80::6%eth0', internal: false },
  ],
  eth1: [
    { address: '192.168.7.5', internal: false },
    { address: '169.254.3.4', internal: false },
    { address: '10.0.0.5', internal: false },
  ],
}

function own(host: string, announce: readonly string[] = [], at = interfaces, port = 7471): string[] {
  return ownAddresses({ listen: { host, port }, announce, interfaces: at }).map(toHostPort)
}

describe('where a node tells others that it is', () => {
  test.for([
    ['0.0.0.0', [], ['10.0.0.5:7471', '192.168.7.5:7471']],
    ['::', [], ['10.0.0.5:7471', '192.168.7.5:7471', '[2001:db8::5]:7471']],
    ['10.0.0.5', [], ['10.0.0.5:7471']],
    ['2001:db8::5', [], ['[2001:db8::5]:7471']],
    ['127.0.0.1', [], ['127.0.0.1:7471']],
    ['::1', [], ['[::1]:7471']],
    ['0.0.0.0', ['build1.example.test', '203.0.113.7'], ['build1.example.test:7471', '203.0.113.7:7471']],
    ['10.0.0.5', ['2001:db8::9'], ['[2001:db8::9]:7471']],
  ] as const)('listening on %s and told to say %j: %j', ([host, announce, told]) => {
    expect(own(host, announce)).toEqual(told)
  })

  test('is loopback on a machine without a network, and nowhere without any interface', () => {
    const { lo } = interfaces
    expect(own('0.0.0.0', [], { lo })).toEqual(['127.0.0.1:7471'])
    expect(own('::', [], { lo })).toEqual(['127.0.0.1:7471', '[::1]:7471'])
    expect(own('0.0.0.0', [], { lo, eth1: [{ address: '169.254.3.4', internal: false }] })).toEqual(['127.0.0.1:7471'])
    expect(own('0.0.0.0', [], {})).toEqual([])
  })

  test('is nowhere while its port is another one each time', () => {
    expect(own('0.0.0.0', ['build1.example.test'], interfaces, 0)).toEqual([])
    expect(own('10.0.0.5', [], interfaces, 0)).toEqual([])
  })
})

test('addresses of interfaces are compared without the names of those', () => {
  const eth0 = [{ address: 'fe80::6%eth0', internal: false }]
  expect(interfaceHosts({ eth0, gone: undefined })).toEqual([{ host: 'fe80::6', internal: false }])
})
