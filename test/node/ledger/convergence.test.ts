import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Op, openOp } from '../../../node/ledger/op.ts'
import { OpSet } from '../../../node/ledger/op-set.ts'
import { opBy, operatorOf, opWith, scope } from './fixture.ts'

const NODES = 4
const [ada, bob] = [operatorOf(), operatorOf({ name: 'bob' })]

/** Changes of few things by three authors, often at one Lamport time, with revocations and what is kept of them. */
function manyOps(): readonly Op[] {
  const purls = ['pkg:npm/a', 'pkg:npm/b']
  const ops: Op[] = []
  for (let lamport = 1; lamport <= 6; lamport++) {
    for (const who of [ada, bob])
      for (const purl of purls)
        ops.push(opBy(who, { type: lamport % 2 ? 'policy.block' : 'policy.unblock', body: { purl }, lamport }))
    ops.push(opBy(ada, { type: 'purge', body: { scopes: [{ kind: 'all' }] }, lamport }))
    ops.push(opBy(bob, { type: 'policy.later', body: { lamport }, lamport }))
  }
  ops.push(opWith({ type: 'policy.block', body: { purl: purls[0] }, lamport: 3 }))
  ops.push(opWith({ type: 'policy.unblock', body: { purl: purls[1] }, lamport: 4 }))
  return ops.map(({ text }) => openOp(text, scope))
}

const changes = manyOps()
const revoke = opWith({ type: 'operator.revoke', body: { operator: ada.key.publicKey }, lamport: 9 })
const voided = opWith({ type: 'operator.revoke', body: { operator: bob.key.publicKey, void: true }, lamport: 7 })
const revokedLater = opWith({ type: 'operator.revoke', body: { operator: bob.key.publicKey }, lamport: 10 })
const kept = changes.filter((_, at) => at % 4 === 0)
const keep = opWith({ type: 'operator.keep', body: { ops: kept.map(({ hash }) => hash) }, lamport: 9 })

/** As `LedgerExchange` pulls: by the hashes of what counts there and is not here. Whether something was new. */
function pull(to: OpSet, from: OpSet): boolean {
  const before = to.summary.digest
  for (const op of from.live()) if (!to.has(op.hash)) to.add(op)
  return to.summary.digest !== before
}

/** What a node makes of its ledger. */
const meaning = ({ summary, state }: OpSet) => [
  summary,
  state.inEffect('package blocked').map(({ op }) => op.hash),
  state.inEffect('package unblocked').map(({ op }) => op.hash),
  state.inEffect('purged').map(({ op }) => op.hash),
]

it.each([
  ['there is room for all', { most: 100, mostOfOperator: 100 }],
  ['an operator has issued too much', { most: 100, mostOfOperator: 3 }],
  ['all together have', { most: 8, mostOfOperator: 5 }],
])('nodes that have heard of different ops end with the same ledger where %s', (_, bounds) => {
  const heard = fc.array(fc.shuffledSubarray([...changes, revoke, keep, voided, revokedLater]), {
    minLength: NODES,
    maxLength: NODES,
  })
  const meetings = fc.array(fc.tuple(fc.nat(NODES - 1), fc.nat(NODES - 1)), { maxLength: 12 })
  fc.assert(
    fc.property(heard, meetings, (parts, met) => {
      const nodes = parts.map((part) => {
        const set = new OpSet(scope, bounds)
        for (const op of part) set.add(op)
        return set
      })
      const meet = (a: number, b: number) => {
        const [one, other] = [nodes[a] as OpSet, nodes[b] as OpSet]
        return [pull(one, other), pull(other, one)].includes(true)
      }
      for (const [a, b] of met) meet(a, b)
      let rounds = 0
      for (let isNew = true; isNew; rounds++) {
        isNew = false
        for (let a = 0; a < NODES; a++) for (let b = 0; b < a; b++) isNew = meet(a, b) || isNew
        expect(rounds).toBeLessThan(20)
      }
      const [first, ...others] = nodes.map(meaning)
      for (const other of others) expect(other).toEqual(first)
      // Nobody asks anybody for anything any more.
      for (const one of nodes) for (const other of nodes) expect(other.live().filter(({ hash }) => !one.has(hash))).toEqual([])
    }),
    { seed: 7, numRuns: 300 },
  )
})
