import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Op, signOp } from '../../../node/ledger/op.ts'
import { LedgerState } from '../../../node/ledger/state.ts'
import { MAX_CARD_BYTES } from '../../../node/mesh/gate.ts'
import { MemberGate } from '../../../node/mesh/member-gate.ts'
import { issueSeedCertificate } from '../../../node/trust/certificates.ts'
import type { Membership } from '../../../node/trust/membership.ts'
import { ticketFacts } from '../../../node/trust/ticket.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { DAY, NOW, newPeer, refusal, TrialMesh } from '../trust/fixture.ts'

const VERSION = '1.2.3'
const mesh = new TrialMesh()

function gateOf(membership: Membership, self: string, clock = new VirtualClock(NOW)): MemberGate {
  return new MemberGate({ clock, state: new LedgerState(membership) }, { membership, self, version: VERSION })
}

/** The gate of the seed, which others knock at. */
const door = (clock?: VirtualClock) => gateOf(mesh.membership, mesh.seed, clock)

/** The card of the one that joined, with some of its fields changed. */
function cardWith(fields: Record<string, unknown>): Buffer {
  const card = JSON.parse(gateOf(mesh.joined, mesh.peer).card().toString())
  return Buffer.from(JSON.stringify({ ...card, ...fields }))
}

const admit = (card: Buffer, peer = mesh.peer) => door().admit(peer, card)

describe('the card of a member', () => {
  it('lets it in, with what it proves and what it says', () => {
    const gate = gateOf(mesh.joined, mesh.peer)
    gate.blobs = ['192.0.2.1:7472', '[2001:db8::1]:7472', 'runner-7.example.test:7472', 'warren_seed_1:7472']
    expect(admit(gate.card())).toEqual({
      peer: mesh.peer,
      role: 'member',
      notAfter: NOW + 30 * DAY,
      version: VERSION,
      blobs: gate.blobs,
      ticket: ticketFacts(mesh.ticket).id,
    })
  })

  it('tells where it is, if it was told, by a name that may stand in a table', () => {
    const init = { membership: mesh.joined, self: mesh.peer, version: VERSION, zone: 'eu-west-1a' }
    expect(
      admit(new MemberGate({ clock: new VirtualClock(NOW), state: new LedgerState(mesh.membership) }, init).card()).zone,
    ).toBe('eu-west-1a')
    for (const zone of ['', 'a b', 'x'.repeat(65), '\u001b[31m', 7, null])
      expect(() => admit(cardWith({ zone }))).toThrow('zone')
  })

  it('lets a seed in as one', () => {
    const { role, blobs } = gateOf(mesh.joined, mesh.peer).admit(mesh.seed, door().card())
    expect([role, blobs]).toEqual(['seed', []])
  })

  it('is small, names sixteen addresses at most, and has nothing secret in it', () => {
    const gate = gateOf(mesh.joined, mesh.peer)
    gate.blobs = Array.from({ length: 40 }, (_, at) => `runner-${at}.example.test:7472`)
    const card = gate.card()
    expect(card.length).toBeLessThan(MAX_CARD_BYTES / 2)
    expect(admit(card).blobs).toEqual(gate.blobs.slice(0, 16))
    const text = card.toString()
    expect([mesh.joined.secret, mesh.ticket.key].filter((secret) => text.includes(secret))).toEqual([])
  })

  it('may have fields that this version does not know', () => {
    expect(admit(cardWith({ colour: 'red', more: { of: ['it'] } }))).not.toHaveProperty('colour')
  })

  it('is that of a newer Warren when its version says so, whatever else is in it', () => {
    expect(refusal('UNTRUSTED', () => admit(Buffer.from('{"v":2}'))).message).toContain('a newer Warren made it')
  })

  const address = (text: unknown) => ({ blobs: [text] })
  const long = `${'a'.repeat(254)}.b`
  it.each<[string, Record<string, unknown>]>([
    ['no version', { v: undefined }],
    ['an older version than the first', { v: 0 }],
    ['no certificate', { chain: [] }],
    ['three certificates', { chain: [...mesh.joined.chain, mesh.joined.chain[0]] }],
    ['a certificate that is no text', { chain: [{}] }],
    ['no chain', { chain: undefined }],
    ['no software version', { version: '' }],
    ['a software version that would draw on a terminal', { version: '\u001b[2J' }],
    ['an endless software version', { version: '1'.repeat(65) }],
    ['seventeen addresses', { blobs: Array.from({ length: 17 }, () => '192.0.2.1:7472') }],
    ['no list of addresses', { blobs: '192.0.2.1:7472' }],
    ['an address without a port', address('192.0.2.1')],
    ['an address with port 0', address('192.0.2.1:0')],
    ['an address with a port of six digits', address('192.0.2.1:700000')],
    ['an address with a port that is none', address('192.0.2.1:65536')],
    ['an address at which clouds hand out credentials', address('169.254.169.254:80')],
    ['an address that means whoever dials it', address('0.0.0.0:7472')],
    ['an address with a padded port', address('192.0.2.1:07472')],
    ['an address without a host', address(':7472')],
    ['an IPv6 address without brackets', address('2001:db8::1:7472')],
    ['an IPv6 address of an interface', address('[fe80::1%eth0]:7472')],
    ['a URL', address('http://192.0.2.1:7472')],
    ['an address with a path', address('192.0.2.1:7472/x')],
    ['an address with a user', address('me@192.0.2.1:7472')],
    ['an address with a line break', address('192.0.2.1:7472\r\nhost: x')],
    ['an address that is no text', address(7472)],
    ['a host that is too long', address(`${long}:7472`)],
  ])('is refused with %s', (_, fields) => {
    const { message } = refusal('UNTRUSTED', () => admit(cardWith(fields)))
    expect(message).toContain(mesh.peer)
    // Whatever somebody wrote into it ends in no log.
    expect(message).not.toMatch(/\p{Cc}/u)
  })

  it.each(['', '{', 'null', '[]', '"card"', '7', '{"v":1}', '\u0000'])('is refused when it is «%s»', (text) => {
    refusal('UNTRUSTED', () => admit(Buffer.from(text)))
  })

  it('is refused whatever it is that is no card', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(Buffer.from)), (bytes) => {
        refusal('UNTRUSTED', () => admit(Buffer.from(bytes)))
      }),
      { seed: 1, numRuns: 300 },
    )
  })
})

