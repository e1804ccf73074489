import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_OPS_OF_OPERATOR } from '../../../node/ledger/constants.ts'
import { isOfNewerWarren, type Op, openOp } from '../../../node/ledger/op.ts'
import { OpSet } from '../../../node/ledger/op-set.ts'
import { generateKey } from '../../../node/trust/keys.ts'
import { createMesh } from '../../../node/trust/membership.ts'
import { signStatement } from '../../../node/trust/statement.ts'
import { DAY, NOW, newPeer, refusal } from '../trust/fixture.ts'
import { opBy, operatorOf, opWith, scope } from './fixture.ts'

const PURL = 'pkg:npm/left-pad'
const refused = (op: Op) => refusal('UNTRUSTED', () => openOp(op.text, scope)).message
const setOf = (...ops: readonly Op[]) => {
  const set = new OpSet(scope, { most: 100 })
  for (const { text } of ops) set.add(openOp(text, scope))
  return set
}
const blocks = (set: OpSet) => set.state.inEffect('package blocked').map(({ effect }) => effect.purl)
const block = (purl: string, lamport: number) => ({ type: 'policy.block', body: { purl }, lamport })

describe('an op of an operator', () => {
  const ada = operatorOf()

  it('counts by the certificate that it carries', () => {
    const op = openOp(opBy(ada).text, scope)
    expect([op.operator, op.author, blocks(setOf(op))]).toEqual(['ada', ada.key.publicKey, [PURL]])
    expect(openOp(opWith().text, scope).operator).toBeUndefined()
  })

  it.each([
    [
      'without a certificate',
      () => opWith({ type: 'purge', body: { scopes: [{ kind: 'all' }] } }, ada.key),
      'may not issue «purge»',
    ],
    [
      'of a scope that it was not given',
      () => opBy(operatorOf({ scope: ['purge'] })),
      'may not issue «policy.block», only what is of purge',
    ],
    ['that revokes a ticket', () => opBy(ada, { type: 'ticket.revoke', body: { ticket: 'a'.repeat(16) } }), 'may not issue'],
    ['that makes a seed', () => opBy(ada, { type: 'seed.revoke', body: { peer: newPeer() } }), 'may not issue'],
    [
      'that revokes another',
      () => opBy(ada, { type: 'operator.revoke', body: { operator: ada.key.publicKey } }),
      'may not issue',
    ],
    ['of a type whose scope only begins like its own', () => opBy(ada, { type: 'purgery', body: {} }), 'may not issue'],
    ['with the certificate of another', () => opBy({ key: generateKey(), cert: ada.cert }), 'is that of'],
    ['with a certificate that it made itself', () => opBy(operatorOf({}, generateKey())), 'its signature is wrong'],
    ['issued after its certificate had ended', () => opBy(ada, { issuedAt: NOW + 31 * DAY }), 'had ended when it was issued'],
    [
      'of another mesh',
      () => opBy(operatorOf({ mesh: createMesh({ peer: newPeer(), addresses: [], now: NOW }).membership.mesh })),
      'is for mesh',
    ],
  ])('%s is refused', (_, make, message) => {
    expect(refused(make())).toContain(message)
  })

  it('of a newer version is nobody’s invention, if its certificate is right', () => {
    const { text: _text, hash: _hash, ...op } = opBy(ada)
    const newer = (cert: string) => signStatement('op', { ...op, v: 2, more: 1, cert }, ada.key)
    expect([newer(ada.cert), newer(operatorOf().cert), newer('nonsense')].map((text) => isOfNewerWarren(text, scope))).toEqual([
      true,
      false,
      false,
    ])
  })

  it('is one of so many: a stolen key must not fill the ledger, and others go on', () => {
    const set = new OpSet(scope, { most: MAX_OPS_OF_OPERATOR + 10 })
    const full = operatorOf()
    // The text is of no interest here, and to sign thousands takes seconds.
    const one = openOp(opBy(full).text, scope)
    const many = Array.from({ length: MAX_OPS_OF_OPERATOR + 1 }, (_, at) => ({
      ...one,
      hash: `${at}`,
      body: { purl: `pkg:npm/p${at}` },
    }))
    for (const op of many) set.add(op)
    expect([set.size, set.takes(one)]).toEqual([MAX_OPS_OF_OPERATOR, false])
    expect([set.add(openOp(opBy(ada).text, scope)), set.add(openOp(opWith().text, scope))]).toEqual([true, true])
  })
})

describe('a ledger that operators have filled', () => {
  it('takes what the admin issues, such as the revocation of one of them', () => {
    const [ada, bob] = [operatorOf(), operatorOf({ name: 'bob' })]
    const set = new OpSet(scope, { most: 3 })
    for (const [at, who] of [ada, ada, bob].entries()) set.add(openOp(opBy(who, block(`pkg:npm/p${at}`, at + 2)).text, scope))
    const early = openOp(opBy(bob, block('pkg:npm/early', 1)).text, scope)
    const revoke = opWith({ type: 'operator.revoke', body: { operator: bob.key.publicKey }, lamport: 5 })
    expect([set.takes(early), set.add(early), set.takes(revoke), set.add(revoke)]).toEqual([false, false, true, true])
    expect([blocks(set), set.has(revoke.hash)]).toEqual([['pkg:npm/p0', 'pkg:npm/p1'], true])
  })
})

