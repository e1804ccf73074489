import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { findChecksum, parseChecksums } from '../../../protocols/raw/checksums.ts'
import { findPackage, parsePackages } from '../../../protocols/raw/packages.ts'
import { paragraphsOf } from '../../../protocols/raw/paragraphs.ts'
import { allListed, findListed, listsDigest, parseRelease, releaseFacts } from '../../../protocols/raw/release.ts'

const hex = (digit: string, length = 64) => digit.repeat(length)

/** Facts as they come back after a restart. */
const kept = <T>(facts: T): T => JSON.parse(JSON.stringify(facts)) as T

describe('a release file', () => {
  const text = [
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA512',
    '',
    'Suite: stable',
    'MD5Sum:',
    ` ${hex('a', 32)}  12 main/binary-amd64/Packages`,
    'SHA256:',
    ` ${hex('b')}     1234 main/binary-amd64/Packages`,
    ` ${hex('c')} 5 main/binary-amd64/Packages.gz`,
    'SHA512:',
    ` ${hex('d', 128)} 5 main/binary-amd64/Packages.gz`,
    '-----BEGIN PGP SIGNATURE-----',
    '',
    `${hex('e')} 5 main/x`,
  ].join('\n')

  it('tells the digests of the files that it lists', () => {
    const facts = kept(parseRelease(Buffer.from(text)).facts)
    expect(findListed(facts, 'main/binary-amd64/Packages')?.digests).toEqual([{ algorithm: 'sha256', hex: hex('b') }])
    expect(findListed(facts, 'main/binary-amd64/Packages.gz')?.digests.map(({ algorithm }) => algorithm)).toEqual([
      'sha256',
      'sha512',
    ])
    for (const absent of ['binary-amd64/Packages', 'main/binary-amd64/Packages.g', 'main/x', ''])
      expect(findListed(facts, absent)).toBeUndefined()
    expect(allListed(facts, (path) => path.endsWith('.gz')).map(({ path }) => path)).toEqual(['main/binary-amd64/Packages.gz'])
  })

  it('tells whether a digest is of one of its files, in a directory', () => {
    const facts = kept(parseRelease(Buffer.from(text)).facts)
    const has = (directory: string, digit: string, algorithm: 'sha256' | 'sha512' = 'sha256') =>
      listsDigest(facts, directory, { algorithm, hex: hex(digit, algorithm === 'sha256' ? 64 : 128) })
    expect([has('main/binary-amd64', 'b'), has('main/binary-amd64', 'c'), has('main/binary-amd64', 'd', 'sha512')]).toEqual([
      true,
      true,
      true,
    ])
    for (const other of ['main', 'main/binary-arm64', '', 'binary-amd64']) expect(has(other, 'b')).toBe(false)
    // The first is listed as md5 only, the last behind the signature.
    for (const digit of ['a', 'e', 'f']) expect(has('main/binary-amd64', digit)).toBe(false)
    const empty = ['x', 'a/x', 'b/c/x'].map((path) => ` ${hex('0')} 0 ${path}\n`).join('')
    const many = parseRelease(Buffer.from(`SHA256:\n${empty}`)).facts
    for (const directory of ['', 'a', 'b/c'])
      expect(listsDigest(many, directory, { algorithm: 'sha256', hex: hex('0') })).toBe(true)
  })

  it('is none that lists nothing', () => {
    for (const bad of ['', '<html></html>', 'SHA256:\n', `SHA256:\n zz 5 x`, text.slice(0, 200), '{}'])
      expect(() => parseRelease(Buffer.from(bad))).toThrow('lists files')
    expect(() => parseRelease(Buffer.from([0xff, 0xfe]))).toThrow('UTF-8')
    for (const odd of [undefined, null, 5, {}, { files: 5 }]) expect(releaseFacts(odd)).toBeUndefined()
  })
})

