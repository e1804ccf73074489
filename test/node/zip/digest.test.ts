import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { StagedBytes } from '../../../node/store/staged-bytes.ts'
import { zipHash1 } from '../../../node/zip/digest.ts'
import { Random } from '../../harness/random.ts'
import { h1Of, makeHidingZip, makeZip, type ZipFile, type ZipInit } from '../../harness/scripted-go-zip.ts'

const random = new Random(7)
const text = (length: number) => 'module text\n'.repeat(Math.ceil(length / 12)).slice(0, length)
const SMALL: readonly ZipFile[] = [
  { name: 'ex.test/a@v1.0.0/go.mod', data: 'module ex.test/a\n' },
  { name: 'ex.test/a@v1.0.0/a.go', data: 'package a\n' },
]

function bytesOf(zip: Buffer): StagedBytes {
  const staging = new MemoryStore().blobs.stage({ size: zip.length, algorithms: [] })
  staging.write(zip)
  return new StagedBytes(staging, { what: 'h1' })
}

/** A locator of a zip64 end, as the extra field of an entry has it at its end. */
function locator(at: number, disks: number): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32LE(0x07064b50, 0)
  bytes.writeBigUInt64LE(BigInt(at), 8)
  bytes.writeUInt32LE(disks, 16)
  return bytes
}

const digest = async (zip: Buffer) => `h1:${Buffer.from(await zipHash1(bytesOf(zip)), 'hex').toString('base64')}`

