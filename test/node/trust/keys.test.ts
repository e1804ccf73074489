import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { inspect } from 'node:util'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  generateKey,
  keyFromPem,
  keyFromSeed,
  keyToPem,
  peerIdOf,
  publicKeyOfPeer,
  verifySignature,
} from '../../../node/trust/keys.ts'
import { refusal, reveals } from './fixture.ts'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const text = Buffer.from('what was signed')

describe('a signing key', () => {
  it('signs and is verified as RFC 8032 says (section 7.1, test 2)', () => {
    const key = keyFromSeed(Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex'))
    const publicKey = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
    expect(Buffer.from(key.publicKey, 'base64url').toString('hex')).toBe(publicKey)
    const signature =
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
    expect(key.sign(Buffer.from('72', 'hex')).toString('hex')).toBe(signature)
    expect(verifySignature(key.publicKey, Buffer.from('72', 'hex'), Buffer.from(signature, 'hex'))).toBe(true)
  })

  it('is another one each time', () => {
    expect(generateKey().publicKey).not.toBe(generateKey().publicKey)
  })

  it('comes back from its seed and from its PEM, for any seed', () => {
    fc.assert(
      fc.property(bytes32, (seed) => {
        const key = keyFromSeed(seed)
        expect(key.seed).toEqual(Buffer.from(seed))
        expect(keyFromSeed(key.seed).publicKey).toBe(key.publicKey)
        expect(keyFromPem(keyToPem(key))?.seed).toEqual(key.seed)
      }),
    )
  })

  it('has a PEM that is PKCS#8 and signs the same elsewhere', () => {
    const key = generateKey()
    const pem = keyToPem(key)
    expect(pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n[\w+/=]+\n-----END PRIVATE KEY-----\n$/)
    expect(sign(null, text, createPrivateKey(pem))).toEqual(key.sign(text))
  })

  it('keeps its seed when a caller wipes the bytes it got or gave', () => {
    const given = randomBytes(32)
    const key = keyFromSeed(given)
    const pem = keyToPem(key)
    given.fill(0)
    key.seed.fill(0)
    expect(keyToPem(key)).toBe(pem)
  })

  it('shows its seed to nobody who only prints it', () => {
    const key = generateKey()
    for (const secret of [key.seed.toString('base64url'), key.seed.toString('hex'), inspect(key.seed)]) {
      expect(reveals(inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify(key), secret)).toBe(false)
    }
  })

  it.each([0, 31, 33, 64])('is not made of %i bytes', (length) => {
    expect(() => keyFromSeed(randomBytes(length))).toThrow(RangeError)
  })
})

describe('a PEM that is no Ed25519 key', () => {
  const pemOf = (key: { export(options: { format: 'pem'; type: 'pkcs8' }): string | Buffer }) =>
    key.export({ format: 'pem', type: 'pkcs8' }).toString()
  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['half of one', keyToPem(generateKey()).slice(0, 60)],
    ['a public key', generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    ['an X25519 key', pemOf(generateKeyPairSync('x25519').privateKey)],
    ['an Ed448 key', pemOf(generateKeyPairSync('ed448').privateKey)],
    ['an EC key', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    [
      'an encrypted key',
      generateKeyPairSync('ed25519')
        .privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
    ],
  ])('is none: %s', (_name, pem) => {
    expect(keyFromPem(pem)).toBeUndefined()
  })

  it('is none, whatever it is', () => {
    fc.assert(fc.property(fc.string(), (pem) => keyFromPem(pem) === undefined))
  })
})

describe('a signature', () => {
  const key = generateKey()
  const signature = key.sign(text)

  it('counts for these bytes and this key only', () => {
    expect(verifySignature(key.publicKey, text, signature)).toBe(true)
    expect(verifySignature(key.publicKey, Buffer.from('what was not'), signature)).toBe(false)
    expect(verifySignature(generateKey().publicKey, text, signature)).toBe(false)
  })

  it('has no second form: S and S + L are not both right (RFC 8032 section 5.1.7)', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order
    const other = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()])
    expect(verifySignature(key.publicKey, text, other)).toBe(false)
  })

  it('is wrong with any bit changed, and nothing is thrown', () => {
    for (let bit = 0; bit < 512; bit++) {
      const changed = Buffer.from(signature)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(verifySignature(key.publicKey, text, changed)).toBe(false)
    }
  })

  it('is wrong, and nothing is thrown, whatever is said to be key and signature', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), bytes32.map(toBase64url)), fc.uint8Array({ maxLength: 80 }), (publicKey, bytes) => {
        expect(verifySignature(publicKey, text, bytes)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['padded', `${key.publicKey}=`],
    ['spaced', `${key.publicKey} `],
    ['cut', key.publicKey.slice(0, -1)],
    ['in the other alphabet', '+/'.padEnd(43, 'A')],
    ['with spare bits set', key.publicKey.slice(0, -1) + nextChar(key.publicKey.slice(-1))],
  ])('is wrong for a key that is not spelt as it should be: %s', (_name, publicKey) => {
    expect(verifySignature(publicKey, text, signature)).toBe(false)
  })
})

describe('a peer id', () => {
  it('is the one that libp2p gives the key, for any seed', async () => {
    await fc.assert(
      fc.asyncProperty(bytes32, async (seed) => {
        const key = keyFromSeed(seed)
        const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))
        expect(peerIdOf(key.publicKey)).toBe(theirs.toString())
        expect(publicKeyOfPeer(theirs.toString())).toBe(toBase64url(theirs.publicKey.raw))
        expect(publicKeyOfPeer(theirs.toString())).toBe(key.publicKey)
      }),
    )
  })

  it('is read as libp2p reads it, or not at all', () => {
    const known = peerIdOf(generateKey().publicKey)
    const damaged = fc
      .tuple(fc.nat(known.length - 1), fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl .='))
      .map(([at, char]) => known.slice(0, at) + char + known.slice(at + 1))
    fc.assert(
      fc.property(damaged, (id) => {
        const publicKey = publicKeyOfPeer(id)
        if (publicKey === undefined) return
        expect(peerIdFromString(id).toString()).toBe(id)
        expect(peerIdOf(publicKey)).toBe(id)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ['nothing', ''],
    ['with a space', `${peerIdOf(generateKey().publicKey)} `],
    ['with a leading 1', `1${peerIdOf(generateKey().publicKey)}`],
    ['with the prefix of a multibase', `z${peerIdOf(generateKey().publicKey)}`],
    ['with a character that the decoder takes for a zero', peerIdOf(generateKey().publicKey).replace('1', '1€')],
    ['of a secp256k1 key', '16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs'],
    ['of an RSA key', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'],
    ['as a CID', 'bafzaajaiaejcal72gwuz2or47oyxxn6b3rkwdmmkrxgkjxzy3rqt5kczyn7lcm3l'],
    // Decoding takes time by the square of the length: hours for this one.
    ['of endless length', 'z'.repeat(3_000_000)],
  ])('is refused when it is none of an Ed25519 key: %s', (_name, id) => {
    expect(publicKeyOfPeer(id)).toBeUndefined()
  })

  it('is not made of what is no public key', () => {
    for (const publicKey of ['', 'AAAA', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}B`])
      refusal('UNTRUSTED', () => peerIdOf(publicKey))
  })
})

function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** The next one in the alphabet: in the last place of 43 it only changes bits that stand for nothing. */
function nextChar(char: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet.charAt(alphabet.indexOf(char) + 1)
}
