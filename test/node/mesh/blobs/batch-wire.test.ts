import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../../node/digest.ts'
import {
  BATCH_BLOB_BYTES,
  BATCH_BYTES,
  BATCH_WISHES,
  BatchReader,
  BatchWriter,
  decodeWishes,
  encodeWishes,
  type Refused,
  WISHES_BYTES,
} from '../../../../node/mesh/blobs/batch-wire.ts'
import { SpareBuffers } from '../../../../node/spare-buffers.ts'
import { Random } from '../../../harness/random.ts'
import { digestOf } from './fixture.ts'

const FRESH = new SpareBuffers({ maxBytes: 0 })
const DIGESTS = Array.from({ length: BATCH_WISHES + 1 }, (_, at) => digestOf(Buffer.of(at)))

/** What is put together of these. */
function answerOf(...parts: (Buffer | Refused)[]): Buffer {
  const writer = new BatchWriter(FRESH)
  for (const part of parts) {
    if (Buffer.isBuffer(part)) writer.room(part.length).set(part)
    else writer.refuse(part)
  }
  return Buffer.from(writer.bytes)
}

/** What comes of chunks. */
function taken(...chunks: Buffer[]) {
  const parts: (string | Refused)[] = []
  const reader = new BatchReader((part) => parts.push(Buffer.isBuffer(part) ? part.toString('latin1') : part))
  for (const chunk of chunks) reader.take(chunk)
  return { parts, atBoundary: reader.atBoundary }
}

/** So many of the largest blobs fill an answer. */
const LARGEST_IN_ONE = BATCH_BYTES / BATCH_BLOB_BYTES

describe('a question', () => {
  it('names blobs by any algorithm, each as often as it is asked for', () => {
    const digests: Digest[] = [
      ...DIGESTS.slice(0, 2),
      { algorithm: 'sha512', hex: 'ab'.repeat(64) },
      { algorithm: 'sha1', hex: 'cd'.repeat(20) },
      ...DIGESTS.slice(0, 1),
    ]
    expect(decodeWishes(encodeWishes(digests))).toEqual(digests)
  })

  it('names so many at most, which take no more bytes than a member takes in', () => {
    const most = DIGESTS.slice(0, BATCH_WISHES)
    expect(decodeWishes(encodeWishes(most))).toEqual(most)
    expect(decodeWishes(encodeWishes(DIGESTS))).toBeUndefined()
    const longest = Array.from({ length: BATCH_WISHES }, () => ({ algorithm: 'sha512', hex: 'ab'.repeat(64) }) as const)
    expect(encodeWishes(longest).length).toBeLessThanOrEqual(WISHES_BYTES)
  })

  it.each([
    ['of nothing', ''],
    ['of words', 'which blobs?'],
    ['with an empty line', `sha256:${'0'.repeat(64)}\n`],
    ['with lines of another kind', `sha256:${'0'.repeat(64)}\r\nsha256:${'0'.repeat(64)}`],
    ['in upper case', `sha256:${'A'.repeat(64)}`],
    ['by an algorithm that nobody knows', `crc32:${'0'.repeat(8)}`],
    ['by a property that every object has', 'constructor:00'],
    ['of many bytes', 'x'.repeat(256 << 10)],
    ['of many lines', '\n'.repeat(256 << 10)],
  ])('%s is none', (_, text) => {
    expect(decodeWishes(Buffer.from(text))).toBeUndefined()
  })
})