describe('the h1 of an archive', () => {
  it('is that of its files, however they are packed', async () => {
    const files: readonly ZipFile[] = [
      ...SMALL,
      { name: 'ex.test/a@v1.0.0/empty', data: '' },
      { name: 'ex.test/a@v1.0.0/large', data: text(3_000_000) },
      { name: 'ex.test/a@v1.0.0/random', data: random.bytes(1_500_000) },
      { name: 'ex.test/a@v1.0.0/folder/', data: '', stored: true },
      { name: 'ex.test/a@v1.0.0/Z', data: 'upper case comes first' },
      { name: Buffer.from('ex.test/a@v1.0.0/é\u{1f600}ﬀ'), data: 'in the order of bytes' },
    ]
    const wanted = h1Of(files)
    const ways: Partial<ZipFile>[] = [
      {},
      { level: 1 },
      { level: 0 },
      { stored: true },
      { described: 'signed' },
      { described: 'bare' },
      { described: '64' },
      { stored: true, described: 'signed' },
      { described: 'signed', local: { crc: 0, packed: 0, size: 0 } },
    ]
    for (const way of ways) expect(await digest(makeZip(files.map((file) => ({ ...file, ...way }))))).toBe(wanted)
    expect(await digest(makeZip(files, { zip64: true }))).toBe(wanted)
    expect(await digest(makeZip([...files].reverse()))).toBe(wanted)
  })

  it('is that of nothing where there are no files', async () => {
    expect(await digest(makeZip([]))).toBe(h1Of([]))
  })

  it('is had of many files and large ones', async () => {
    const files = Array.from({ length: 5_000 }, (_, i) => ({ name: `m@v1.0.0/${i}`, data: text(i) }))
    expect(await digest(makeZip(files))).toBe(h1Of(files))
    const large = [{ name: 'm@v1.0.0/go', data: Buffer.alloc(64 << 20, 'x') }]
    expect(await digest(makeZip(large))).toBe(h1Of(large))
  })

  const [one, two] = SMALL as [ZipFile, ZipFile]
  // «Unicode Path» (APPNOTE 4.6.9), by which some readers call a file, behind a field that says nothing.
  const SECOND_NAME = Buffer.from([0, 0, 0, 0, 0x75, 0x70, 6, 0, 1, 0, 0, 0, 0, 97])
  const EOCD = Buffer.from([0x50, 0x4b, 5, 6])
  const refusals: [string, readonly ZipFile[], ZipInit, RegExp][] = [
    ['a name twice', [one, one], {}, /twice/],
    ['a name of two lines', [{ ...one, name: 'a\nb' }], {}, /proper name/],
    ['no name', [{ ...one, name: '' }], {}, /proper name/],
    ['an encrypted file', [{ ...one, flags: 1 }], {}, /encrypted/],
    ['a strange method', [{ ...one, method: 12 }], {}, /method 12/],
    ['a wrong checksum', [{ ...one, crc: 1 }], {}, /checksum/],
    ['a wrong checksum of none', [{ ...one, crc: 0 }], {}, /checksum/],
    ['a wrong checksum behind the data', [{ ...one, described: 'signed', descriptorCrc: 1 }], {}, /belong to no file/],
    ['a size that is too small', [{ ...one, size: 3 }], {}, /larger|more bytes/],
    ['a size that is too large', [{ ...one, size: 300 }], {}, /fewer bytes/],
    ['a size beyond all bounds', [{ ...one, size: 0xffffffff }], {}, /more than 524288000/],
    ['a bomb', [{ name: 'a', data: Buffer.alloc(8 << 20), size: 100 }], {}, /larger|more bytes/],
    ['a large bomb', [{ name: 'a', data: Buffer.alloc(80 << 20), size: 300_000 }], {}, /more bytes/],
    ['two sizes of a stored file', [{ ...one, stored: true, size: 3 }], {}, /two sizes/],
    ['a packed size that is too small', [{ ...one, packed: 5 }, two], {}, /./],
    ['a packed size that is too large', [{ ...one, packed: 60 }, two], {}, /reaches into|./],
    ['a packed size beyond the end', [{ ...one, packed: 1 << 20 }], {}, /ends before/],
    ['two files in one place', [one, { ...two, offset: 0 }], {}, /reaches into|does not begin/],
    ['a file that is elsewhere', [one, { ...two, offset: 7 }], {}, /./],
    ['bytes before the first file', [{ ...one, before: Buffer.from('#!') }], {}, /does not begin/],
    ['bytes between files', [one, { ...two, before: Buffer.alloc(16) }], {}, /belong to no file/],
    ['bytes behind the last file', SMALL, { gap: Buffer.alloc(5) }, /belong to no file/],
    ['bytes and no file', [], { gap: Buffer.alloc(5) }, /belong to no file/],
    ['more files than it says', SMALL, { count: 1 }, /has 2 files and says 1/],
    ['fewer files than it says', SMALL, { count: 3 }, /has 2 files and says 3/],
    ['far more files than it says', SMALL, { count: 0xfffffff, zip64: true }, /too large/],
    ['a directory elsewhere', SMALL, { directoryOffset: 3 }, /not where/],
    ['an end within its comment', SMALL, { comment: Buffer.concat([EOCD, Buffer.alloc(40)]) }, /no end/],
    ['a comment', SMALL, { comment: Buffer.from('a comment') }, /a comment/],
    ['a comment on a file', [one, { ...two, comment: Buffer.from('a comment') }], {}, /a comment/],
    ['bytes behind what is packed', [{ ...one, behind: Buffer.from('more') }, two], {}, /4 bytes behind its end/],
    ['a byte behind much', [{ name: 'a', data: random.bytes(300_000), behind: Buffer.alloc(1) }], {}, /1 bytes behind its end/],
    [
      'much behind much',
      [{ name: 'a', data: random.bytes(300_000), behind: Buffer.alloc(400_000) }],
      {},
      /400000 bytes behind/,
    ],
    ['a second end without need', [one, { ...two, extra: locator(0, 1) }], {}, /zip64 end/],
    ['a name that is another one beside its data', [{ ...one, local: { name: 'ex.test/a@v1.0.0/go.sum' } }], {}, /two headers/],
    ['a name that is shorter there', [{ ...one, local: { name: 'short' } }], {}, /two headers/],
    ['a method that is another one there', [{ ...one, local: { method: 0 } }], {}, /two headers/],
    ['a size that is another one there', [{ ...one, local: { size: 3 } }], {}, /two headers/],
    ['a packed size that is another one there', [{ ...one, described: 'signed', local: { packed: 3 } }], {}, /two headers/],
    ['no size there, nor behind', [{ ...one, local: { size: 0 } }], {}, /two headers/],
    ['a checksum that is another one there', [{ ...one, local: { crc: 3 } }], {}, /two headers/],
    ['a size behind the data that is another one', [{ ...one, described: '64', descriptorSize: 3 }], {}, /belong to no file/],
    ['a second name', [{ ...one, extra: SECOND_NAME }], {}, /second name/],
    ['a second name beside its data', [{ ...one, local: { extra: SECOND_NAME } }], {}, /second name/],
    ['a folder with bytes', [{ name: 'a/', data: 'x', stored: true }], {}, /folder/],
  ]
  it.each(refusals)('is not told of %s', async (_what, files, init, message) => {
    await expect(zipHash1(bytesOf(makeZip(files, init)))).rejects.toThrow(message)
  })

  it('is that of files whose directory has the length that some take for a mark', async () => {
    const plain = 2 * 46 + SMALL.reduce((sum, { name }) => sum + name.length, 0)
    const zip = makeZip([one, { ...two, extra: Buffer.alloc(0xffff - plain) }])
    expect(zip.readUInt32LE(zip.length - 10)).toBe(0xffff)
    expect(await digest(zip)).toBe(h1Of(SMALL))
  })

  it.each(['comment', 'extra'] as const)('is not told of files beside others that lie in a %s', async (place) => {
    const hidden = [one, { ...two, data: 'package a // another\n' }]
    await expect(zipHash1(bytesOf(makeHidingZip(SMALL, hidden, place)))).rejects.toThrow(/zip64 end|comment/)
  })

  const zip64 = makeZip(SMALL, { zip64: true })
  const twists: [string, (at: { record: number; locator: number; end: number }, zip: Buffer) => void][] = [
    ['on another disk', (at, zip) => zip.writeUInt32LE(1, at.locator + 4)],
    ['of several disks', (at, zip) => zip.writeUInt32LE(2, at.locator + 16)],
    ['of no disk', (at, zip) => zip.writeUInt32LE(0, at.locator + 16)],
    ['whose directory is on another disk', (at, zip) => zip.writeUInt32LE(1, at.record + 20)],
    ['with two counts', (at, zip) => zip.writeUInt32LE(1, at.record + 24)],
    [
      'that is not marked',
      (at, zip) => {
        zip.writeUInt32LE(0x00020002, at.end + 8)
        zip.copy(zip, at.end + 16, at.record + 48, at.record + 52)
      },
    ],
    ['whose length is another one', (at, zip) => zip.writeUInt32LE(77, at.end + 12)],
    ['whose start is another one', (at, zip) => zip.writeUInt32LE(0, at.end + 16)],
    ['that is not there', (at, zip) => zip.writeUInt32LE(0, at.locator)],
  ]
  it.each(twists)('is not told of a zip64 end %s', async (_what, twist) => {
    const zip = Buffer.from(zip64)
    const end = zip.length - 22
    twist({ record: end - 76, locator: end - 20, end }, zip)
    await expect(zipHash1(bytesOf(zip))).rejects.toThrow()
  })

  it('is not told of what is cut, longer, or no archive at all', async () => {
    const zip = makeZip(SMALL)
    for (let end = 0; end < zip.length; end++) await expect(zipHash1(bytesOf(zip.subarray(0, end)))).rejects.toThrow()
    for (const other of [Buffer.concat([zip, Buffer.from('x')]), Buffer.from('<html>'), random.bytes(100_000)])
      await expect(zipHash1(bytesOf(other))).rejects.toThrow()
  })

  it('is another one, or none, whichever bit of the archive is turned, unless it tells nothing of the files', async () => {
    const zip = makeZip([{ ...one, described: 'signed' }, two])
    const wanted = h1Of(SMALL)
    let same = 0
    for (let bit = 0; bit < zip.length * 8; bit++) {
      const other = Buffer.from(zip)
      other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7))
      const got = await digest(other).catch(() => undefined)
      if (got === wanted) same++
    }
    // Times, versions, attributes, what the local headers repeat.
    expect(same).toBeLessThan(zip.length * 4)
    expect(same).toBeGreaterThan(0)
  })
})
