import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metadataRendition, readMetadata } from '../../../protocols/pypi/wheel.ts'
import { makeWheel, zip } from '../../harness/scripted-pypi-wheel.ts'

const WHEEL = makeWheel({ name: 'foo', version: '1.0', requires: ['bar'], filler: Buffer.alloc(1000, 'f') })

describe('the metadata in a wheel', () => {
  test('are the file that it has for them', () => {
    expect(readMetadata(WHEEL.bytes).equals(WHEEL.metadata)).toBe(true)
    expect(metadataRendition.render([WHEEL.bytes]).equals(WHEEL.metadata)).toBe(true)
  })

  test('that came as themselves stay as they are', () => {
    expect(metadataRendition.render([WHEEL.metadata])).toBe(WHEEL.metadata)
    expect(metadataRendition.render([Buffer.from('PK')]).toString()).toBe('PK')
    expect(() => metadataRendition.render([])).toThrow()
  })

  test('are found behind a comment', () => {
    const comment = Buffer.from('x'.repeat(500))
    const bytes = Buffer.concat([WHEEL.bytes, comment])
    bytes.writeUInt16LE(comment.length, WHEEL.bytes.length - 2)
    expect(readMetadata(bytes).equals(WHEEL.metadata)).toBe(true)
  })

  test.each([
    ['there is none', zip([['foo/METADATA', Buffer.from('x')]]), /no METADATA/],
    ['it lies deeper', zip([['a/foo-1.0.dist-info/METADATA', Buffer.from('x')]]), /no METADATA/],
    ['it is enormous', zip([['foo-1.0.dist-info/METADATA', Buffer.alloc(9 << 20)]]), /at most/],
    ['it is no archive', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)]), /no zip archive/],
    ['it is cut', WHEEL.bytes.subarray(0, -30), /no zip archive/],
  ])('are an error where %s', (_what, bytes, message) => {
    expect(() => readMetadata(bytes)).toThrow(message)
  })

  test('are an error that is none of ours to crash at, whatever byte is wrong', () => {
    const { bytes } = WHEEL
    let failed = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }), (changes) => {
        const damaged = Buffer.from(bytes)
        for (const [at, byte] of changes) damaged[at] = byte
        try {
          expect(metadataRendition.render([damaged]).length).toBeLessThanOrEqual(8 << 20)
        } catch (error) {
          if (!(error instanceof Error)) throw error
          failed++
        }
      }),
      { numRuns: 10_000, seed: 20_261_129 },
    )
    expect(failed).toBeGreaterThan(100)
  })

  test('claim no more than they are: a small file that unpacks to much more is not unpacked', () => {
    const bomb = zip([['foo-1.0.dist-info/METADATA', Buffer.alloc(20 << 20)]])
    const directory = bomb.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'))
    bomb.writeUInt32LE(100, directory + 24)
    expect(() => readMetadata(bomb)).toThrow()
  })
})
