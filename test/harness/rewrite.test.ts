import { expect, test } from 'vitest'
import { isText, rewriteOrigins } from './rewrite.ts'

const FROM = ['https://registry.example.test']
const TO = 'http://127.0.0.1:4873'

function rewritten(text: string): string {
  return rewriteOrigins(Buffer.from(text), FROM, TO).toString()
}

test('an origin is replaced wherever it stands, with either scheme and with escaped slashes', () => {
  expect(rewritten('{"tarball":"https://registry.example.test/a/-/a-1.tgz"}')).toBe(
    '{"tarball":"http://127.0.0.1:4873/a/-/a-1.tgz"}',
  )
  expect(rewritten('"http://registry.example.test/a"')).toBe('"http://127.0.0.1:4873/a"')
  expect(rewritten('"https:\\/\\/registry.example.test\\/a"')).toBe('"http:\\/\\/127.0.0.1:4873\\/a"')
  expect(rewritten('"https://registry.example.test"')).toBe('"http://127.0.0.1:4873"')
})

test('longer hosts, other ports and bare names are left alone', () => {
  for (const text of [
    'https://registry.example.test.evil.test/',
    'https://registry.example.test:444/',
    'https://registry.example.tests/',
    'https://old.registry.example.test/',
    'registry.example.test',
  ]) {
    expect(rewritten(text)).toBe(text)
  }
})

test('every other byte stays, whatever the encoding', () => {
  const bytes = Buffer.concat([
    Buffer.from('é 😀 '),
    Buffer.of(0xff, 0xfe, 0x00),
    Buffer.from('https://registry.example.test/x'),
  ])
  const expected = Buffer.concat([bytes.subarray(0, -31), Buffer.from(`${TO}/x`)])
  expect(rewriteOrigins(bytes, FROM, TO).equals(expected)).toBe(true)
})

test('bytes that name no origin are given back as they are', () => {
  const bytes = Buffer.from('nothing to see')
  expect(rewriteOrigins(bytes, FROM, TO)).toBe(bytes)
})

test('documents are text, artifacts are not', () => {
  for (const type of [
    'application/json',
    'application/json; charset=utf-8',
    'application/vnd.npm.install-v1+json',
    'text/html',
  ]) {
    expect(isText(type)).toBe(true)
  }
  for (const type of ['application/octet-stream', 'application/gzip', 'application/jsonish', undefined])
    expect(isText(type)).toBe(false)
})
