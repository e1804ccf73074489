import { beforeEach, describe, expect, it } from 'vitest'
import { bufferBody } from '../../../node/body.ts'
import { type Found, type Wanted, wantedOf } from '../../../node/cache/found.ts'
import type { Lookup, Plan, Subject } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { PolicyGate } from '../../../node/policy/gate.ts'
import { Policy, type PolicySettings } from '../../../node/policy/policy.ts'
import { VirtualClock } from '../../harness/clock.ts'

const DAY = 86_400_000
const NOTHING: PolicySettings = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] }
const X: Subject = { type: 'npm', name: 'x' }
const options = { signal: new AbortController().signal }
const lookup: Lookup = { cached: async () => undefined, fetch: async () => undefined, held: async () => [] }

let clock: VirtualClock
let asked: string[]
let closed: number
let kept: Map<string, number>
let digest: string

beforeEach(() => {
  clock = new VirtualClock()
  asked = []
  closed = 0
  kept = new Map()
  digest = 'sha256:one'
})

function gateWith(settings: Partial<PolicySettings>): PolicyGate {
  const found = (): Found => ({
    source: 'local',
    headers: {},
    digest,
    body: { ...bufferBody(Buffer.from('bytes')), close: () => closed++ },
  })
  const cache = {
    get: (plan: Plan) => {
      asked.push(plan.key)
      return found()
    },
    atHand: ({ key }: Wanted) => {
      asked.push(`at hand ${key}`)
      return found()
    },
    ...NOTHING_HELD,
  }
  return new PolicyGate({ cache, lookup, clock, keptSince: (key) => kept.get(key) }, policyOf(settings))
}

const NOTHING_HELD = { lacked: () => false, holds: () => false, isFresh: () => false }

function policyOf(settings: Partial<PolicySettings>): Policy {
  return new Policy({ ...NOTHING, ...settings })
}

function planOf(more: Partial<Plan> = {}): Plan {
  const base = 'http://registry.example.test/'
  return {
    key: 'x-1',
    ecosystem: 'npm',
    mirror: 'npm',
    kind: 'immutable',
    url: base,
    base,
    subject: { ...X, version: '1.0.0' },
    ...more,
  }
}

/** What a request comes to: `served`, or the code of the error. */
async function outcome(asking: () => unknown): Promise<unknown> {
  try {
    await asking()
    return 'served'
  } catch (error) {
    return (error as WarrenError).code
  }
}

describe('without a policy', () => {
  it('the cache answers, at once', () => {
    const gate = gateWith({})
    expect(gate.get(planOf(), options)).not.toBeInstanceOf(Promise)
    gate.atHand(wantedOf(planOf()), false)
    expect(asked).toEqual(['x-1', 'at hand x-1'])
    expect(gate.of(X)).toBeUndefined()
  })
})

