import { describe, expect, test } from 'vitest'
import { downloadUrl } from '../../../protocols/cargo/download.ts'

const SHA = '0ac2'.repeat(16)
const ARCHIVE = { name: 'MyCrate', version: '1.0.0+build.1', sha256: SHA }
const HOST = 'https://files.example.test'

describe('a download URL', () => {
  // Markers and the path without them: The Cargo Book, «Index Configuration».
  test.each([
    [`${HOST}/api/v1/crates`, `${HOST}/api/v1/crates/MyCrate/1.0.0+build.1/download`],
    [`${HOST}/{crate}/{version}/download`, `${HOST}/MyCrate/1.0.0+build.1/download`],
    [`${HOST}/{crate}/{crate}-{version}.crate`, `${HOST}/MyCrate/MyCrate-1.0.0+build.1.crate`],
    [`${HOST}/{prefix}/{crate}/{version}`, `${HOST}/My/Cr/MyCrate/1.0.0+build.1`],
    [`${HOST}/{lowerprefix}/{crate}/{version}`, `${HOST}/my/cr/MyCrate/1.0.0+build.1`],
    [`${HOST}/by-hash/{sha256-checksum}`, `${HOST}/by-hash/${SHA}`],
    [`${HOST}/{crate}/{unknown}`, `${HOST}/MyCrate/%7Bunknown%7D`],
    [`${HOST}/dl?crate={crate}&v={version}`, `${HOST}/dl?crate=MyCrate&v=1.0.0+build.1`],
  ])('by %s', (dl, url) => {
    expect(downloadUrl(dl, ARCHIVE)).toBe(url)
  })

  test.each([
    ['a', '1', '1'],
    ['Ab', '2', '2'],
    ['Abc', '3/A', '3/a'],
    ['ABcd', 'AB/cd', 'ab/cd'],
  ])('has the prefixes of %s', (name, prefix, lower) => {
    const made = downloadUrl(`${HOST}/{prefix}/-/{lowerprefix}`, { ...ARCHIVE, name })
    expect(made).toBe(`${HOST}/${prefix}/-/${lower}`)
  })

  test.each(['', 'files', '/crates', 'ftp://files.example.test', 'file:///etc/{crate}', 'javascript:{crate}'])(
    'is not made of «%s»',
    (dl) => {
      expect(() => downloadUrl(dl, ARCHIVE)).toThrow(/«dl» has to lead to http or https/)
    },
  )
})
