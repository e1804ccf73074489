import { describe, expect, it, test } from 'vitest'
import { type Ask, decodeAsk, decodeFrame, encodeAsk, encodeFrame, type Frame } from '../../../../node/mesh/inventory/frames.ts'
import { Random } from '../../../harness/random.ts'

const NONE = new Uint32Array()
const DELTA: Frame = {
  kind: 'delta',
  generation: 0xffffffff,
  sequence: 7,
  keys: 3,
  added: Uint32Array.of(0, 1, 0xffffffff),
  removed: Uint32Array.of(128),
}

function someKeys(random: Random, most: number): Uint32Array {
  const keys = new Set(Array.from({ length: random.between(0, most) }, () => random.between(0, 0xffffffff)))
  return Uint32Array.from(keys).sort()
}

describe('a frame', () => {
  it('is read as it was written', () => {
    const random = new Random(1)
    for (let round = 0; round < 500; round++) {
      const kind = (['wait', 'part', 'end', 'delta', 'same'] as const)[random.between(0, 4)] ?? 'end'
      const frame: Frame = {
        kind,
        generation: random.between(0, 0xffffffff),
        sequence: random.between(0, 0xffffffff),
        keys: random.between(0, 1 << 22),
        added: kind === 'wait' || kind === 'same' ? NONE : someKeys(random, 300),
        removed: kind === 'delta' ? someKeys(random, 300) : NONE,
      }
      expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
    }
  })

  it('has two bytes for each of a million keys, and is bounded', () => {
    const random = new Random(2)
    const added = Uint32Array.from({ length: 12_000 }, (_, at) => at * 4_295 + random.between(0, 4_000))
    expect(encodeFrame({ ...DELTA, kind: 'part', added, removed: NONE }).length).toBeLessThan(25_000)
    const far = Uint32Array.from({ length: 12_000 }, (_, at) => at * 357_000)
    expect(encodeFrame({ ...DELTA, kind: 'part', added: far, removed: NONE }).length).toBeLessThan(64 << 10)
  })

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['of another version', (bytes) => Buffer.concat([Buffer.of(2), bytes.subarray(1)]), 'version 2'],
    ['of a kind that there is not', (bytes) => Buffer.concat([Buffer.of(1, 5), bytes.subarray(2)]), 'kind 5'],
    ['that is cut', (bytes) => bytes.subarray(0, -1), 'it is cut'],
    ['without a head', (bytes) => bytes.subarray(0, 13), 'it has 13 bytes'],
    ['with something behind it', (bytes) => Buffer.concat([bytes, Buffer.of(0)]), 'something follows'],
    ['that is too long', () => Buffer.alloc((64 << 10) + 1, 1), 'bytes'],
    [
      'of too many keys',
      (bytes) => Buffer.concat([bytes.subarray(0, 10), Buffer.of(255, 0, 0, 0), bytes.subarray(14)]),
      'keys',
    ],
    ['with a key twice', (bytes) => Buffer.concat([bytes.subarray(0, 14), Buffer.of(2, 5, 0, 0)]), 'a key twice'],
    ['with a padded number', (bytes) => Buffer.concat([bytes.subarray(0, 14), Buffer.of(1, 0x80, 0, 0)]), 'padded'],
    ['with a long number', (bytes) => Buffer.concat([bytes.subarray(0, 14), Buffer.of(1), Buffer.alloc(9, 255)]), 'too long'],
    [
      'with a key beyond 32 bits',
      (bytes) => Buffer.concat([bytes.subarray(0, 14), Buffer.of(2, 255, 255, 255, 255, 15, 1, 0)]),
      'no key',
    ],
    ['with a list that is longer than itself', (bytes) => Buffer.concat([bytes.subarray(0, 14), Buffer.of(90, 1)]), 'shorter'],
    [
      'that takes keys away and does not tell of changes',
      (bytes) => Buffer.concat([Buffer.of(1, 2), bytes.subarray(2)]),
      'takes keys',
    ],
    [
      'that says that nothing changed and brings some',
      (bytes) => Buffer.concat([Buffer.of(1, 4), bytes.subarray(2)]),
      'brings keys',
    ],
  ])('%s is refused', (_, change, reason) => {
    expect(() => decodeFrame(change(Buffer.from(encodeFrame(DELTA))))).toThrow(reason)
  })
})

describe('a question', () => {
  it('is read as it was written, whatever a later version adds', () => {
    const ask: Ask = { v: 1, generation: 5, sequence: 0, after: -1 }
    expect(decodeAsk(encodeAsk(ask))).toEqual(ask)
    expect(decodeAsk(Buffer.from('{"v":1,"generation":1,"sequence":2,"more":[]}'))).toEqual({
      v: 1,
      generation: 1,
      sequence: 2,
    })
  })

  it.each([
    '',
    'null',
    '{"v":2,"generation":1,"sequence":2}',
    '{"v":1,"generation":-1,"sequence":2}',
    '{"v":1,"generation":1,"sequence":4294967296}',
    '{"v":1,"generation":1,"sequence":1,"after":0.5}',
    `{"v":1,"generation":1,"sequence":1,"more":"${'x'.repeat(256)}"}`,
  ])('%j is refused', (text) => {
    expect(() => decodeAsk(Buffer.from(text))).toThrow(Error)
  })
})

test('of a hundred thousand broken frames none is taken for another one, and none does harm', () => {
  const random = new Random(3)
  let taken = 0
  for (let round = 0; round < 100_000; round++) {
    const frame: Frame = { ...DELTA, added: someKeys(random, 20), removed: someKeys(random, 5) }
    const bytes = Buffer.from(encodeFrame(frame))
    for (let change = random.between(1, 4); change > 0; change--)
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255)
    const broken = bytes.subarray(0, random.next() < 0.2 ? random.between(0, bytes.length) : bytes.length)
    let read: Frame
    try {
      read = decodeFrame(broken)
    } catch (error) {
      expect((error as Error).message).toMatch(/^what came is no frame of an inventory: /)
      continue
    }
    taken++
    // One spelling of each frame: what is taken says what it says.
    if (!encodeFrame(read).equals(broken)) throw new Error(`taken for another one in round ${round}`)
  }
  expect(taken).toBeGreaterThan(100)
})
