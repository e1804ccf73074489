import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { mirrorSchema } from '../../../../admin/api/status-schema.ts'
import { mirrorAddress } from '../../../../admin/cli/images/mirror-address.ts'

test.for([
  ['http://127.0.0.1:7470', ['http://127.0.0.1:7470'], 'http://127.0.0.1:7470'],
  ['unix:/run/warren.sock', ['http://10.0.0.2:7470'], 'http://10.0.0.2:7470'],
  ['http://[::1]:7473', ['http://[::]:7470', 'http://127.0.0.1:1'], 'http://[::1]:7470'],
  ['unix:/run/warren.sock', ['http://0.0.0.0:7470'], 'http://127.0.0.1:7470'],
  ['http://build2:7473', ['http://0.0.0.0:7470'], 'http://build2:7470'],
  ['http://[2001:db8::2]:7473', ['http://127.0.0.1:7470', 'http://[::]:7471'], 'http://[2001:db8::2]:7471'],
  ['http://10.0.0.2:7473', ['http://127.0.0.1:7470', 'http://10.0.0.3:7470', 'http://10.0.0.2:7470'], 'http://10.0.0.2:7470'],
  ['http://build2:7473', ['http://127.0.0.1:7470', 'http://10.0.0.2:7470'], 'http://10.0.0.2:7470'],
] as const)('the node at %s with mirrors at %j is asked at %s', ([admin, listen, base]) => {
  expect(mirrorAddress(listen, admin)).toBe(base)
})

test('the loopback address of another machine is not taken for that of this one', () => {
  expect(() => mirrorAddress(['http://127.0.0.1:7470'], 'http://build2:7473')).toThrow(
    'the node at http://build2:7473 has mirrors for its own machine only (http://127.0.0.1:7470); run the command there',
  )
})

test('a node without mirrors is named', () => {
  expect(() => mirrorAddress([], 'unix:/x')).toThrow('the node at unix:/x has no mirrors')
})

test('what answers at a port of this machine leads nobody to another one', () => {
  const admin = 'http://127.0.0.1:7470'
  expect(() => mirrorAddress(['http://elsewhere.test:7470'], admin)).toThrow('no address of this machine')
  for (const addresses of Object.values(networkInterfaces()))
    for (const { address } of addresses?.filter(({ family }) => family === 'IPv4') ?? [])
      expect(mirrorAddress([`http://${address}:7480`], admin)).toBe(`http://${address}:7480`)
})

test('places of mirrors that would be something else in a URL, or in the name of a file, are none', () => {
  const mirror = { name: 'a', protocol: 'npm', path: '/a/', upstreams: [], registry: 'localhost:5000' }
  expect(mirrorSchema.safeParse(mirror).success).toBe(true)
  for (const path of ['@elsewhere.test/', '.elsewhere.test/', '//elsewhere.test/', '/a/\nb=c/', '/a'])
    expect(mirrorSchema.safeParse({ ...mirror, path }).success).toBe(false)
  for (const registry of ['..', '../../etc', 'a/b', 'a\nb', ''])
    expect(mirrorSchema.safeParse({ ...mirror, registry }).success).toBe(false)
})