describe('who has no card of the mesh', () => {
  it('is one who shows that of somebody else', () => {
    expect(refusal('UNTRUSTED', () => admit(cardWith({}), newPeer())).message).toContain(mesh.peer)
  })

  it('is one of another mesh, also when that has the same secret', () => {
    const other = new TrialMesh()
    const stolen: Membership = { ...other.joined, secret: mesh.joined.secret }
    refusal('UNTRUSTED', () => admit(gateOf(stolen, other.peer).card(), other.peer))
  })

  it('is this node itself: whoever comes by its own peer id has met itself', () => {
    const gate = gateOf(mesh.joined, mesh.peer)
    expect(refusal('UNTRUSTED', () => gate.admit(mesh.peer, gate.card())).message).toContain('this node itself')
  })

  it('is one whose ticket has ended, from that moment on', async () => {
    const clock = new VirtualClock(NOW)
    const gate = door(clock)
    await clock.advance(30 * DAY)
    expect(gate.admit(mesh.peer, cardWith({})).notAfter).toBe(clock.now())
    await clock.advance(1)
    expect(refusal('UNTRUSTED', () => gate.admit(mesh.peer, cardWith({}))).message).toContain('expired')
  })
})

describe('the own standing', () => {
  it('is that of the own certificate, until it ends', async () => {
    const clock = new VirtualClock(NOW)
    const gate = gateOf(mesh.joined, mesh.peer, clock)
    expect(gate.standing).toMatchObject({ peer: mesh.peer, role: 'member', notAfter: NOW + 30 * DAY })
    expect(door(clock).standing).toMatchObject({ peer: mesh.seed, role: 'seed', ticket: undefined })
    await clock.advance(30 * DAY + 1)
    expect(refusal('UNTRUSTED', () => gate.standing).message).toContain('expired')
  })

  it('is none with the certificate of another node: a data folder was copied without its key', () => {
    refusal('UNTRUSTED', () => gateOf(mesh.joined, newPeer()).standing)
  })
})

