import { expect, test } from 'vitest'
import { registryOrigins } from '../../node/registry-origin.ts'

test.for([
  ['ghcr.io', ['https://ghcr.io']],
  ['GHCR.io', ['https://ghcr.io']],
  ['registry.example.test:5000', ['https://registry.example.test:5000']],
  ['https://registry.example.test/v2/', ['https://registry.example.test']],
  ['http://registry.example.test', ['http://registry.example.test']],
  ['docker.io', ['https://registry-1.docker.io']],
  ['index.docker.io', ['https://registry-1.docker.io']],
  ['registry-1.docker.io', ['https://registry-1.docker.io']],
  ['https://index.docker.io/v1/', ['https://registry-1.docker.io']],
  ['localhost:5000', ['https://localhost:5000', 'http://localhost:5000']],
  ['127.0.0.1:5000', ['https://127.0.0.1:5000', 'http://127.0.0.1:5000']],
  ['[::1]:5000', ['https://[::1]:5000', 'http://[::1]:5000']],
  ['https://localhost:5000', ['https://localhost:5000']],
] as const)('%s stands for %s', ([name, origins]) => {
  expect(registryOrigins(name)).toEqual(origins)
})

test.for([
  '',
  'ghcr.io/org',
  'https://ghcr.io/v2/org',
  'ann@ghcr.io',
  'https://ann:secret@ghcr.io',
  'ghcr.io?x',
  'ghcr.io#x',
  'ghcr io',
  'ghcr.io\\x',
  'ghcr.io:99999',
])('%j stands for no registry', (name) => {
  expect(registryOrigins(name)).toEqual([])
})