describe('what is denied', () => {
  it('is asked of nobody', async () => {
    const gate = gateWith({ deny: ['pkg:npm/x@<2'] })
    expect(await outcome(() => gate.get(planOf(), options))).toBe('POLICY_DENIED')
    expect(asked).toEqual([])
  })

  it('is not had past the rules either: a key is at hand only when it was let through', () => {
    const gate = gateWith({ deny: ['pkg:npm/x@<2'] })
    expect(gate.atHand(wantedOf(planOf()), false)).toBeUndefined()
    const other = planOf({ key: 'y-1', subject: { type: 'npm', name: 'y', version: '1.0.0' } })
    expect(gate.atHand(wantedOf(other), false)).toBeUndefined()
    expect(gate.get(other, options)).not.toBeInstanceOf(Promise)
    expect(gate.atHand(wantedOf(other), false)).toBeDefined()
    expect(asked).toEqual(['y-1', 'at hand y-1'])
  })

  it('is at hand no more from the moment on that another policy applies', async () => {
    const gate = gateWith({ deny: ['pkg:npm/y'] })
    await gate.get(planOf(), options)
    expect(gate.atHand(wantedOf(planOf()), false)).toBeDefined()
    gate.policy = policyOf({ deny: ['pkg:npm/x'] })
    expect(gate.atHand(wantedOf(planOf()), false)).toBeUndefined()
    expect(await outcome(() => gate.get(planOf(), options))).toBe('POLICY_DENIED')
    gate.policy = policyOf({})
    expect(await outcome(() => gate.get(planOf(), options))).toBe('served')
  })

  it('is not had through another mirror on which the same has a name that is let through', async () => {
    const gate = gateWith({ deny: ['pkg:npm/x'] })
    const other = planOf({ mirror: 'other', subject: { type: 'npm', name: 'y', version: '1.0.0' } })
    const inner = planOf({ mirror: 'inner' })
    await gate.get(other, options)
    expect(gate.atHand(wantedOf(other), false)).toBeDefined()
    expect(gate.atHand(wantedOf(inner), false)).toBeUndefined()
  })

  it('leaves documents at hand about which the policy says nothing, and no others: they change, and so does what is withheld', async () => {
    const gate = gateWith({ deny: ['pkg:npm/x@<2'] })
    const subject: Subject = { type: 'npm', name: 'y' }
    const [said, unsaid] = [planOf({ subject: X }), planOf({ key: 'y-1', subject })]
    for (const plan of [said, unsaid]) await gate.get(plan, options)
    expect(gate.atHand(wantedOf(said, true), false)).toBeUndefined()
    expect(gate.atHand(wantedOf(unsaid, true), false)).toBeDefined()
    const [known, unknown] = [planOf({ subject: X, kind: 'mutable' }), planOf({ key: 'y-1', subject, kind: 'mutable' })]
    for (const plan of [known, unknown]) await gate.get(plan, options)
    expect(gate.atHand(wantedOf(known), false)).toBeUndefined()
    expect(gate.atHand(wantedOf(unknown), false)).toBeDefined()
    gate.policy = policyOf({ allow: ['pkg:npm/x'] })
    expect(gate.atHand(wantedOf(unknown), false)).toBeUndefined()
  })

  it('is told of a name that leads to it, and what was opened is closed', async () => {
    const gate = gateWith({ deny: [`pkg:docker/nginx@sha256:${'b'.repeat(64)}`] })
    const subject = { type: 'docker', namespace: 'library', name: 'nginx', version: 'latest' }
    const tag = planOf({ kind: 'mutable', subject, pointsTo: () => undefined })
    digest = `sha256:${'a'.repeat(64)}`
    expect(await outcome(() => gate.get(tag, options))).toBe('served')
    digest = `sha256:${'b'.repeat(64)}`
    expect([await outcome(() => gate.get(tag, options)), closed]).toEqual(['POLICY_DENIED', 1])
  })

  it('is nothing that belongs to no package', async () => {
    const gate = gateWith({ allow: ['pkg:npm/y'] })
    const { subject: _, ...plan } = planOf()
    expect(await outcome(() => gate.get(plan, options))).toBe('served')
  })
})

