import { describe, expect, it } from 'vitest'
import { type FreedBy, signAcknowledgement } from '../../../../node/ledger/acknowledgement.ts'
import { Ledger } from '../../../../node/ledger/ledger.ts'
import type { Op } from '../../../../node/ledger/op.ts'
import { Acknowledgements, type Said } from '../../../../node/mesh/ledger/acknowledgements.ts'
import { generateKey, peerIdOf } from '../../../../node/trust/keys.ts'
import { type Role, standingOf } from '../../../../node/trust/standing.ts'
import { signStatement } from '../../../../node/trust/statement.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { mesh, opWith } from '../../ledger/fixture.ts'
import { NOW, refusal } from '../../trust/fixture.ts'

const temp = useTempFolders()
const { adminKey, mesh: id } = mesh.membership

/** A node with a ledger of its own; `roles` are what it believes of others. */
function node(roles: Record<string, Role> = {}) {
  const key = generateKey()
  const peer = peerIdOf(key.publicKey)
  const ledger = new Ledger({ onTrouble: (what) => expect.fail(what) }, { folder: temp.create(), adminKey })
  const clock = new VirtualClock(NOW)
  const freed: FreedBy[] = []
  const judge = (chain: readonly string[], whose: string): Role =>
    roles[whose] ?? standingOf(chain, { adminKey, peer: whose, now: NOW }).role
  const acks = new Acknowledgements({ ledger, key, clock, chain: () => ['chain'], freed: () => freed, judge }, { self: peer })
  const say = (): Said => {
    acks.renew(true)
    return acks.own ?? expect.fail('it says nothing')
  }
  return { key, peer, ledger, clock, acks, say, freed, roles }
}

const [first, second] = [opWith({ lamport: 1 }), opWith({ lamport: 2, body: { ticket: 'f'.repeat(16) } })]

describe('what a node acknowledges', () => {
  it('are all ops that it has, which count for it wherever that is heard', () => {
    const other = node()
    const here = node({ [other.peer]: 'member' })
    for (const { ledger } of [here, other]) ledger.add([first.text, second.text])
    here.acks.renew(false)
    expect(here.acks.appliedBy(first.hash)).toEqual([here.peer])
    expect(here.acks.take(other.say())).toBe(other.peer)
    expect([first, second].map(({ hash }) => here.acks.appliedBy(hash))).toEqual(Array(2).fill([here.peer, other.peer]))
    expect(here.acks.take(other.acks.own as Said)).toBeUndefined()
  })

  it('is what it has, and not what is still to come', () => {
    const other = node()
    const here = node({ [other.peer]: 'member' })
    here.ledger.add([first.text, second.text])
    other.ledger.add([first.text])
    here.acks.renew(false)
    here.acks.take(other.say())
    expect([first, second].map(({ hash }) => here.acks.appliedBy(hash)?.length)).toEqual([2, 1])
    other.ledger.add([second.text])
    here.acks.take(other.say())
    expect(here.acks.appliedBy(second.hash)?.length).toBe(2)
  })

  it('counts for what was replaced as well, also where that came too late to count', () => {
    const other = node()
    const here = node({ [other.peer]: 'member' })
    const [replaced, counts] = [1, 2].map((lamport) =>
      opWith({ type: 'policy.block', body: { purl: 'pkg:npm/left-pad' }, lamport }),
    ) as [Op, Op]
    other.ledger.add([replaced.text, counts.text])
    here.ledger.add([counts.text, replaced.text])
    here.acks.renew(false)
    here.acks.take(other.say())
    expect([replaced, counts].map(({ hash }) => here.acks.appliedBy(hash))).toEqual(Array(2).fill([here.peer, other.peer]))
  })

  it('counts also when this node hears of the op only later', () => {
    const other = node()
    const here = node({ [other.peer]: 'member' })
    other.ledger.add([first.text])
    here.acks.take(other.say())
    expect(here.acks.appliedBy(first.hash)).toBeUndefined()
    here.ledger.add([first.text])
    here.acks.renew(false)
    expect(here.acks.appliedBy(first.hash)).toEqual([here.peer, other.peer])
  })

  it('is remembered of so many nodes only: whoever has a ticket can make up more', () => {
    const made = Array.from({ length: 2_010 }, () => generateKey()).map((key) => ({ key, peer: peerIdOf(key.publicKey) }))
    const here = node(Object.fromEntries(made.map(({ peer }) => [peer, 'member' as const])))
    here.ledger.add([first.text])
    here.acks.renew(false)
    const said = { mesh: id, issuedAt: NOW, ...here.ledger.summary, recent: [] }
    for (const { key, peer } of made) here.acks.take({ ack: signAcknowledgement({ ...said, peer }, key), chain: [peer] })
    expect(here.acks.appliedBy(first.hash)?.length).toBe(2_001)
  })

  it('is told by the node itself or by a seed, and of others only by seeds', () => {
    const [seed, other] = [node(), node()]
    const here = node({ [seed.peer]: 'seed', [other.peer]: 'member' })
    expect(here.acks.take(other.say(), 'somebody')).toBeUndefined()
    expect(here.acks.take(other.say(), other.peer)).toBe(other.peer)
    expect(here.acks.take(seed.say(), 'somebody')).toBe(seed.peer)
  })

  it('tells what the last purges have freed there, of which each node speaks for itself', () => {
    const other = node()
    const here = node({ [other.peer]: 'member' })
    const freed = Array.from({ length: 6 }, (_, at) => ({ op: `${at}`.repeat(64), blobs: at, bytes: at * 10 }))
    other.freed.push(...freed)
    here.freed.push({ op: '1'.repeat(64), blobs: 7, bytes: 70 })
    here.acks.take(other.say())
    expect([...here.acks.freedBy('1'.repeat(64))]).toEqual([
      [here.peer, expect.objectContaining({ blobs: 7 })],
      [other.peer, expect.objectContaining({ blobs: 1, bytes: 10 })],
    ])
    expect(here.acks.freedBy('5'.repeat(64)).size).toBe(0)
  })

  it('is said anew when there is something new, or it is due; later than before, also by a clock that was set back', () => {
    const { acks, ledger, clock, peer } = node()
    const other = node({ [peer]: 'member' })
    const heard = () => acks.own && other.acks.take(acks.own)
    expect([acks.own, acks.renew(false), heard(), acks.renew(false), acks.renew(true), heard()]).toEqual([
      undefined,
      true,
      peer,
      false,
      true,
      peer,
    ])
    ledger.add([first.text])
    clock.jump(-3_600_000)
    expect([acks.renew(false), heard()]).toEqual([true, peer])
  })
})