describe('a list of packages', () => {
  const packages = [1, 2, 3, 4, 5].map(
    (i) => `Package: p${i}\nFilename: pool/p${i}_1_amd64.deb\nSize: 5\nSHA256: ${hex(`${i}`)}\n`,
  )
  const text = packages.join('\n')

  /** `xz -9` of two paragraphs. */
  const XZ = Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4AD0AFJdACgYSGbb2jCF/hberuFGi/ZwV5p62qp45gRapBhh3VPxyvvL5NuCjJnjwxWNP0kBYRC7v1bP8v87IX0nh8X+Xti70Rfa/5jT9r+M8wgj65wQiyAAAACYdZMkh0Lq8QABbvUBAAAAvwLDybHEZ/sCAAAAAARZWg==',
    'base64',
  )

  it('tells the digest of each package, packed by gzip or not', async () => {
    for (const bytes of [Buffer.from(text), gzipSync(text), Buffer.from(`\n${text}`), Buffer.from(`${text}\n\n`)]) {
      const facts = kept((await parsePackages(bytes)).facts)
      for (const i of [1, 2, 3, 4, 5])
        expect(findPackage(facts, `pool/p${i}_1_amd64.deb`)).toEqual({ algorithm: 'sha256', hex: hex(`${i}`) })
      for (const absent of ['pool/p6_1_amd64.deb', '', 'pool/p1']) expect(findPackage(facts, absent)).toBeUndefined()
    }
  })

  it('tells it packed by xz', async () => {
    const { facts } = await parsePackages(XZ)
    expect(findPackage(facts, 'pool/main/a/a/a_1_amd64.deb')?.hex).toBe('1'.padStart(64, '0'))
    expect(findPackage(facts, 'pool/main/b/b/b_1_all.deb')?.hex).toBe('2'.padStart(64, '0'))
  })

  it('tells the digests of the parts of source packages', async () => {
    const source = [
      'Package: hello',
      'Directory: pool/main/h/hello',
      'Checksums-Sha256:',
      ` ${hex('a')} 5 hello_1.dsc`,
      ` ${hex('b')} 700 hello_1.orig.tar.gz`,
      'Checksums-Sha512:',
      ` ${hex('c', 128)} 5 hello_1.dsc`,
    ].join('\n')
    const { facts } = await parsePackages(Buffer.from(source))
    expect(findPackage(facts, 'pool/main/h/hello/hello_1.dsc')?.hex).toBe(hex('a'))
    expect(findPackage(facts, 'pool/main/h/hello/hello_1.orig.tar.gz')?.hex).toBe(hex('b'))
  })

  it('keeps few bytes for each of many packages, and finds every one', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => i)
    const lines = many.map((i) => `Package: p${i}\nFilename: pool/é${i}.deb\nSHA256: ${i.toString(16).padStart(64, '0')}\n`)
    const { facts } = await parsePackages(Buffer.from(lines.join('\n')))
    expect(facts.files.length).toBe(20_000 * 56)
    for (const i of many) expect(findPackage(facts, `pool/é${i}.deb`)?.hex).toBe(i.toString(16).padStart(64, '0'))
  })

  it('is read the same however paragraphs lie in its pieces', async () => {
    // Pieces have 1 MiB: the break between two paragraphs begins before, at and behind the end of the first.
    for (let at = (1 << 20) - 3; at <= (1 << 20) + 1; at++) {
      const filler = `Package: x\nDescription: ${'x'.repeat(at - 24)}`
      expect(filler).toHaveLength(at)
      for (const gap of ['\n\n', '\n\n\n']) {
        const { facts } = await parsePackages(gzipSync(`${filler}${gap}${text}`))
        expect([at, facts.files.length]).toEqual([at, 5 * 56])
      }
    }
  })

  it('has no names that nobody could ask for, however often it says them', async () => {
    const lines = ` ${hex('a')} 1 f\n`.repeat(6_000)
    const source = (directory: string) => `Package: a\nDirectory: ${directory}\nChecksums-Sha256:\n${lines}`
    // 24 GiB of paths in 6 KB.
    const packed = gzipSync(`${source('a'.repeat(4 << 20))}\n${text}`)
    expect(packed.length).toBeLessThan(8_000)
    expect((await parsePackages(packed)).facts.files).toHaveLength(5 * 56)
    const name = 'n'.repeat(5_000)
    const long = `Filename: ${name}\nSHA256: ${hex('a')}\n\nDirectory: d\nChecksums-Sha256:\n ${hex('b')} 1 ${name}\n ${hex('c')} 1 f\n`
    const { facts } = await parsePackages(Buffer.from(long))
    expect(facts.files).toHaveLength(56)
    expect(findPackage(facts, 'd/f')?.hex).toBe(hex('c'))
  })

  it('is read in pieces of any size, each of them once', async () => {
    async function* inPieces(whole: string, size: number) {
      for (let at = 0; at < whole.length; at += size) yield Buffer.from(whole.slice(at, at + size))
    }
    const read = async (whole: string, size: number) => {
      const all: string[] = []
      for await (const some of paragraphsOf(inPieces(whole, size))) all.push(...some)
      return all
    }
    for (const size of [1, 2, 3, 7, 1000])
      expect((await read('a\nb\n\nc\n\n\nd\n', size)).map((one) => one.trimStart())).toEqual(['a\nb', 'c', 'd\n'])
    // Looked at again with each piece it would be half a terabyte.
    expect((await read('x'.repeat(8 << 20), 64)).map(({ length }) => length)).toEqual([(8 << 20) + 1])
    await expect(read('x'.repeat((8 << 20) + 1), 1 << 20)).rejects.toThrow('no paragraphs')
  })

  it('tells of nothing where it cannot be read', async () => {
    const bomb = gzipSync(Buffer.alloc(32 << 20))
    const odd = [
      XZ.subarray(0, 60),
      gzipSync(text).subarray(0, 40),
      Buffer.from('BZh91AY'),
      bomb,
      Buffer.from('<html>'),
      Buffer.alloc(0),
    ]
    for (const bytes of odd) expect((await parsePackages(bytes)).facts.files).toBe('')
    // One that breaks leaves nothing behind for the next.
    expect((await parsePackages(XZ)).facts.files).toHaveLength(112)
    for (const facts of [undefined, null, {}, { files: 7 }]) expect(findPackage(facts, 'x')).toBeUndefined()
  })
})

