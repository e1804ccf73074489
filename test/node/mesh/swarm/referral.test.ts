import { describe, expect, it } from 'vitest'
import { readPage } from '../../../../node/mesh/swarm/chunk-page.ts'
import { decodeReferral, encodeReferral } from '../../../../node/mesh/swarm/referral.ts'

describe('a referral', () => {
  it('comes out as it went in', () => {
    const others = [
      { peer: 'one', at: 0 },
      { peer: 'other', at: 5 << 20 },
    ]
    expect(decodeReferral(encodeReferral(others))).toEqual(others)
    expect(decodeReferral(encodeReferral([]))).toEqual([])
  })

  it.each([
    ['no JSON', 'later'],
    ['of another version', '{"v":2,"others":[]}'],
    ['a list of too many', JSON.stringify({ v: 1, others: Array(5).fill({ peer: 'p', at: 0 }) })],
    ['an id of any length', JSON.stringify({ v: 1, others: [{ peer: 'p'.repeat(200), at: 0 }] })],
    ['an offset that is none', JSON.stringify({ v: 1, others: [{ peer: 'p', at: -1 }] })],
    ['null', 'null'],
  ])('is none that is %s', (_, text) => {
    expect(decodeReferral(text)).toBeUndefined()
  })
})

describe('a page of a chunk list', () => {
  const SIZE = { 'x-warren-size': String(10 << 20), 'x-warren-sure': 'no' }

  it('is hashes and what they are of', () => {
    const hashes = Buffer.alloc(64, 7)
    expect(readPage(SIZE, hashes)).toEqual({ size: 10 << 20, sure: false, hashes })
  })

  it.each([
    ['without a size', {}, 64],
    ['of a small blob', { ...SIZE, 'x-warren-size': '5' }, 64],
    ['of one that is larger than any', { ...SIZE, 'x-warren-size': '9'.repeat(13) }, 64],
    ['with half a hash', SIZE, 33],
  ])('is none %s', (_, headers, length) => {
    expect(() => readPage(headers, Buffer.alloc(length))).toThrow('no chunk list')
  })
})
