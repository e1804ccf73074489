import { X509Certificate } from 'node:crypto'
import { verifyPeerCertificate } from '@libp2p/tls/utils'
import { describe, expect, it } from 'vitest'
import { identityCertificate } from '../../../../node/mesh/blobs/identity-certificate.ts'
import { generateKey, peerIdOf } from '../../../../node/trust/keys.ts'

const DAY = 24 * 3_600_000

describe('an identity certificate', () => {
  it('proves the peer id of its key to libp2p', async () => {
    const key = generateKey()
    const { cert } = await identityCertificate(key, Date.now())
    const peer = await verifyPeerCertificate(new X509Certificate(cert).raw)
    expect(peer.toString()).toBe(peerIdOf(key.publicKey))
  })

  it('is taken by clocks that are weeks behind, and has no end', async () => {
    const now = Date.UTC(2026, 5, 1)
    const certificate = new X509Certificate((await identityCertificate(generateKey(), now)).cert)
    expect(certificate.validFromDate).toEqual(new Date(now - 30 * DAY))
    expect(certificate.validToDate.getUTCFullYear()).toBe(9999)
  })

  it('is one that OpenSSL verifies by its own key, also where years need four digits', async () => {
    for (const year of [2026, 2049, 2051]) {
      const certificate = new X509Certificate((await identityCertificate(generateKey(), Date.UTC(year, 6, 1))).cert)
      expect(certificate.verify(certificate.publicKey)).toBe(true)
      expect(certificate.validFromDate).toEqual(new Date(Date.UTC(year, 5, 1)))
      expect([certificate.subject, certificate.issuer]).toEqual(['CN=warren', 'CN=warren'])
    }
  })

  it('has a key and a number of its own each time', async () => {
    const key = generateKey()
    const made = await Promise.all([1, 2].map(() => identityCertificate(key, Date.now())))
    const [first, second] = made.map(({ cert }) => new X509Certificate(cert))
    expect(first?.serialNumber).not.toBe(second?.serialNumber)
    expect(made[0]?.key).not.toBe(made[1]?.key)
  })

  it('proves nothing when somebody else signed it', async () => {
    const [victim, liar] = [generateKey(), generateKey()]
    const forged = { publicKey: victim.publicKey, seed: liar.seed, sign: (bytes: Uint8Array) => liar.sign(bytes) }
    const { cert } = await identityCertificate(forged, Date.now())
    await expect(verifyPeerCertificate(new X509Certificate(cert).raw)).rejects.toThrow('verify signature')
  })
})
