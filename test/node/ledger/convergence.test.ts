import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Op, openOp } from '../../../node/ledger/op.ts'
import { OpSet } from '../../../node/ledger/op-set.ts'
import { opBy, operatorOf, opWith, scope } from './fixture.ts'

const NODES = 3
const [ada, bob] = [operatorOf(), operatorOf({ name: 'bob' })]
const PURGE = { type: 'purge', body: { scopes: [{ kind: 'all' }] } }

/** Changes of few things by three authors, often at one Lamport time, with revocations and what is kept of them. */
function manyOps(): readonly Op[] {
  const purls = ['pkg:npm/a', 'pkg:npm/b']
  const ops: Op[] = []
  for (let lamport = 1; lamport <= 5; lamport++) {
    for (const who of [ada, bob]) {
      for (const purl of purls)
        for (const type of ['policy.block', 'policy.unblock']) ops.push(opBy(who, { type, body: { purl }, lamport }))
      ops.push(opBy(who, { ...PURGE, lamport }), opBy(who, { type: 'policy.later', body: { lamport }, lamport }))
    }
    for (const purl of purls) ops.push(opWith({ type: 'policy.block', body: { purl }, lamport }))
    ops.push(opWith({ ...PURGE, lamport }))
  }
  const keep = (nth: number, lamport: number) =>
    opWith({ type: 'operator.keep', body: { ops: ops.filter((_, at) => at % 4 === nth).map(({ hash }) => hash) }, lamport })
  const revoke = (who: typeof ada, lamport: number, more = {}) =>
    opWith({ type: 'operator.revoke', body: { operator: who.key.publicKey, ...more }, lamport })
  const kept = [keep(0, 2), keep(1, 9)]
  ops.push(...kept, revoke(ada, 3), revoke(ada, 9), revoke(bob, 8), revoke(bob, 2, { void: true }))
  return ops.map(({ text }) => openOp(text, scope))
}

const changes = manyOps()

/** A node as its ledger is: what was new and counted is in its file. */
class Twin {
  readonly #bounds: ConstructorParameters<typeof OpSet>[1]
  #file: Op[] = []
  set: OpSet

  constructor(bounds: ConstructorParameters<typeof OpSet>[1]) {
    this.#bounds = bounds
    this.set = new OpSet(scope, bounds)
  }

  add(ops: readonly Op[]): void {
    for (const op of ops) if (this.set.add(op)) this.#file.push(op)
  }

  /** As `LedgerExchange` pulls: by the hashes of what counts there and is not here. Whether something was new. */
  pull(other: Twin): boolean {
    const before = this.set.summary.digest
    this.add(other.set.live().filter(({ hash }) => !this.set.has(hash)))
    return this.set.summary.digest !== before
  }

  rewrite(): void {
    this.#file = this.set.all()
  }

  restart(): void {
    const file = this.#file
    this.#file = []
    this.set = new OpSet(scope, this.#bounds)
    this.add(file)
  }

  /** What it makes of its ledger. */
  get meaning() {
    const { summary, state } = this.set
    const inEffect = (['package blocked', 'package unblocked', 'purged'] as const).flatMap((kind) => state.inEffect(kind))
    return [
      summary,
      inEffect.map(({ op }) => op.hash),
      this.set.live().map((op) => [op.hash, state.isVoid(op), state.isDominated(op)]),
    ]
  }
}

/** All meet all until there is nothing new. */
function level(nodes: readonly Twin[]): void {
  let rounds = 0
  for (let isNew = true; isNew; rounds++) {
    isNew = false
    for (const one of nodes) for (const other of nodes) isNew = one.pull(other) || isNew
    expect(rounds).toBeLessThan(20)
  }
  const [first, ...others] = nodes.map(({ meaning }) => meaning)
  for (const other of others) expect(other).toEqual(first)
  // Nobody asks anybody for anything any more.
  for (const one of nodes)
    for (const other of nodes) expect(other.set.live().filter(({ hash }) => !one.set.has(hash))).toEqual([])
}

const node = fc.nat(NODES - 1)
const someOf = (ops: readonly Op[]) => fc.shuffledSubarray([...ops], { maxLength: 12 })
// Rarely: once an operator is revoked little is left to disagree on.
const some = fc.oneof(
  { weight: 9, arbitrary: someOf(changes.filter(({ type }) => !type.startsWith('operator'))) },
  { weight: 1, arbitrary: someOf(changes) },
)
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(node, some).map(
        ([at, ops]) =>
          (nodes: Twin[]) =>
            nodes[at]?.add(ops),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(node, node).map(
        ([at, from]) =>
          (nodes: Twin[]) =>
            nodes[at]?.pull(nodes[from] as Twin),
      ),
    },
    { weight: 1, arbitrary: node.map((at) => (nodes: Twin[]) => nodes[at]?.rewrite()) },
    { weight: 1, arbitrary: node.map((at) => (nodes: Twin[]) => nodes[at]?.restart()) },
  ),
  { maxLength: 30 },
)
const ROOM = 1_000

it.each([
  ['there is room for all', { most: ROOM, mostOfOperator: ROOM, mostHistory: ROOM }],
  ['little is remembered of what was replaced', { most: ROOM, mostOfOperator: ROOM, mostHistory: 3 }],
  ['an operator has issued too much', { most: ROOM, mostOfOperator: 3, mostHistory: ROOM }],
  ['all together have', { most: 15, mostOfOperator: ROOM, mostHistory: ROOM }],
  ['all bounds are reached', { most: 15, mostOfOperator: 3, mostHistory: 2 }],
])('nodes that have heard of different ops, in any order and with restarts, end with the same ledger where %s', (_, bounds) => {
  fc.assert(
    fc.property(steps, (done) => {
      const nodes = Array.from({ length: NODES }, () => new Twin(bounds))
      for (const step of done) step(nodes)
      level(nodes)
      for (const one of nodes) one.restart()
      level(nodes)
    }),
    { seed: 3, numRuns: 300 },
  )
})