describe('an acknowledgement that is not what it says', () => {
  const said = {
    mesh: id,
    peer: peerIdOf(generateKey().publicKey),
    issuedAt: NOW,
    count: 0,
    digest: '0'.repeat(64),
    recent: [],
  }

  it.each([
    ['signed by another', signAcknowledgement(said, generateKey()), 'its signature is wrong'],
    ['that is none', 'nonsense', 'is not two parts'],
    [
      'of another mesh',
      (() => {
        const key = generateKey()
        return signAcknowledgement({ ...said, peer: peerIdOf(key.publicKey), mesh: 'f'.repeat(16) }, key)
      })(),
      'it is of mesh',
    ],
  ])('%s is refused, and the one who brings it made it up', (_, ack, message) => {
    expect(refusal('UNTRUSTED', () => node().acks.take({ ack, chain: ['x'] })).message).toContain(message)
  })

  it('is passed over where a newer version has signed it: whoever brings it did not make it up', () => {
    const [here, key] = [node(), generateKey()]
    const newer = { v: 2, mesh: id, peer: peerIdOf(key.publicKey), more: true }
    expect(here.acks.take({ ack: signStatement('ack', newer, key), chain: ['x'] })).toBeUndefined()
    const forged = { ack: signStatement('ack', newer, generateKey()), chain: ['x'] }
    expect(refusal('UNTRUSTED', () => here.acks.take(forged)).message).toContain('a newer Warren made it')
  })

  it('by somebody who is no member is passed over: it changes nothing', () => {
    const [here, stranger] = [node(), node()]
    here.ledger.add([first.text])
    stranger.ledger.add([first.text])
    here.acks.renew(false)
    expect(here.acks.take(stranger.say())).toBeUndefined()
    expect(here.acks.appliedBy(first.hash)).toEqual([here.peer])
  })

  it('of years to come is passed over: nothing later could take its place', () => {
    const other = node()
    const known = node({ [other.peer]: 'member' })
    other.clock.jump(365 * 86_400_000)
    expect(known.acks.take(other.say())).toBeUndefined()
  })
})

describe('whether a node knows the whole ledger', () => {
  it('is confirmed by a seed that has the same one, and by nobody else', () => {
    const [seed, member] = [node(), node()]
    const here = node({ [seed.peer]: 'seed', [member.peer]: 'member' })
    for (const { ledger } of [seed, member]) ledger.add([first.text])
    here.acks.renew(false)
    here.acks.take(member.say())
    here.acks.take(seed.say())
    // Somebody holds it back.
    expect(here.acks.isConfirmed).toBe(false)
    here.ledger.add([first.text])
    here.acks.renew(false)
    expect(here.acks.isConfirmed).toBe(true)
  })

  it('is not confirmed by what a seed has said long ago', () => {
    const seed = node()
    const here = node({ [seed.peer]: 'seed' })
    const old = seed.say()
    here.acks.renew(false)
    here.clock.jump(3_600_000)
    here.acks.take(old)
    expect(here.acks.isConfirmed).toBe(false)
    seed.clock.jump(3_600_000)
    here.acks.take(seed.say())
    expect(here.acks.isConfirmed).toBe(true)
  })

  it('is confirmed by no seed that was revoked, neither by what it says then nor by what it had said', () => {
    const seed = node()
    const here = node({ [seed.peer]: 'seed' })
    seed.ledger.add([first.text])
    here.acks.take(seed.say())
    const revoke = opWith({ type: 'seed.revoke', body: { peer: seed.peer }, lamport: 3 })
    for (const { ledger } of [here, seed]) ledger.add([first.text, revoke.text])
    delete here.roles[seed.peer]
    here.acks.renew(false)
    seed.clock.jump(1)
    expect([here.acks.take(seed.say()), here.acks.isConfirmed, here.acks.heads(9)]).toEqual([undefined, false, []])
  })

  it('is shown to others by the latest heads of seeds', () => {
    const seeds = [node(), node(), node()]
    const here = node(Object.fromEntries(seeds.map(({ peer }) => [peer, 'seed' as const])))
    for (const [at, seed] of seeds.entries()) {
      seed.clock.jump(at * 1_000)
      here.acks.take(seed.say())
    }
    expect(here.acks.heads(2).map(({ peer }) => peer)).toEqual([seeds[2]?.peer, seeds[1]?.peer])
  })
})
