import type { LookupAddress } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { AddressGuard, PublicBase } from '../../../node/upstream/address-guard.ts'
import type { Reach } from '../../../node/upstream/reach.ts'
import { failure } from './fixture.ts'
import { fakeLookup } from './lookups.ts'

const PUBLIC = new URL('https://registry.example.test/')

const lookup = fakeLookup({
  'registry.example.test': '93.184.216.34',
  'intranet.example.test': '10.0.0.5',
  'machine.example.test': ['::1', '127.0.0.1'],
  'mixed.example.test': ['10.0.0.1', '93.184.216.34', '127.0.0.1'],
  'rebound.example.test': '127.0.0.1',
  'metadata.example.test': '169.254.169.254',
})

describe('the limit of a request', () => {
  const guard = new AddressGuard({ lookup })

  it.each([
    ['another spelling of loopback', 'http://127.1/'],
    ['octal', 'http://0177.0.0.1/'],
    ['hex', 'http://0x7f000001/'],
    ['one number', 'http://2130706433/'],
    ['full-width digits', 'http://１２７.0.0.1/'],
    ['escaped dots', 'http://127%2e0%2e0%2e1/'],
    ['a final dot', 'http://127.0.0.1./'],
    ['IPv6', 'http://[::1]/'],
    ['mapped', 'http://[::ffff:127.0.0.1]/'],
    ['zeroes', 'http://0/'],
    ['private', 'http://192.168.0.1/'],
    ['metadata', 'http://169.254.169.254/latest/meta-data/'],
    ['metadata as a number', 'http://2852039166/'],
    ['the name of loopback', 'http://localhost/'],
    ['a name below it', 'http://anything.localhost./'],
  ])('refuses %s for a public upstream', async (_what, url) => {
    const error = await failure(guard.limit(new URL(url), PUBLIC, false))
    expect(error.code).toBe('UPSTREAM_REFUSED')
    expect((await failure(guard.limit(new URL(url), PUBLIC, true))).code).toBe('UPSTREAM_REFUSED')
  })

  it.each([
    ['https://registry.example.test/', 'public'],
    ['https://10.0.0.9/', 'private'],
    ['https://intranet.example.test/', 'private'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://machine.example.test/', 'loopback'],
    ['https://localhost/', 'loopback'],
    ['https://unknown.example.test/', 'public'],
    ['https://169.254.169.254/', 'forbidden'],
  ] satisfies [string, Reach][])('is, for names that %s leads to, %s', async (base, limit) => {
    expect(await guard.limit(new URL('https://files.example.test/'), new URL(base), false)).toBe(limit)
  })

  it('does not exist for the origin of the base itself', async () => {
    expect(await guard.limit(new URL('http://169.254.1.1:81/x'), new URL('http://169.254.1.1:81/base/'), false)).toBeUndefined()
  })

  it('lets a private upstream lead to private hosts, not to this machine and never to metadata', async () => {
    const base = new URL('http://intranet.example.test/')
    expect(await guard.limit(new URL('http://10.9.9.9/'), base, false)).toBe('private')
    for (const url of ['http://127.0.0.1/', 'http://169.254.169.254/']) {
      expect((await failure(guard.limit(new URL(url), base, false))).code).toBe('UPSTREAM_REFUSED')
    }
  })

  it('is public for an upstream that a client named, for its own origin too', async () => {
    const named = new PublicBase('https://intranet.example.test/')
    for (const url of ['https://intranet.example.test/v2/', 'https://files.example.test/']) {
      expect(await guard.limit(new URL(url), named, false)).toBe('public')
    }
    // A proxy is no way around it.
    expect(await guard.limit(new URL('https://registry.example.test/'), named, true)).toBe('public')
    const proxied = guard.limit(new URL('https://intranet.example.test/'), named, true)
    expect((await failure(proxied)).code).toBe('UPSTREAM_REFUSED')
    const address = new PublicBase('http://10.0.0.9/')
    expect((await failure(guard.limit(new URL('http://10.0.0.9/v2/'), address, false))).code).toBe('UPSTREAM_REFUSED')
  })

  it('asks for no address when a proxy does, and once for many requests', async () => {
    const own = fakeLookup({ 'registry.example.test': '93.184.216.34' })
    const counted = new AddressGuard({ lookup: own })
    await counted.limit(new URL('https://files.example.test/'), PUBLIC, true)
    expect(own.asked).toEqual([])
    for (let i = 0; i < 3; i++) await counted.limit(new URL('https://files.example.test/'), PUBLIC, false)
    expect(own.asked).toEqual(['registry.example.test'])
  })
})

describe('the guarded look-up', () => {
  const guard = new AddressGuard({ lookup })

  function resolve(name: string, limit: Reach | undefined, all: boolean): Promise<string | LookupAddress[]> {
    return new Promise((done, reject) => {
      guard.lookup(limit)(name, { all }, (error, found) => (error ? reject(error) : done(found)))
    })
  }

  it('yields only what the limit allows', async () => {
    expect(await resolve('mixed.example.test', 'public', true)).toEqual([{ address: '93.184.216.34', family: 4 }])
    expect(await resolve('mixed.example.test', 'public', false)).toBe('93.184.216.34')
    expect(await resolve('mixed.example.test', 'private', true)).toHaveLength(2)
    expect(await resolve('mixed.example.test', 'loopback', true)).toHaveLength(3)
    expect(await resolve('metadata.example.test', undefined, false)).toBe('169.254.169.254')
  })

  it.each([
    ['rebound.example.test', 'public'],
    ['rebound.example.test', 'private'],
    ['intranet.example.test', 'public'],
    ['metadata.example.test', 'loopback'],
  ] as const)('fails for %s where only %s addresses are allowed', async (name, limit) => {
    await expect(resolve(name, limit, true)).rejects.toThrow(/only (?:loopback|private|forbidden) addresses/)
  })

  it('passes on that a name does not exist', async () => {
    await expect(resolve('unknown.example.test', 'public', true)).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})
