import { describe, expect, it } from 'vitest'
import { MemberBudgets } from '../../../node/http/member-budgets.ts'
import { VirtualClock } from '../../harness/clock.ts'

const LIMITS = { requests: 3, fetches: 4, bytes: 1_000, pulls: 2 }
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const M = { peer: 'm' }

function budgets() {
  const clock = new VirtualClock()
  return { clock, budgets: new MemberBudgets({ clock }, LIMITS) }
}

describe('what a seed does for one member', () => {
  it('is so many questions a minute', async () => {
    const { clock, budgets: all } = budgets()
    for (let i = 0; i < 3; i++) all.ask(M)
    await clock.advance(20_000)
    expect(() => all.ask(M)).toThrow(expect.objectContaining({ code: 'BUDGET_SPENT', retryAfter: 40 }))
    all.ask({ peer: 'other' })
    await clock.advance(40_000)
    all.ask(M)
    expect(all.left(M)).toEqual({ requests: 2, fetches: 4, bytes: 1_000, pulls: 2 })
  })

  it('is so many new bytes a day, whatever one artifact has', async () => {
    const { clock, budgets: all } = budgets()
    all.fetch(M, false)
    all.brought(M, 5_000)
    expect(all.left(M).bytes).toBe(0)
    expect(() => all.fetch(M, false)).toThrow(expect.objectContaining({ code: 'BUDGET_SPENT', retryAfter: 86_400 }))
    await clock.advance(DAY)
    all.fetch(M, false)
  })

  it('is so many pulls a day where upstream counts them', () => {
    const { budgets: all } = budgets()
    all.fetch(M, true)
    all.fetch(M, true)
    all.fetch(M, false)
    expect(() => all.fetch(M, true)).toThrow('2 pulls a day')
    expect(all.left(M).pulls).toBe(0)
  })

  it('is so many questions to upstream an hour', async () => {
    const { clock, budgets: all } = budgets()
    for (let i = 0; i < 4; i++) all.fetch(M, false)
    expect(() => all.fetch(M, false)).toThrow(expect.objectContaining({ code: 'BUDGET_SPENT', retryAfter: 3_600 }))
    await clock.advance(60 * MINUTE)
    all.fetch(M, false)
    expect(all.left(M).fetches).toBe(3)
  })

  it('begins anew when the clock is set back', () => {
    const { clock, budgets: all } = budgets()
    for (let i = 0; i < 3; i++) all.ask(M)
    clock.jump(-10 * DAY)
    all.ask(M)
    expect(all.left(M).requests).toBe(2)
  })

  it('is all of it for whoever never asked', () => {
    expect(budgets().budgets.left({ peer: 'nobody' })).toEqual(LIMITS)
  })

  it('is that of ten members for all of a ticket together, however often somebody joins with it', async () => {
    const { clock, budgets: all } = budgets()
    let joined = 0
    const anew = () => ({ peer: `m${joined++}`, ticket: 'aa' })
    for (let i = 0; i < 40; i++) all.fetch(anew(), false)
    expect(() => all.fetch(anew(), false)).toThrow('no more for ticket aa than 40 questions to upstream an hour')
    expect(all.left(anew()).fetches).toBe(0)
    await clock.advance(60 * MINUTE)
    for (let i = 0; i < 10; i++) all.brought(anew(), 1_000)
    expect(() => all.fetch(anew(), false)).toThrow('10000 new bytes a day')
    expect(all.isSpent(anew())).toBe(true)
    // What is here costs next to nothing, also for a farm of runners.
    for (let i = 0; i < 100; i++) all.ask(anew())
    all.fetch({ peer: 'another', ticket: 'bb' }, false)
    all.fetch({ peer: 'a seed' }, false)
  })
})