describe('a minimum age', () => {
  const settings = { minimumAge: { default: 3 * DAY }, minimumAgeExceptions: ['pkg:npm/%40corp/*'] }
  const dated = (published: number | undefined) => planOf({ published: async () => published })

  it('holds back what is younger, until it is of age', async () => {
    const gate = gateWith(settings)
    const plan = dated(clock.now() - 2 * DAY)
    expect(await outcome(() => gate.get(plan, options))).toBe('POLICY_DENIED')
    await clock.advance(DAY)
    expect([await outcome(() => gate.get(plan, options)), asked]).toEqual(['served', ['x-1']])
  })

  it('is asked about once: what is of age stays so, and is at hand', async () => {
    const gate = gateWith(settings)
    let questions = 0
    const plan = planOf({ published: async () => clock.now() - 3 * DAY - questions++ })
    await gate.get(plan, options)
    expect(gate.get(plan, options)).not.toBeInstanceOf(Promise)
    expect(gate.atHand(wantedOf(planOf()), false)).toBeDefined()
    expect(questions).toBe(1)
  })

  it('does not count where an ecosystem has no dates, nor for exceptions', async () => {
    const gate = gateWith(settings)
    const young = async () => clock.now()
    const corp = { type: 'npm', namespace: '@corp', name: 'x', version: '1.0.0' }
    expect(await outcome(() => gate.get(planOf(), options))).toBe('served')
    expect(await outcome(() => gate.get(planOf({ subject: corp, published: young }), options))).toBe('served')
  })

  it('lets through what nobody dates once it was here for as long, and not before', async () => {
    const gate = gateWith(settings)
    expect(await outcome(() => gate.get(dated(undefined), options))).toBe('POLICY_DENIED')
    kept.set('x-1', clock.now() - 2 * DAY)
    expect(await outcome(() => gate.get(dated(undefined), options))).toBe('POLICY_DENIED')
    await clock.advance(DAY)
    expect(await outcome(() => gate.get(dated(undefined), options))).toBe('served')
  })

  it('says of what an upstream does not have that it is not there, so that the next one is asked', async () => {
    const absent = async () => {
      throw new WarrenError('UPSTREAM_ABSENT', 'no such thing')
    }
    const cache = { get: absent, atHand: () => undefined, ...NOTHING_HELD }
    const gate = new PolicyGate({ cache, lookup, clock, keptSince: () => undefined }, policyOf(settings))
    expect(await outcome(() => gate.get(dated(undefined), options))).toBe('UPSTREAM_ABSENT')
  })

  it('takes trouble for no answer, but for what was here for long enough', async () => {
    const gate = gateWith(settings)
    const plan = planOf({
      published: async () => {
        throw new WarrenError('UPSTREAM_TIMEOUT', 'no answer')
      },
    })
    expect(await outcome(() => gate.get(plan, options))).toBe('UPSTREAM_TIMEOUT')
    kept.set('x-1', clock.now() - 3 * DAY)
    expect(await outcome(() => gate.get(plan, options))).toBe('served')
  })

  it('is judged by the policy that applies when the answer is there', async () => {
    const gate = gateWith(settings)
    const answer = Promise.withResolvers<number>()
    const getting = gate.get(planOf({ published: () => answer.promise }), options)
    gate.policy = policyOf({ deny: ['pkg:npm/x'] })
    answer.resolve(clock.now() - 30 * DAY)
    expect(await outcome(() => getting)).toBe('POLICY_DENIED')
    expect(asked).toEqual([])
  })

  it('has documents asked for in the form that has dates', async () => {
    const plan = planOf({
      key: 'short',
      kind: 'mutable',
      subject: X,
      dated: planOf({ key: 'full', kind: 'mutable', subject: X }),
    })
    await gateWith(settings).get(plan, options)
    await gateWith({ deny: ['pkg:npm/x@<2'] }).get(plan, options)
    expect(asked).toEqual(['full', 'short'])
  })
})