describe('an answer', () => {
  const PARTS = [Buffer.from('one'), 'lacking', Buffer.alloc(0), Buffer.of(0xff), 'alone', Buffer.alloc(0)] as const
  const READ = ['one', 'lacking', '', '\xff', 'alone', '']

  it('is taken apart as it was put together, wherever its chunks are cut', () => {
    const bytes = answerOf(...PARTS)
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const { parts, atBoundary } = taken(bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second))
        expect([parts, atBoundary]).toEqual([READ, true])
      }
    }
    expect(taken(...Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual({ parts: READ, atBoundary: true })
  })

  it('grows to all that it may carry', () => {
    const random = new Random(7)
    const blobs = Array.from({ length: 3 }, () => random.bytes(BATCH_BLOB_BYTES))
    const small = Array.from({ length: 40 }, () => random.bytes(random.between(0, 5_000)))
    const bytes = answerOf(...small, ...blobs, 'alone')
    expect(taken(bytes.subarray(0, 300_000), bytes.subarray(300_000)).parts).toEqual(
      [...small, ...blobs].map((blob) => blob.toString('latin1')).concat('alone'),
    )
  })

  it('is put together in memory that is used again: no other has it before it is freed', () => {
    const memory = new SpareBuffers({ maxBytes: 8 * BATCH_BYTES })
    const put = (text: string, size: number) => {
      const writer = new BatchWriter(memory)
      for (let carried = 0; carried < 1_000_000; carried += size) writer.room(size).fill(text)
      return writer
    }
    const [one, two] = [put('a', 100_000), put('b', 1_000)]
    one.free()
    const three = put('c', 10_000)
    expect(three.bytes.buffer).toBe(one.bytes.buffer)
    for (const [writer, text] of [
      [two, 'b'],
      [three, 'c'],
    ] as const)
      expect(new Set(taken(Buffer.from(writer.bytes)).parts.flatMap((part) => [...part]))).toEqual(new Set([text]))
    expect([two.held >= two.bytes.length, two.bytes.buffer === three.bytes.buffer]).toEqual([true, false])
  })

  it('knows when more is to come', () => {
    const bytes = answerOf(Buffer.from('one'), 'alone')
    const ends = Array.from({ length: bytes.length + 1 }, (_, at) => at).filter((at) => taken(bytes.subarray(0, at)).atBoundary)
    expect(ends).toEqual([0, 7, bytes.length])
  })

  it('may have its last blob taken back', () => {
    const writer = new BatchWriter(FRESH)
    writer.room(1).fill('a')
    writer.room(100_000)
    writer.takeBack(100_000)
    writer.refuse('alone')
    writer.room(1).fill('b')
    expect(taken(writer.bytes).parts).toEqual(['a', 'alone', 'b'])
  })

  it('has room for no large blob, and for no more than it may carry', () => {
    const writer = new BatchWriter(FRESH)
    expect([writer.fits(BATCH_BLOB_BYTES), writer.fits(BATCH_BLOB_BYTES + 1)]).toEqual([true, false])
    for (let count = 1; count < LARGEST_IN_ONE; count++) writer.room(BATCH_BLOB_BYTES)
    const rest = BATCH_BYTES - writer.bytes.length
    expect([writer.fits(rest), writer.fits(rest + 1), writer.fits(Number.POSITIVE_INFINITY)]).toEqual([true, false, false])
    writer.room(rest)
    for (let count = 0; count < BATCH_WISHES; count++) writer.refuse('alone')
    const { parts } = taken(writer.bytes)
    expect(parts.length).toBe(LARGEST_IN_ONE + BATCH_WISHES)
  })

  it.each([BATCH_BLOB_BYTES + 1, 0x7fff_ffff, 0xffff_fffd])(
    'with a blob of %i bytes is refused before any of it has come',
    (length) => {
      const told = Buffer.alloc(4)
      told.writeUInt32BE(length)
      expect(() => taken(answerOf(Buffer.from('one')), told)).toThrow(`a blob of ${length} bytes`)
    },
  )

  it('of more than any answer carries is refused, however small its blobs are', () => {
    const blob = answerOf(Buffer.alloc(BATCH_BLOB_BYTES))
    const all = Array.from({ length: LARGEST_IN_ONE }, () => blob)
    expect(taken(...all).parts.length).toBe(LARGEST_IN_ONE)
    expect(() => taken(...all, answerOf(Buffer.of(1)))).toThrow('at a time')
  })
})
