import { describe, expect, test } from 'vitest'
import {
  checksumParsers,
  parseMd5,
  parseSha1,
  parseSha256,
  parseSha512,
  readChecksum,
} from '../../../protocols/maven/checksum.ts'

const SHA1 = '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567'
const MD5 = 'd41d8cd98f00b204e9800998ecf8427e'
const SHA512 = 'ab'.repeat(64)

describe('a checksum', () => {
  test.for([
    ['bare', SHA1],
    ['with a line end', `${SHA1}\n`],
    ['with that of Windows', `\r\n${SHA1}\r\n`],
    ['in capitals', SHA1.toUpperCase()],
    ['padded', `   ${SHA1}\t`],
    ['of sha1sum', `${SHA1}  lib-1.2.jar\n`],
    ['of sha1sum for binary files', `${SHA1} *lib-1.2.jar\n`],
    ['of sha1sum on Windows', `${SHA1} *C:\\build\\lib-1.2.jar\r\n`],
    ['of sha1sum where the name has escapes', `\\${SHA1}  a=b\\nc.jar`],
    ['before a name with signs in it', `${SHA1}  build: 1=2/lib-1.2.jar`],
    ['after a byte order mark', `\xEF\xBB\xBF${SHA1}\r\n`],
    ['of openssl after one', `\xEF\xBB\xBFSHA1(lib-1.2.jar)= ${SHA1}\r\n`],
    ['after the name', `lib-1.2.jar ${SHA1}`],
    ['of openssl', `SHA1(lib-1.2.jar)= ${SHA1}\n`],
    ['of BSD', `SHA1 (lib-1.2.jar) = ${SHA1}\n`],
    ['of a file whose name looks like one', `SHA1(${'f'.repeat(40)})= ${SHA1}`],
    ['of gpg', `lib-1.2.jar: 0A1B 2C3D 4E5F 6071 8293\n             A4B5 C6D7 E8F9 0123 4567\n`],
    ['without a leading zero', SHA1.slice(1)],
    ['without one, before a name', `${SHA1.slice(1)}  lib-1.2.jar`],
  ] as const)('is read %s', ([, text]) => {
    expect(readChecksum(text, 'sha1')).toEqual({ algorithm: 'sha1', hex: SHA1 })
  })

  test.for([
    ['empty', ''],
    ['too short by far', SHA1.slice(8)],
    ['one of another algorithm', MD5],
    ['too long', `${SHA1}0`],
    ['words', 'not a checksum'],
    ['a page', '<!doctype html><title>Sign in</title>'],
    ['a number too long', '1'.repeat(100_000)],
  ] as const)('is not read from what is %s', ([, text]) => {
    expect(readChecksum(text, 'sha1')).toBeUndefined()
    expect(() => checksumParsers.sha1.parse(Buffer.from(text))).toThrow(/no sha1 in it/)
  })

  test('is read by the algorithm that the file is named after', () => {
    expect(parseMd5(Buffer.from(MD5)).facts).toEqual({ algorithm: 'md5', hex: MD5 })
    expect(parseSha1(Buffer.from(SHA1)).facts).toEqual({ algorithm: 'sha1', hex: SHA1 })
    expect(parseSha256(Buffer.from(SHA512.slice(64))).facts).toEqual({ algorithm: 'sha256', hex: SHA512.slice(64) })
    expect(parseSha512(Buffer.from(SHA512)).facts).toEqual({ algorithm: 'sha512', hex: SHA512 })
  })

  test('parsers are found by their module and export, as a worker thread looks for them', async () => {
    for (const parser of Object.values(checksumParsers)) {
      const module = (await import(parser.module)) as Record<string, unknown>
      expect(module[parser.exportName]).toBe(parser.parse)
    }
  })
})