describe('a document without dates', () => {
  const settings = { minimumAge: { default: 3 * DAY }, deny: ['pkg:npm/x@5.0.0'] }
  /** Days since each version came out; undefined: nothing tells. */
  const AGES: Readonly<Record<string, number | undefined>> = {
    '5.0.0': 0,
    '4.0.0': 1,
    '3.0.0': 9,
    '2.0.0': 1,
    '1.0.0': undefined,
  }

  function listing(...lines: string[][]) {
    const questions: string[] = []
    const version = (name: string) =>
      planOf({
        subject: { ...X, version: name },
        published: async () => {
          questions.push(name)
          const days = AGES[name]
          if (days === undefined) throw new WarrenError('UPSTREAM_TIMEOUT', 'no answer')
          return clock.now() - days * DAY
        },
      })
    const list = planOf({
      key: 'list',
      kind: 'mutable',
      subject: X,
      undated: (facts) => (facts as string[][]).map((line) => line.map(version)),
    })
    const cache = {
      get: (): Found => ({
        source: 'local',
        headers: {},
        digest,
        body: bufferBody(Buffer.alloc(0)),
        document: { spans: [], facts: lines },
      }),
      atHand: () => undefined,
      ...NOTHING_HELD,
    }
    const gate = new PolicyGate({ cache, lookup, clock, keptSince: () => undefined }, policyOf(settings))
    const offered = () => {
      const verdicts = gate.of(X)?.verdicts()
      return Object.keys(AGES).filter((name) => verdicts?.allows(name, undefined))
    }
    return { gate, list, questions, offered }
  }

  it('has the versions asked for theirs that clients would choose, until one is old enough', async () => {
    const { gate, list, questions, offered } = listing(['5.0.0', '4.0.0', '3.0.0', '2.0.0'])
    const before = gate.of(X)?.id
    expect(offered()).toEqual(['4.0.0', '3.0.0', '2.0.0', '1.0.0'])
    await gate.get(list, options)
    // What is denied is not asked about, and what nobody would choose neither.
    expect([questions, offered()]).toEqual([
      ['4.0.0', '3.0.0'],
      ['3.0.0', '2.0.0', '1.0.0'],
    ])
    const after = gate.of(X)?.id
    expect(after).not.toBe(before)
    await gate.get(list, options)
    expect(gate.of(X)?.id).toBe(after)
  })

  it('goes out with what nothing tells of, and each line by itself', async () => {
    const { gate, list, offered } = listing(['1.0.0', '4.0.0'], ['2.0.0'])
    expect(await outcome(() => gate.get(list, options))).toBe('served')
    expect(offered()).toEqual(['4.0.0', '3.0.0', '1.0.0'])
  })
})

describe('what a document offers', () => {
  it('is what is let through, and of age where the document tells', () => {
    const withholding = gateWith({ deny: ['pkg:npm/x@<2'], minimumAge: { npm: DAY } })
      .of(X)
      ?.verdicts()
    const verdicts = [
      withholding?.allows('1.0.0', 0),
      withholding?.allows('2.0.0', clock.now() - DAY),
      withholding?.allows('2.1.0', clock.now() - DAY + 1),
      withholding?.allows('2.2.0', undefined),
    ]
    expect(verdicts).toEqual([false, true, false, true])
    withholding?.settle()
  })

  it('is never an empty list: then the reason is told', async () => {
    const withholding = gateWith({ deny: ['pkg:npm/x@<2'] })
      .of(X)
      ?.verdicts()
    withholding?.settle()
    withholding?.allows('1.0.0', undefined)
    expect(await outcome(() => withholding?.settle())).toBe('POLICY_DENIED')
  })

  it('has another name with another policy, for another package, and as time goes by where that counts', async () => {
    const gate = gateWith({ deny: ['pkg:npm/*@<2'] })
    const names = new Set([gate.of(X)?.id, gate.of({ ...X, name: 'y' })?.id])
    await clock.advance(DAY)
    expect([names.size, gate.of(X)?.id]).toEqual([2, [...names][0]])
    gate.policy = policyOf({ deny: ['pkg:npm/*@<3'] })
    names.add(gate.of(X)?.id)
    gate.policy = policyOf({ minimumAge: { npm: DAY } })
    names.add(gate.of(X)?.id)
    await clock.advance(60_000)
    names.add(gate.of(X)?.id)
    expect(names.size).toBe(5)
  })
})

describe('what is fetched ahead', () => {
  it('is what a client could have, and nobody is asked to tell', () => {
    const gate = gateWith({ deny: ['pkg:npm/x'] })
    const y: Subject = { type: 'npm', name: 'y' }
    expect(gate.lets(planOf({ subject: X }))).toBe(false)
    expect(gate.lets(planOf({ subject: y }))).toBe(true)
    expect(gate.lets(planOf({ subject: y, readings: [X] }))).toBe(false)
    expect(gateWith({}).lets(planOf({ subject: X }))).toBe(true)
    expect(asked).toEqual([])
  })
})
