import { describe, expect, it } from 'vitest'
import { aptFile, mayList, mayListPackages } from '../../../protocols/raw/apt-layout.ts'

const HEX = 'ab'.repeat(32)

describe('a path in an archive of Debian packages', () => {
  it.each([
    ['dists/bookworm/InRelease', '', 'bookworm', 'InRelease'],
    ['debian/dists/bookworm/Release', 'debian/', 'bookworm', 'Release'],
    ['dists/buster/updates/Release.gpg', '', 'buster/updates', 'Release.gpg'],
    ['a/b/dists/x/y/z/InRelease', 'a/b/', 'x/y/z', 'InRelease'],
  ])('%s is a release file', (path, root, suite, file) => {
    expect(aptFile(path)).toEqual({ kind: 'release', root, suite, file })
  })

  it('by its digest is that file, in the two forms that prove something', () => {
    const path = `dists/bookworm/main/binary-amd64/by-hash/SHA256/${HEX}`
    const digest = { algorithm: 'sha256', hex: HEX }
    expect(aptFile(path)).toEqual({ kind: 'by-hash', root: '', suite: 'bookworm', directory: 'main/binary-amd64', digest })
    expect(aptFile(path.replace('SHA256', 'SHA512') + HEX)).toMatchObject({ kind: 'by-hash', digest: { algorithm: 'sha512' } })
    for (const odd of [
      path.replace('SHA256', 'SHA512'),
      path.replace('SHA256', 'MD5Sum'),
      path.slice(0, -1),
      path.toUpperCase(),
    ])
      expect(aptFile(odd)?.kind).not.toBe('by-hash')
  })

  it.each([
    ['dists/bookworm/main/binary-amd64/Packages.xz', 'bookworm', 'main/binary-amd64/Packages.xz'],
    ['dists/bookworm/main/binary-amd64/Release', 'bookworm', 'main/binary-amd64/Release'],
    ['dists/buster/updates/main/Contents-amd64.gz', 'buster/updates', 'main/Contents-amd64.gz'],
  ])('%s is an index file', (path, suite, name) => {
    expect(aptFile(path)).toEqual({ kind: 'index', root: '', suite, name })
  })

  it.each([
    ['pool/main/h/hello/hello_2.10-3_amd64.deb', '', 'pool/main/h/hello/hello_2.10-3_amd64.deb'],
    ['debian/pool/updates/main/h/hello/hello_2.10.orig.tar.gz', 'debian/', 'pool/updates/main/h/hello/hello_2.10.orig.tar.gz'],
    ['dists/bookworm/pool/stable/amd64/ce_5.deb', '', 'dists/bookworm/pool/stable/amd64/ce_5.deb'],
    ['pool/main/g/g++/g++_4:12_arm64.udeb', '', 'pool/main/g/g++/g++_4:12_arm64.udeb'],
  ])('%s is a package', (path, root, name) => {
    expect(aptFile(path)).toEqual({ kind: 'pool', root, name })
  })

  it.each([
    'pool/config.json',
    'spool/hello_1_amd64.deb',
    'pool/current_amd64',
    'download/chrome_current_amd64.deb',
    'dists/',
    'dists/bookworm',
    'dists/bookworm/main/',
    'mydists/bookworm/InRelease',
    'InRelease',
    '',
  ])('«%s» is none', (path) => {
    expect(aptFile(path)).toBeUndefined()
  })
})

describe('an index file', () => {
  it('that may list packages is told by its name, and by its folder where its digest is the name', () => {
    for (const name of [
      'main/binary-amd64/Packages',
      'main/debian-installer/binary-amd64/Packages.gz',
      'main/source/Sources.xz',
      `main/binary-all/by-hash/SHA256/${HEX}`,
    ])
      expect(mayListPackages(name)).toBe(true)
    for (const name of ['main/binary-amd64/Release', 'main/Contents-amd64.gz', `main/i18n/by-hash/SHA256/${HEX}`])
      expect(mayListPackages(name)).toBe(false)
  })

  it('lists what is of its architecture, or of all', () => {
    const deb = 'pool/main/h/hello/hello_1_amd64.deb'
    const all = 'pool/main/h/hello/hello-doc_1_all.deb'
    expect(mayList(deb)('main/binary-amd64/Packages.xz')).toBe(true)
    expect(mayList(deb)('main/binary-arm64/Packages.xz')).toBe(false)
    expect(mayList(all)('main/binary-all/Packages')).toBe(true)
    expect(mayList(all)('main/binary-arm64/Packages')).toBe(true)
    expect(mayList(deb)('main/source/Sources')).toBe(false)
    expect(mayList('pool/main/h/hello/hello_1.dsc')('main/source/Sources.gz')).toBe(true)
    expect(mayList(deb)('main/Contents-amd64')).toBe(false)
  })
})