describe('an operator that was revoked', () => {
  const [ada, bob] = [operatorOf(), operatorOf({ name: 'bob' })]
  const revoke = opWith({ type: 'operator.revoke', body: { operator: ada.key.publicKey }, lamport: 9 })
  const [first, second, backdated] = [
    opBy(ada, block('pkg:npm/a', 1)),
    opBy(ada, block('pkg:npm/b', 2)),
    opBy(ada, block('pkg:npm/c', 3)),
  ]
  const keep = opWith({ type: 'operator.keep', body: { ops: [first.hash] }, lamport: 8 })

  it('has issued nothing that counts, whatever time its ops tell', () => {
    const set = setOf(first, opBy(bob, block('pkg:npm/d', 4)), second, revoke, backdated)
    expect([blocks(set), set.live().length]).toEqual([['pkg:npm/d'], 2])
    expect([set.state.isVoid(first), set.state.operatorRevocation(ada.key.publicKey)?.hash]).toEqual([true, revoke.hash])
  })

  it('leaves what the admin says that it had issued', () => {
    expect(blocks(setOf(first, second, keep, revoke, backdated))).toEqual(['pkg:npm/a'])
  })

  it('leaves it also where a thief had replaced it, and then issued more than is remembered', () => {
    const stolen = { type: 'policy.unblock', body: { purl: 'pkg:npm/a' }, lamport: 2 }
    const set = new OpSet(scope, { most: 100, mostHistory: 3 })
    for (const op of [first, opBy(ada, stolen)]) set.add(op)
    for (let at = 0; at < 9; at++) set.add(opBy(ada, block(`pkg:npm/x${at}`, 3)))
    for (const op of [keep, revoke]) set.add(op)
    expect([blocks(set), set.live().length]).toEqual([['pkg:npm/a'], 3])
  })

  it('gives way to what it had replaced', () => {
    const [before, after] = [opBy(bob, block(PURL, 1)), opBy(ada, { type: 'policy.unblock', body: { purl: PURL }, lamport: 2 })]
    expect([blocks(setOf(before, after)), blocks(setOf(before, after, revoke))]).toEqual([[], [PURL]])
  })

  it('is one for everybody who has heard of the same ops, in whatever order', () => {
    const all = [
      first,
      second,
      backdated,
      keep,
      revoke,
      opBy(bob, block(PURL, 4)),
      opBy(bob, { type: 'policy.unblock', body: { purl: PURL }, lamport: 5 }),
      opBy(ada, { type: 'policy.block', body: { purl: PURL }, lamport: 6 }),
      opWith({ ...block(PURL, 3) }),
      opBy(bob, { type: 'mirrors.set', body: { name: 'npm', entry: false }, lamport: 7 }),
      opWith({ type: 'mirrors.unset', body: { name: 'npm' }, lamport: 7 }),
      opBy(bob, { type: 'purge', body: { scopes: [{ kind: 'all' }] }, lamport: 3 }),
    ]
    const seen = (set: OpSet) => [
      set.summary,
      blocks(set),
      set.state.inEffect('mirror set'),
      set.state.inEffect('purged').length,
    ]
    const right = seen(setOf(...all, ...all))
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        // What was kept and came before that was known comes again with the next exchange.
        expect(seen(setOf(...shuffled, ...shuffled))).toEqual(right)
      }),
      { seed: 3, numRuns: 300 },
    )
  })
})

describe('what a ledger carries along', () => {
  const ada = operatorOf()

  it('is what counts; what the same author or the admin replaced is only shown', () => {
    const [one, two] = [opBy(ada, block(PURL, 1)), opBy(ada, { type: 'policy.unblock', body: { purl: PURL }, lamport: 2 })]
    const set = setOf(two, one)
    expect([set.live().map(({ hash }) => hash), set.all().length, set.has(one.hash)]).toEqual([[two.hash], 2, true])
    expect(set.summary).toEqual(setOf(two).summary)
    const admin = opWith({ ...block(PURL, 3) })
    expect(setOf(one, two, admin).summary).toEqual(setOf(admin).summary)
  })

  it('is also what another operator replaced: that one may be revoked', () => {
    const set = setOf(
      opBy(ada, block(PURL, 1)),
      opBy(operatorOf(), { type: 'policy.unblock', body: { purl: PURL }, lamport: 2 }),
    )
    expect([set.live().length, blocks(set)]).toEqual([2, []])
  })

  it('is every purge: each is of what was there when it came', () => {
    const purge = (lamport: number) => opBy(ada, { type: 'purge', body: { scopes: [{ kind: 'all' }] }, lamport })
    expect(setOf(purge(1), purge(2)).state.inEffect('purged').length).toBe(2)
  })
})
