import { X509Certificate } from 'node:crypto'
import { verifyPeerCertificate } from '@libp2p/tls/utils'
import { describe, expect, it } from 'vitest'
import { identityCertificate } from '../../../../node/mesh/blobs/identity-certificate.ts'
import { generateKey, peerIdOf } from '../../../../node/trust/keys.ts'

describe('an identity certificate', () => {
  it('proves the peer id of its key to libp2p', async () => {
    const key = generateKey()
    const { cert } = await identityCertificate(key)
    const peer = await verifyPeerCertificate(new X509Certificate(cert).raw)
    expect(peer.toString()).toBe(peerIdOf(key.publicKey))
  })

  it('is taken however clocks differ, and has no end', async () => {
    const certificate = new X509Certificate((await identityCertificate(generateKey())).cert)
    expect(certificate.validFromDate).toEqual(new Date(Date.UTC(2020, 0, 1)))
    expect(certificate.validToDate.getUTCFullYear()).toBe(9999)
  })

  it('is one that OpenSSL verifies by its own key', async () => {
    const certificate = new X509Certificate((await identityCertificate(generateKey())).cert)
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    expect([certificate.subject, certificate.issuer]).toEqual(['CN=warren', 'CN=warren'])
  })

  it('has a key and a number of its own each time', async () => {
    const key = generateKey()
    const made = await Promise.all([1, 2].map(() => identityCertificate(key)))
    const [first, second] = made.map(({ cert }) => new X509Certificate(cert))
    expect(first?.serialNumber).not.toBe(second?.serialNumber)
    expect(made[0]?.key).not.toBe(made[1]?.key)
  })

  it('proves nothing when somebody else signed it', async () => {
    const [victim, liar] = [generateKey(), generateKey()]
    const forged = { publicKey: victim.publicKey, seed: liar.seed, sign: (bytes: Uint8Array) => liar.sign(bytes) }
    const { cert } = await identityCertificate(forged)
    await expect(verifyPeerCertificate(new X509Certificate(cert).raw)).rejects.toThrow('verify signature')
  })
})
