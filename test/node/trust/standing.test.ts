import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  issueMemberCertificate,
  issueSeedCertificate,
  issueTicketCertificate,
  meshIdOf,
} from '../../../node/trust/certificates.ts'
import { generateKey, keyFromSeed, type SigningKey } from '../../../node/trust/keys.ts'
import { joinMesh, SEED_LIFETIME } from '../../../node/trust/membership.ts'
import { standingOf } from '../../../node/trust/standing.ts'
import { signStatement } from '../../../node/trust/statement.ts'
import { decodeTicket, ticketFacts } from '../../../node/trust/ticket.ts'
import { DAY, NOW, newPeer, refusal, TrialMesh } from './fixture.ts'

const mesh = new TrialMesh()
const { adminKey, seed, peer } = mesh
const seedChain = mesh.membership.chain
const [ticketText = '', memberText = ''] = mesh.joined.chain
const facts = ticketFacts(mesh.ticket)
const ticketKey = keyFromSeed(Buffer.from(mesh.ticket.key, 'base64url'))

const judge = (chain: readonly string[], shownBy = peer, now = NOW) =>
  standingOf(chain, { adminKey: adminKey.publicKey, peer: shownBy, now })
const reasonFor = (chain: readonly string[], shownBy?: string, now?: number) =>
  refusal('UNTRUSTED', () => judge(chain, shownBy, now)).message

describe('a chain that holds', () => {
  it('makes the creator of the mesh a seed for a year', () => {
    expect(judge(seedChain, seed)).toEqual({ peer: seed, role: 'seed', ticket: undefined, notAfter: NOW + SEED_LIFETIME })
  })

  it('makes a joiner a member as long as its ticket lasts', () => {
    expect(judge(mesh.joined.chain)).toEqual({ peer, role: 'member', ticket: facts.id, notAfter: NOW + 30 * DAY })
  })

  it('makes the joiner with a seed ticket a seed', () => {
    const other = new TrialMesh('seed')
    const init = { adminKey: other.adminKey.publicKey, peer: other.peer, now: NOW }
    expect(standingOf(other.joined.chain, init)).toMatchObject({ role: 'seed', ticket: ticketFacts(other.ticket).id })
  })

  it('holds up to the last moment, and then says since when it does not', () => {
    const [seedEnd, ticketEnd] = [NOW + SEED_LIFETIME, NOW + 30 * DAY]
    expect(judge(seedChain, seed, seedEnd).notAfter).toBe(seedEnd)
    expect(reasonFor(seedChain, seed, seedEnd + 1)).toBe('the seed certificate expired at 2027-01-01T00:00:00.000Z')
    expect(judge(mesh.joined.chain, peer, ticketEnd).notAfter).toBe(ticketEnd)
    expect(reasonFor(mesh.joined.chain, peer, ticketEnd + 1)).toBe('the ticket certificate expired at 2026-01-31T00:00:00.000Z')
  })

  it('is judged by the end of the ticket alone: a joiner could date its own certificate as it likes', () => {
    for (const issuedAt of [0, NOW + 10 * 365 * DAY]) {
      const chain = [ticketText, issueMemberCertificate({ mesh: facts.mesh, ticket: facts.id, peer, issuedAt }, ticketKey)]
      expect(judge(chain).notAfter).toBe(NOW + 30 * DAY)
      expect(reasonFor(chain, peer, NOW + 31 * DAY)).toMatch('expired')
    }
  })
})

