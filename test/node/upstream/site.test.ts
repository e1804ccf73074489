import { expect, test } from 'vitest'
import { isSameSite } from '../../../node/upstream/site.ts'

function same(one: string, other: string): boolean {
  const [a, b] = [new URL(`https://${one}`), new URL(`https://${other}`)]
  expect(isSameSite(b, a)).toBe(isSameSite(a, b))
  return isSameSite(a, b)
}

test.for([
  ['ghcr.io', 'ghcr.io'],
  ['registry-1.docker.io', 'auth.docker.io'],
  ['registry.example.test', 'example.test'],
  ['example.test', 'auth.eu.example.test'],
  ['Registry.Example.test', 'auth.example.test'],
  ['registry.example.test.', 'auth.example.test'],
  ['registry.example.test:5000', 'registry.example.test'],
  ['registry.example.co.uk', 'auth.example.co.uk'],
  ['127.0.0.1:5000', '127.0.0.1:5001'],
  ['0x7f.1:5000', '127.0.0.1:5001'],
  ['[::1]:5000', '[0:0::1]:5001'],
  ['localhost:5000', 'localhost:5001'],
] as const)('%s and %s are of one site', ([one, other]) => {
  expect(same(one, other)).toBe(true)
})

test.for([
  ['registry.example.test', 'registry.example-test.test'],
  ['registry.example.test', 'registry.example.test.evil.test'],
  ['example.test', 'badexample.test'],
  ['example.co.uk', 'evil.co.uk'],
  ['example.com.au', 'evil.com.au'],
  ['corp.azurecr.io', 'evil.azurecr.io'],
  ['corp.azurecr.io', 'azurecr.io'],
  ['corp.github.io', 'evil.github.io'],
  ['127.0.0.1', '127.0.0.2'],
  ['10.0.0.1', '11.0.0.1'],
  ['[::1]', '[::2]'],
  ['localhost', '127.0.0.1'],
  ['registry', 'auth'],
  ['registry.corp', 'auth.corp'],
] as const)('%s and %s are not', ([one, other]) => {
  expect(same(one, other)).toBe(false)
})
