import { describe, expect, it } from 'vitest'
import { entitlement, reaches, reachOf } from '../../../node/upstream/reach.ts'

describe('how far an address reaches', () => {
  it.each(['8.8.8.8', '93.184.216.34', '2606:4700::1111', '64:ff9b::8.8.8.8', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(reachOf(address)).toBe('public')
  })

  it.each([
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '198.18.0.1',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    'fd12:3456::1',
    'fec0::1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
  ])('%s is private', (address) => {
    expect(reachOf(address)).toBe('private')
  })

  it.each(['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::127.0.0.1'])(
    '%s is loopback',
    (address) => {
      expect(reachOf(address)).toBe('loopback')
    },
  )

  it.each([
    ['link-local', '169.254.1.1'],
    ['the metadata service of most clouds', '169.254.169.254'],
    ['the same, mapped', '::ffff:169.254.169.254'],
    ['the same, translated', '64:ff9b::a9fe:a9fe'],
    ['a metadata service in the range of carriers', '100.100.100.200'],
    ['a metadata service with a public address', '168.63.129.16'],
    ['a metadata service over IPv6', 'fd00:ec2::254'],
    ['link-local over IPv6', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['no address at all', '0.0.0.0'],
    ['«this network»', '0.1.2.3'],
    ['unspecified over IPv6', '::'],
    ['IPv4-compatible', '::7f00:1'],
    ['SIIT', '::ffff:0:7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001::1'],
    ['local-use NAT64', '64:ff9b:1::7f00:1'],
    ['multicast', '224.0.0.1'],
    ['multicast over IPv6', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['documentation over IPv6', '2001:db8::1'],
    ['outside of global unicast', '4000::1'],
    ['not an address', 'localhost'],
    ['empty', ''],
  ])('%s is forbidden: %s', (_what, address) => {
    expect(reachOf(address)).toBe('forbidden')
  })

  it('lets a host be as private as the limit, not more', () => {
    const limits = ['public', 'private', 'loopback'] as const
    const allowed = limits.map((limit) => limits.filter((reach) => reaches(reach, limit)))
    expect(allowed).toEqual([['public'], ['public', 'private'], ['public', 'private', 'loopback']])
    expect(limits.some((limit) => reaches('forbidden', limit))).toBe(false)
  })

  it('goes by the most public address of a host, and none that is forbidden', () => {
    expect(entitlement(['public', 'private'])).toBe('public')
    expect(entitlement(['loopback', 'private'])).toBe('private')
    expect(entitlement(['loopback', 'loopback'])).toBe('loopback')
    expect(entitlement(['forbidden', 'private'])).toBe('private')
    expect(entitlement(['forbidden'])).toBe('public')
    expect(entitlement([])).toBe('public')
  })
})