describe('what the ledger says of a member', () => {
  const ticket = ticketFacts(mesh.ticket).id
  let lamport = 0
  const op = (type: string, body: Record<string, unknown>) =>
    signOp({ mesh: mesh.membership.mesh, seq: ++lamport, prev: null, lamport, issuedAt: NOW, type, body }, mesh.adminKey)
  const certificate = (notAfter: number, peer = mesh.peer) =>
    issueSeedCertificate({ mesh: mesh.membership.mesh, peer, issuedAt: NOW, notAfter }, mesh.adminKey)
  const gateWith = (...ops: Op[]) => {
    const state = new LedgerState(mesh.membership)
    for (const one of ops) state.apply(one)
    const heard: string[] = []
    const clock = new VirtualClock(NOW)
    const init = { membership: mesh.membership, self: mesh.seed, version: VERSION }
    return { gate: new MemberGate({ clock, state, onFarewell: (text) => heard.push(text) }, init), state, clock, heard }
  }
  const shown = () => gateOf(mesh.joined, mesh.peer).card()

  it('keeps out whoever joined by a ticket that was revoked, and tells it by the op itself', () => {
    const revoked = op('ticket.revoke', { ticket })
    const { gate } = gateWith(revoked)
    expect(refusal('UNTRUSTED', () => gate.admit(mesh.peer, shown())).message).toBe(`ticket ${ticket} was revoked`)
    const farewell = gate.farewell(mesh.peer, shown())
    expect(JSON.parse(`${farewell}`)).toEqual({ v: 1, revoked: revoked.text })
    // Who hears it.
    const { gate: other, heard } = gateWith()
    expect(refusal('UNTRUSTED', () => other.admit(mesh.peer, farewell as Buffer)).message).toBe(
      `${mesh.peer} says that this node was revoked`,
    )
    expect(heard).toEqual([revoked.text])
  })

  it.each<[string, () => [string, Buffer]]>([
    ['a stranger', () => [newPeer(), Buffer.from('{"v":1}')]],
    ['who shows the card of somebody else', () => [newPeer(), shown()]],
    [
      'a member of another mesh',
      () => {
        const other = new TrialMesh()
        return [other.peer, gateOf(other.joined, other.peer).card()]
      },
    ],
    ['a member that was not revoked', () => [mesh.seed, door().card()]],
  ])('is told to nobody else, such as %s', (_, make) => {
    expect(gateWith(op('ticket.revoke', { ticket })).gate.farewell(...make())).toBe(undefined)
  })

  it('changes what somebody is who was admitted before', () => {
    const { gate, state, clock } = gateWith()
    const admitted = gate.admit(mesh.peer, shown())
    expect(gate.current(admitted)).toEqual(admitted)
    state.apply(op('seed.certify', { certificate: certificate(NOW + 60 * DAY) }))
    expect(gate.current(admitted)).toEqual({ ...admitted, role: 'seed', notAfter: NOW + 60 * DAY })
    expect(gate.admit(mesh.peer, shown())).toEqual({ ...admitted, role: 'seed', notAfter: NOW + 60 * DAY })
    // What it joined by is no matter then, for as long as the certificate lasts.
    state.apply(op('ticket.revoke', { ticket }))
    expect(gate.current(admitted)?.role).toBe('seed')
    expect(gate.admit(mesh.peer, shown())).toMatchObject({ role: 'seed', notAfter: NOW + 60 * DAY })
    clock.jump(61 * DAY)
    expect(gate.current(admitted)).toBe(undefined)
    refusal('UNTRUSTED', () => gate.admit(mesh.peer, shown()))
  })

  it('ends a seed that was revoked, whatever made it one; as a member it may come back', () => {
    const { gate, state } = gateWith(op('seed.certify', { certificate: certificate(NOW + 60 * DAY) }))
    const certified = gate.admit(mesh.peer, shown())
    state.apply(op('seed.revoke', { peer: mesh.peer }))
    expect(gate.current(certified)).toBe(undefined)
    expect(gate.admit(mesh.peer, shown()).role).toBe('member')
    const byTicket = new TrialMesh('seed')
    const init = { membership: byTicket.membership, self: byTicket.seed, version: VERSION }
    const revocation = { mesh: byTicket.membership.mesh, seq: 1, prev: null, lamport: 1, issuedAt: NOW, type: 'seed.revoke' }
    const other = new LedgerState(byTicket.membership)
    other.apply(signOp({ ...revocation, body: { peer: byTicket.peer } }, byTicket.adminKey))
    const its = new MemberGate({ clock: new VirtualClock(NOW), state: other }, init)
    const { message } = refusal('UNTRUSTED', () => its.admit(byTicket.peer, gateOf(byTicket.joined, byTicket.peer).card()))
    expect(message).toBe(`${byTicket.peer} was revoked as a seed`)
  })
})
