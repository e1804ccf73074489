import { expect, test } from 'vitest'
import { mirrorAddress } from '../../../../admin/cli/images/mirror-address.ts'

test.for([
  ['http://127.0.0.1:7470', ['http://127.0.0.1:7470'], 'http://127.0.0.1:7470'],
  ['http://127.0.0.1:7473', ['http://10.0.0.2:7470'], 'http://10.0.0.2:7470'],
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
