import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Op } from '../../../node/ledger/op.ts'
import { LedgerState } from '../../../node/ledger/state.ts'
import { generateKey } from '../../../node/trust/keys.ts'
import { DAY, NOW, newPeer } from '../trust/fixture.ts'
import { certificateFor, effectIn, mesh, opWith, scope, TICKET } from './fixture.ts'

const PEER = newPeer()
const YEAR = NOW + 365 * DAY

function stateOf(...ops: readonly Op[]): LedgerState {
  const state = new LedgerState(scope)
  for (const op of ops) state.apply(op)
  return state
}

const revoke = (lamport: number, peer = PEER) => opWith({ lamport, type: 'seed.revoke', body: { peer } })
const certify = (lamport: number, notAfter = YEAR, peer = PEER) =>
  opWith({ lamport, type: 'seed.certify', body: { certificate: certificateFor(peer, notAfter) } })
const renew = (lamport: number, notAfter = YEAR, peer = PEER) =>
  opWith({ lamport, type: 'seed.renew', body: { certificate: certificateFor(peer, notAfter) } })

describe('what all ops mean together', () => {
  it('is that a ticket was revoked, once and for ever', () => {
    const op = opWith({ lamport: 3 })
    const state = stateOf(op, op)
    expect([state.ticketRevocation(TICKET), state.ticketRevocation('f'.repeat(16)), state.isInEffect(op)]).toEqual([
      op,
      undefined,
      true,
    ])
  })

  it('is what the last op says of a seed, in whatever order they come', () => {
    const ops = [certify(1), revoke(2), certify(3, YEAR + 1), revoke(4), certify(5, YEAR + 2)]
    for (let last = 1; last <= ops.length; last++) {
      fc.assert(
        fc.property(fc.shuffledSubarray(ops.slice(0, last), { minLength: last }), (shuffled) => {
          const state = stateOf(...shuffled)
          const isRevoked = last % 2 === 0
          expect(state.seedRevocation(PEER)).toEqual(isRevoked ? ops[last - 1] : undefined)
          expect(state.certificateOf(PEER)?.certificate.notAfter).toBe(isRevoked ? undefined : YEAR + (last - 1) / 2)
          expect(shuffled.filter((op) => state.isInEffect(op))).toEqual([ops[last - 1]])
        }),
        { seed: last, numRuns: 20 },
      )
    }
  })

  it('is the same of two ops with one number and one time, which the same key made on both sides of a partition', () => {
    const [here, there] = [revoke(1), certify(1)]
    const states = [stateOf(here, there), stateOf(there, here)]
    expect(states.map((state) => [state.isInEffect(here), state.isInEffect(there)])).toEqual(
      here.hash > there.hash
        ? [
            [true, false],
            [true, false],
          ]
        : [
            [false, true],
            [false, true],
          ],
    )
  })

  it('has the certificate that came last, of whichever kind', () => {
    expect(stateOf(certify(1), renew(2, YEAR + 1)).certificateOf(PEER)?.certificate.notAfter).toBe(YEAR + 1)
    expect(stateOf(renew(1), certify(2, YEAR - 1)).certificateOf(PEER)?.certificate.notAfter).toBe(YEAR - 1)
    // A seed whose certificate is older than the ledger.
    expect(stateOf(renew(1)).certificateOf(PEER)?.text).toBe(certificateFor(PEER, YEAR))
  })

  it('is that a seed stays revoked when a node that does not know of it renews its certificate', () => {
    const state = stateOf(certify(1), revoke(2), renew(9))
    expect([state.certificateOf(PEER), state.seedRevocation(PEER)?.lamport, state.certificates()]).toEqual([undefined, 2, []])
  })

  it('lists the seeds that have a certificate', () => {
    const other = newPeer()
    const peers = stateOf(certify(1), renew(2), certify(3, YEAR, other), revoke(4, newPeer())).certificates()
    expect(peers.map(({ certificate }) => certificate.peer).sort()).toEqual([PEER, other].sort())
  })
})

describe('an op changes nothing', () => {
  it.each<[string, () => Op]>([
    ['when its type is not known', () => opWith({ type: 'ticket.praise' })],
    ['when its body is not what it should be', () => opWith({ body: { ticket: 'x' } })],
    ['when its body has more than that', () => opWith({ body: { ticket: TICKET, until: 7 } })],
    ['when what it names is no peer', () => opWith({ type: 'seed.revoke', body: { peer: 'me' } })],
    [
      'when the certificate in it is by another key',
      () => opWith({ type: 'seed.certify', body: { certificate: certificateFor(PEER, YEAR, generateKey()) } }),
    ],
    [
      'when what should be a certificate is a ticket',
      () => opWith({ type: 'seed.certify', body: { certificate: mesh.ticket.certificate } }),
    ],
  ])('%s', (_, make) => {
    const op = make()
    const state = stateOf(op)
    expect([effectIn(op), state.isInEffect(op), state.ticketRevocation(TICKET), state.certificates()]).toEqual([
      undefined,
      false,
      undefined,
      [],
    ])
  })
})
