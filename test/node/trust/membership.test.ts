import { describe, expect, it } from 'vitest'
import { meshIdOf } from '../../../node/trust/certificates.ts'
import { generateKey } from '../../../node/trust/keys.ts'
import { createMesh, issueTicket, joinMesh, membershipSchema, SEED_LIFETIME } from '../../../node/trust/membership.ts'
import { standingOf } from '../../../node/trust/standing.ts'
import { decodeTicket, MAX_ADDRESSES } from '../../../node/trust/ticket.ts'
import { DAY, NOW, newPeer, refusal, reveals, shown, TrialMesh } from './fixture.ts'

const mesh = new TrialMesh()
const issue = (change: Partial<Parameters<typeof issueTicket>[0]> = {}) =>
  issueTicket({
    adminKey: mesh.adminKey,
    membership: mesh.membership,
    role: 'member',
    notAfter: NOW + DAY,
    now: NOW,
    ...change,
  })

describe('creating a mesh', () => {
  it('makes its creator a seed for a year, with a secret and an admin key of its own', () => {
    const { membership, adminKey, seed } = mesh
    expect(membership).toMatchObject({ v: 1, mesh: meshIdOf(adminKey.publicKey), adminKey: adminKey.publicKey, joinedAt: NOW })
    expect(Buffer.from(membership.secret, 'base64url')).toHaveLength(32)
    const standing = standingOf(membership.chain, { adminKey: membership.adminKey, peer: seed, now: NOW })
    expect(standing).toMatchObject({ role: 'seed', notAfter: NOW + SEED_LIFETIME })
    const other = createMesh({ peer: seed, addresses: [], now: NOW }).membership
    for (const field of ['mesh', 'adminKey', 'secret'] as const) expect(other[field]).not.toBe(membership[field])
  })

  it('keeps no more addresses than a ticket can carry', () => {
    const addresses = Array.from({ length: 40 }, (_, index) => `10.0.0.${index}:7471`)
    const { membership, adminKey } = createMesh({ peer: newPeer(), addresses, now: NOW })
    expect(membership.addresses).toEqual(addresses.slice(0, MAX_ADDRESSES))
    expect(membershipSchema.parse(membership)).toEqual(membership)
    expect(decodeTicket(issue({ adminKey, membership })).addresses).toEqual(membership.addresses)
    expect(decodeTicket(issue({ adminKey, membership, addresses })).addresses).toEqual(membership.addresses)
  })
})

describe('issuing a ticket', () => {
  it('takes the addresses that are given, else those of the membership', () => {
    expect(decodeTicket(issue()).addresses).toEqual(mesh.membership.addresses)
    expect(decodeTicket(issue({ addresses: ['seed.example:7471'] })).addresses).toEqual(['seed.example:7471'])
    expect(decodeTicket(issue({ addresses: [] })).addresses).toEqual([])
  })

  it('needs the admin key of that mesh', () => {
    const other = generateKey()
    const error = refusal('MESH_CONFLICT', () => issue({ adminKey: other }))
    expect(error.message).toBe(
      `the admin key is that of mesh ${meshIdOf(other.publicKey)}, and this node is in mesh ${mesh.membership.mesh}`,
    )
  })

  it.each([
    [NOW, 'a ticket has to end in the future'],
    [NOW - 1, 'a ticket has to end in the future'],
    [Number.NaN, 'a ticket has to end in the future'],
    [Number.POSITIVE_INFINITY, 'its field «notAfter» is missing or malformed'],
    [NOW + 0.5, 'its field «notAfter» is missing or malformed'],
    [8.64e15 + 2, 'its field «notAfter» is missing or malformed'],
  ])('refuses to end at %d', (notAfter, reason) => {
    expect(refusal('TICKET_INVALID', () => issue({ notAfter })).message).toMatch(reason)
  })
})

describe('joining by a ticket', () => {
  it('gives a membership that all others accept, and that can be kept', () => {
    const { joined, membership, peer } = mesh
    expect(membershipSchema.parse(JSON.parse(JSON.stringify(joined)))).toEqual(joined)
    expect(joined).toMatchObject({
      mesh: membership.mesh,
      secret: membership.secret,
      adminKey: membership.adminKey,
      joinedAt: NOW,
    })
    expect(standingOf(joined.chain, { adminKey: membership.adminKey, peer, now: NOW }).peer).toBe(peer)
  })

  it('works for any number of machines', () => {
    const peers = Array.from({ length: 5 }, newPeer)
    for (const peer of peers) {
      const { chain, adminKey } = joinMesh({ ticket: mesh.ticket, peer, now: NOW })
      expect(standingOf(chain, { adminKey, peer, now: NOW }).role).toBe('member')
    }
  })

  it('is refused after the end of the ticket, with the date', () => {
    const join = (now: number) => joinMesh({ ticket: mesh.ticket, peer: mesh.peer, now })
    expect(join(NOW + 30 * DAY).joinedAt).toBe(NOW + 30 * DAY)
    expect(refusal('TICKET_INVALID', () => join(NOW + 30 * DAY + 1)).message).toBe(
      "the ticket expired at 2026-01-31T00:00:00.000Z: ask the mesh's admin for a new one",
    )
  })

  it('is refused by a ticket whose parts do not belong together, although nobody decoded it', () => {
    const key = generateKey().seed.toString('base64url')
    const error = refusal('TICKET_INVALID', () => joinMesh({ ticket: { ...mesh.ticket, key }, peer: mesh.peer, now: NOW }))
    for (const secret of [key, mesh.ticket.key, mesh.ticket.secret]) expect(reveals(shown(error), secret)).toBe(false)
    const adminKey = generateKey().publicKey
    refusal('TICKET_INVALID', () => joinMesh({ ticket: { ...mesh.ticket, adminKey }, peer: mesh.peer, now: NOW }))
  })

  it('is refused to what has no peer id of an Ed25519 key', () => {
    const join = (peer: string) => () => joinMesh({ ticket: mesh.ticket, peer, now: NOW })
    for (const peer of ['', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'])
      expect(refusal('UNTRUSTED', join(peer)).message).toMatch('its field «peer» is missing or malformed')
  })
})

describe('a membership', () => {
  it.each([
    ['mesh', '0123456789abcdef'],
    ['adminKey', generateKey().publicKey],
    ['secret', 'AAAA'],
    ['chain', []],
    ['chain', ['a', 'b', 'c']],
    ['chain', ['x'.repeat(2049)]],
    ['addresses', ['']],
    ['joinedAt', -1],
    ['v', 2],
    ['more', 1],
  ])('is none with %s = %j', (field, value) => {
    expect(membershipSchema.safeParse(mesh.joined).success).toBe(true)
    expect(membershipSchema.safeParse({ ...mesh.joined, [field]: value }).success).toBe(false)
  })
})