describe('a file with checksums', () => {
  const find = (text: string, name: string, alone = false) =>
    findChecksum(kept(parseChecksums(Buffer.from(text)).facts), name, alone)?.hex

  it.each([
    ['of coreutils', `${hex('a')}  app.zip\n`],
    ['of binary files', `${hex('a')} *app.zip\n`],
    ['with a folder', `${hex('a')}  ./app.zip\r\n`],
    ['of BSD', `SHA256 (app.zip) = ${hex('a')}\n`],
    ['in capitals', `${hex('A')}  app.zip`],
    ['among others', `# all\n${hex('b')}  app\n\n${hex('a')}  app.zip\n${hex('c')}  app.zip.asc\n`],
  ])('in the form %s tells that of a file', (_, text) => {
    expect(find(text, 'app.zip')).toBe(hex('a'))
    expect(find(text, 'pp.zip')).toBeUndefined()
  })

  it('may have one without a name, if it is of one file only', () => {
    expect(find(`${hex('a')}\n`, 'app.zip', true)).toBe(hex('a'))
    expect(find(`${hex('a')}`, 'app.zip')).toBeUndefined()
    expect(find(`${hex('a')}  other.zip`, 'app.zip', true)).toBeUndefined()
  })

  it('is none without any', () => {
    for (const bad of ['', 'not found', '<html>', hex('a', 63), `${hex('a', 128)}  x`])
      expect(() => parseChecksums(Buffer.from(bad))).toThrow('no line with a sha256 checksum')
  })
})
