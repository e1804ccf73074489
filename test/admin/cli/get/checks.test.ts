import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { byDigests, byGoMod, type MakeCheck, parseIntegrity } from '../../../../admin/cli/get/checks.ts'

const bytes = Buffer.from('module ex.test/a\n')

function sri(algorithm: string, content: Buffer = bytes): string {
  return `${algorithm}-${createHash(algorithm).update(content).digest('base64')}`
}

async function verdict(make: MakeCheck | undefined): Promise<string | undefined> {
  const check = make?.begin()
  check?.update(bytes.subarray(0, 5))
  check?.update(bytes.subarray(5))
  return check?.verdict()
}

test('the strongest algorithm counts, and any one of its digests', async () => {
  const other = sri('sha512', Buffer.from('other'))
  const good = byDigests(parseIntegrity(`${sri('sha1', Buffer.from('no'))} ${other} ${sri('sha512')}?option`))
  expect([good?.begin().by, await verdict(good)]).toEqual(['sha512', undefined])
  const bad = byDigests(parseIntegrity(`${sri('sha1')} ${other}`))
  expect(await verdict(bad)).toMatch(/^its digest is sha512:\w{128} instead of sha512:\w{128}$/)
})

test('what cannot be read is passed over, and nothing is no check', () => {
  expect(parseIntegrity(`sha512-short sha3-abc= ${sri('md5')} x`)).toMatchObject([{ algorithm: 'md5' }])
  expect(byDigests([])).toBeUndefined()
  expect(byDigests(undefined)).toBeUndefined()
})

test('the hash of a go.mod is that of go.sum', async () => {
  // «Hash1» of dirhash: what `sha256sum go.mod | sha256sum` gives, as base64.
  const line = `${createHash('sha256').update(bytes).digest('hex')}  go.mod\n`
  const h1 = `h1:${createHash('sha256').update(line).digest('base64')}`
  expect(await verdict(byGoMod(h1))).toBeUndefined()
  const other = `h1:${Buffer.alloc(32).toString('base64')}`
  expect(await verdict(byGoMod(other))).toBe(`its hash is ${h1} instead of ${other}`)
})