describe('a chain that does not hold', () => {
  it('is refused when another peer shows it', () => {
    const thief = newPeer()
    expect(reasonFor(seedChain, thief)).toBe(`the seed certificate is for ${seed}, and ${thief} showed it`)
    expect(reasonFor(mesh.joined.chain, thief)).toBe(`the member certificate is for ${peer}, and ${thief} showed it`)
  })

  it('is refused under the admin key of another mesh', () => {
    const { publicKey } = generateKey()
    for (const [chain, by] of [
      [seedChain, seed],
      [mesh.joined.chain, peer],
    ] as const) {
      const error = refusal('UNTRUSTED', () => standingOf(chain, { adminKey: publicKey, peer: by, now: NOW }))
      expect(error.message).toMatch('its signature is wrong')
    }
  })

  it('is refused when its certificates name another mesh, rightly signed as they are', () => {
    const other = '0123456789abcdef'
    const dates = { issuedAt: NOW, notAfter: NOW + DAY }
    expect(reasonFor([issueSeedCertificate({ mesh: other, peer, ...dates }, adminKey)])).toBe(
      `the seed certificate is for mesh ${other}, and this is ${meshIdOf(adminKey.publicKey)}`,
    )
    const ticket = { id: facts.id, key: ticketKey.publicKey, role: 'member', ...dates } as const
    const foreignTicket = issueTicketCertificate({ mesh: other, ...ticket }, adminKey)
    expect(reasonFor([foreignTicket, memberText])).toMatch('the ticket certificate is for mesh')
    const foreignMember = issueMemberCertificate({ mesh: other, ticket: facts.id, peer, issuedAt: NOW }, ticketKey)
    expect(reasonFor([ticketText, foreignMember])).toMatch('the member certificate is for mesh')
  })

  it('is refused when the member certificate names another ticket than the one that its key belongs to', () => {
    const member = issueMemberCertificate({ mesh: facts.mesh, ticket: '00000000000000ff', peer, issuedAt: NOW }, ticketKey)
    expect(reasonFor([ticketText, member])).toBe(
      `the member certificate names ticket 00000000000000ff, and the ticket shown with it is ${facts.id}`,
    )
  })

  it('is refused when the member certificate is signed by another ticket key, by the admin key or by the peer itself', () => {
    for (const key of [generateKey(), adminKey]) {
      const member = issueMemberCertificate({ mesh: facts.mesh, ticket: facts.id, peer, issuedAt: NOW }, key)
      expect(reasonFor([ticketText, member])).toMatch('the member certificate is not accepted: its signature is wrong')
    }
  })

  it('is refused when the ticket is signed by a ticket key: a ticket makes members, not tickets', () => {
    const own = generateKey()
    const ticket = { id: facts.id, key: own.publicKey, role: 'seed', issuedAt: NOW, notAfter: NOW + DAY } as const
    const chain = [
      issueTicketCertificate({ mesh: facts.mesh, ...ticket }, ticketKey),
      issueMemberCertificate({ mesh: facts.mesh, ticket: facts.id, peer, issuedAt: NOW }, own),
    ]
    expect(reasonFor(chain)).toMatch('the ticket certificate is not accepted: its signature is wrong')
    expect(reasonFor([ticketText, ...chain])).toBe('a peer shows one certificate or two, and this one showed 3')
  })

  it('is refused when a ticket holder makes itself a seed', () => {
    const dates = { issuedAt: NOW, notAfter: NOW + DAY }
    expect(reasonFor([issueSeedCertificate({ mesh: facts.mesh, peer, ...dates }, ticketKey)])).toMatch('signature is wrong')
    const claim = { v: 1, mesh: facts.mesh, ticket: facts.id, peer, issuedAt: NOW, role: 'seed' }
    expect(reasonFor([ticketText, signStatement('member', claim, ticketKey)])).toMatch('other fields')
  })

  it('is refused when a certificate of the admin is shown as one of another kind', () => {
    // The same fields in both, so that nothing but the kind tells them apart.
    const both = { v: 1, mesh: facts.mesh, peer, issuedAt: NOW, notAfter: NOW + DAY }
    expect(judge([signStatement('seed', both, adminKey)]).role).toBe('seed')
    for (const kind of ['ticket', 'member', 'seed v1\nwarren', ''])
      expect(reasonFor([signStatement(kind, both, adminKey)])).toMatch('signature is wrong')
  })

  it('is refused when it is of a newer version, and says so', () => {
    const newer = { v: 2, mesh: facts.mesh, peer, issuedAt: NOW, notAfter: NOW + DAY }
    expect(reasonFor([signStatement('seed', newer, adminKey)])).toMatch('it has version 2: a newer Warren made it')
  })

  it('is refused when the admin signed more than this version understands, which may be a restriction', () => {
    const seedClaim = { v: 1, mesh: facts.mesh, peer, issuedAt: NOW, notAfter: NOW + DAY, more: 1 }
    expect(reasonFor([signStatement('seed', seedClaim, adminKey)])).toMatch('other fields')
    const ticketClaim = { ...seedClaim, peer: undefined, id: facts.id, key: ticketKey.publicKey, role: 'member' }
    expect(reasonFor([signStatement('ticket', ticketClaim, adminKey), memberText])).toMatch('other fields')
  })

  it.each([
    ['notAfter', 'never'],
    ['notAfter', -1],
    ['notAfter', 1.5],
    ['notAfter', 8_640_000_000_000_001],
    ['issuedAt', null],
    ['mesh', 'ABCDEF0123456789'],
    ['peer', ''],
    ['peer', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'],
  ])('is refused when the admin signed a seed certificate whose %s is %o', (field, value) => {
    const odd = { v: 1, mesh: facts.mesh, peer, issuedAt: NOW, notAfter: NOW + DAY, [field]: value }
    expect(reasonFor([signStatement('seed', odd, adminKey)])).toMatch(`its field «${field}» is missing or malformed`)
  })

  it.each([
    ['role', 'admin'],
    ['role', undefined],
    ['id', 'xyz'],
    ['key', 'AAAA'],
  ])('is refused when the admin signed a ticket whose %s is %o', (field, value) => {
    const ticket = { v: 1, mesh: facts.mesh, id: facts.id, key: ticketKey.publicKey, role: 'member', issuedAt: NOW }
    const odd = { ...ticket, notAfter: NOW + DAY, [field]: value }
    expect(reasonFor([signStatement('ticket', odd, adminKey), memberText])).toMatch(`its field «${field}»`)
  })
})

describe('what was revoked', () => {
  const revoked = (...what: readonly string[]) => ({
    ticketRevocation: (ticket: string) => what.find((one) => one === ticket),
    seedRevocation: (id: string) => what.find((one) => one === id),
  })
  const judgeWith = (chain: readonly string[], shownBy: string, ...what: readonly string[]) =>
    standingOf(chain, { adminKey: adminKey.publicKey, peer: shownBy, now: NOW, revocations: revoked(...what) })

  it('is a ticket with all that was made by it, and nothing else', () => {
    const { message } = refusal('UNTRUSTED', () => judgeWith(mesh.joined.chain, peer, facts.id))
    expect(message).toBe(`ticket ${facts.id} was revoked`)
    expect(judgeWith(mesh.joined.chain, peer, 'f'.repeat(16)).role).toBe('member')
    expect(judgeWith(seedChain, seed, facts.id).role).toBe('seed')
  })

  it('is a seed, whatever made it one, and no member of that name', () => {
    const { message } = refusal('UNTRUSTED', () => judgeWith(seedChain, seed, seed))
    expect(message).toBe(`${seed} was revoked as a seed`)
    expect(judgeWith(mesh.joined.chain, peer, seed, peer).role).toBe('member')
  })
})

describe('of all chains that can be made of good certificates', () => {
  const second = decodeTicket(mesh.newTicket())
  const other = new TrialMesh()
  const pool = [
    ...seedChain,
    ticketText,
    memberText,
    ...joinMesh({ ticket: second, peer, now: NOW }).chain,
    ...joinMesh({ ticket: mesh.ticket, peer: newPeer(), now: NOW }).chain.slice(1),
    ...other.membership.chain,
    ...joinMesh({ ticket: other.ticket, peer, now: NOW }).chain,
  ]
  const chains: string[][] = [[]]
  for (const a of pool) {
    chains.push([a])
    for (const b of pool) {
      chains.push([a, b])
      for (const c of pool) chains.push([a, b, c])
    }
  }

  it('only a ticket of this mesh with the member certificate that belongs to both it and the peer is accepted', () => {
    const accepted = chains.filter((chain) => {
      try {
        return judge(chain)
      } catch {
        reasonFor(chain)
        return false
      }
    })
    expect(accepted).toEqual([pool.slice(1, 3), pool.slice(3, 5)])
  })
})

describe('a good chain that was changed', () => {
  const good: readonly (readonly [readonly string[], string])[] = [
    [seedChain, seed],
    [mesh.joined.chain, peer],
  ]

  it.each(good)('is refused with any character of any part replaced or left out, and when it is cut anywhere', (chain, by) => {
    for (const [index, text] of chain.entries()) {
      for (let at = 0; at < text.length; at++) {
        const flipped = text.charAt(at) === 'A' ? 'B' : 'A'
        for (const changed of [
          text.slice(0, at) + flipped + text.slice(at + 1),
          text.slice(0, at) + text.slice(at + 1),
          text.slice(0, at),
        ])
          reasonFor(chain.with(index, changed), by)
      }
    }
  })

  it('is refused with any byte of any payload or signature changed', () => {
    const change = fc.record({
      which: fc.nat(1),
      index: fc.nat(1),
      part: fc.nat(1),
      at: fc.nat(1000),
      by: fc.integer({ min: 1, max: 255 }),
    })
    fc.assert(
      fc.property(change, ({ which, index, part, at, by }) => {
        const [chain, shownBy] = good[which] ?? [[], '']
        const parts = (chain[index % chain.length] ?? '').split('.').map((text) => Buffer.from(text, 'base64url'))
        const bytes = parts[part] ?? Buffer.alloc(1)
        bytes.writeUInt8(bytes.readUInt8(at % bytes.length) ^ by, at % bytes.length)
        const changed = parts.map((bytes) => bytes.toString('base64url')).join('.')
        reasonFor(chain.with(index % chain.length, changed), shownBy)
      }),
      { numRuns: 1000 },
    )
  })

  it('is refused, and by that code only, whatever texts it is made of', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...seedChain, ticketText))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 4 }), (chain) => void reasonFor(chain)),
      { numRuns: 1000 },
    )
  })
})

describe('whoever has a ticket key', () => {
  const forge = (payload: object, key: SigningKey = ticketKey) => [ticketText, signStatement('member', payload, key)]
  const honest = { v: 1, mesh: facts.mesh, ticket: facts.id, peer, issuedAt: NOW }

  it('gets what the ticket says and no more, whatever it signs', () => {
    const field = fc.constantFrom('v', 'mesh', 'ticket', 'peer', 'issuedAt', 'role', 'notAfter', 'key', '__proto__')
    fc.assert(
      fc.property(fc.dictionary(field, fc.oneof(fc.jsonValue(), fc.constantFrom('seed', NOW, 1)), { maxKeys: 3 }), (claims) => {
        try {
          const standing = judge(forge({ ...honest, ...claims }))
          expect(standing).toEqual({ peer, role: 'member', ticket: facts.id, notAfter: NOW + 30 * DAY })
        } catch {
          reasonFor(forge({ ...honest, ...claims }))
        }
      }),
      { numRuns: 1000 },
    )
  })
})
