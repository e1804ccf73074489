import { expect, test } from 'vitest'
import { downloadUrl, indexPath } from '../../../../admin/cli/get/cargo.ts'

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
