import { expect, test } from 'vitest'
import { chosen, downloadUrl, indexPath, parseIndex } from '../../../../admin/cli/get/cargo.ts'

test.for<[string, string]>([
  ['a', '1/a'],
  ['ab', '2/ab'],
  ['Abc', '3/a/abc'],
  ['MyCrate', 'my/cr/mycrate'],
])('the index file of %s', ([name, path]) => {
  expect(indexPath(name)).toBe(path)
})

const CRATE = { name: 'MyCrate', vers: '1.0.0+build.1', cksum: 'ab'.repeat(32) }

test.for<[string, string]>([
  ['http://n.test/dl', 'http://n.test/dl/MyCrate/1.0.0+build.1/download'],
  ['http://n.test/{crate}/{version}/{sha256-checksum}.crate', `http://n.test/MyCrate/1.0.0+build.1/${'ab'.repeat(32)}.crate`],
  ['http://n.test/{prefix}/{lowerprefix}/{crate}', 'http://n.test/My/Cr/my/cr/MyCrate'],
])('%s leads to %s', ([dl, url]) => {
  expect(downloadUrl(dl, CRATE)).toBe(url)
})

test('of short names the prefix is as in the index', () => {
  expect(downloadUrl('/{prefix}', { ...CRATE, name: 'a' })).toBe('/1')
  expect(downloadUrl('/{prefix}', { ...CRATE, name: 'Abc' })).toBe('/3/A')
})

const line = (vers: string, more: object = {}) => JSON.stringify({ name: 'MyCrate', vers, cksum: 'ab'.repeat(32), ...more })
const index = (...lines: string[]) => parseIndex(Buffer.from(lines.map((one) => `${one}\n`).join('')))
const wanted = { type: 'cargo', name: 'MyCrate', text: 'pkg:cargo/MyCrate' } as const

test('lines that cargo passes over are passed over', () => {
  const odd = ['', ' \r', 'not json', '[]', 'null', '{"v":9}', line('2.0.0', { cksum: 1 })]
  expect(index(...odd, line('1.0.0', { yanked: null }), '{"cut').map(({ vers }) => vers)).toEqual(['1.0.0'])
})

test('of a version that is there twice the last line counts, or the one with the checksum of the lockfile', () => {
  const lines = index(line('1.0.0', { cksum: 'cd'.repeat(32) }), line('1.0.0'))
  expect(chosen({ ...wanted, version: '1.0.0' }, lines).cksum).toBe('ab'.repeat(32))
  expect(chosen(wanted, lines).cksum).toBe('ab'.repeat(32))
  const checksum = 'cd'.repeat(32)
  expect(chosen({ ...wanted, version: '1.0.0', checksum }, lines).cksum).toBe(checksum)
  expect(() => chosen({ ...wanted, version: '1.0.0', checksum: 'ef'.repeat(32) }, lines)).toThrow(
    /index has the digest sha256:abab/,
  )
})
