import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { CID } from 'multiformats/cid'
import { create, decode } from 'multiformats/hashes/digest'
import { describe, expect, it } from 'vitest'
import { type Algorithm, DIGEST_BYTES, type Digest } from '../../../../node/digest.ts'
import { cidOf, digestOfMultihash, multihashOf } from '../../../../node/mesh/dht/multihash.ts'

const SEED = 20260301
const CODES = { md5: 0xd5, sha1: 0x11, sha256: 0x12, sha384: 0x20, sha512: 0x13, h1: 0x300001, h1mod: 0x300002 }
const algorithms = Object.keys(DIGEST_BYTES) as Algorithm[]
const digestOf = (algorithm: Algorithm): Digest => ({
  algorithm,
  hex: createHash('sha512')
    .update(`${algorithm}: warren`)
    .digest('hex')
    .slice(0, 2 * DIGEST_BYTES[algorithm]),
})

describe.each(algorithms)('the multihash of a %s digest', (algorithm) => {
  const digest = digestOf(algorithm)

  it('has the code and the length that the multicodec table gives, or a private one', () => {
    const { code, digest: bytes } = decode(multihashOf(digest))
    expect(code).toBe(CODES[algorithm])
    expect(Buffer.from(bytes).toString('hex')).toBe(digest.hex)
  })

  it('comes back as the digest, with its envelope and without', () => {
    expect(digestOfMultihash(multihashOf(digest))).toEqual(digest)
    expect(digestOfMultihash(cidOf(digest).multihash.bytes)).toEqual(digest)
  })

  it('is read as a whole CID by whoever gets it as the key of a message', () => {
    const received = CID.decode(cidOf(digest).multihash.bytes)
    expect(Buffer.from(received.multihash.bytes)).toEqual(Buffer.from(multihashOf(digest)))
  })
})

it('needs its envelope: a bare multihash of anything but sha256 is no CID', () => {
  const readable = algorithms.filter((algorithm) => {
    try {
      return CID.decode(multihashOf(digestOf(algorithm)))
    } catch {
      return false
    }
  })
  expect(readable).toEqual(['sha256'])
})

it('finds no digest in what is none', () => {
  expect(digestOfMultihash(new Uint8Array())).toBeUndefined()
  expect(digestOfMultihash(create(0x1b, Buffer.alloc(32)).bytes)).toBeUndefined()
  expect(digestOfMultihash(create(0x12, Buffer.alloc(31)).bytes)).toBeUndefined()
  expect(digestOfMultihash(create(1, create(1, multihashOf(digestOf('sha256'))).bytes).bytes)).toBeUndefined()
})

it('never throws, whatever a member sends for a key', () => {
  const known = fc.constantFrom(...algorithms).map((algorithm) => cidOf(digestOf(algorithm)).multihash.bytes)
  const spoilt = fc.tuple(known, fc.nat(80), fc.uint8Array({ maxLength: 4 })).map(([bytes, at, patch]) => {
    const copy = Buffer.from(bytes)
    copy.set(patch.subarray(0, Math.max(0, copy.length - at)), Math.min(at, copy.length))
    return copy
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), spoilt), (bytes) => {
      const digest = digestOfMultihash(bytes)
      if (digest) expect(digestOfMultihash(multihashOf(digest))).toEqual(digest)
    }),
    { seed: SEED, numRuns: 2000 },
  )
})
