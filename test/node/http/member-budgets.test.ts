import { describe, expect, it } from 'vitest'
import { MemberBudgets } from '../../../node/http/member-budgets.ts'
import { VirtualClock } from '../../harness/clock.ts'

const LIMITS = { requests: 3, fetches: 4, bytes: 1_000, pulls: 2 }
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

function budgets() {
  const clock = new VirtualClock()
  return { clock, budgets: new MemberBudgets({ clock }, LIMITS) }
}

describe('what a seed does for one member', () => {
  it('is so many questions a minute', async () => {
    const { clock, budgets: all } = budgets()
    for (let i = 0; i < 3; i++) all.ask('m')
    await clock.advance(20_000)
    expect(() => all.ask('m')).toThrow(expect.objectContaining({ code: 'BUDGET_SPENT', retryAfter: 40 }))
    all.ask('other')
    await clock.advance(40_000)
    all.ask('m')
    expect(all.left('m')).toEqual({ requests: 2, fetches: 4, bytes: 1_000, pulls: 2 })
  })

  it('is so many new bytes a day, whatever one artifact has', async () => {
    const { clock, budgets: all } = budgets()
    all.fetch('m', false)
    all.fetched('m', 5_000)
    expect(all.left('m').bytes).toBe(0)
    expect(() => all.fetch('m', false)).toThrow(expect.objectContaining({ code: 'BUDGET_SPENT', retryAfter: 86_400 }))
    await clock.advance(DAY)
    all.fetch('m', false)
  })

  it('is so many pulls a day where upstream counts them', () => {
    const { budgets: all } = budgets()
    all.fetch('m', true)
    all.fetch('m', true)
    all.fetch('m', false)
    expect(() => all.fetch('m', true)).toThrow('2 pulls a day')
    expect(all.left('m').pulls).toBe(0)
  })

  it('is so many questions to upstream an hour', async () => {
    const { clock, budgets: all } = budgets()
    for (let i = 0; i < 4; i++) all.fetch('m', false)
    expect(() => all.fetch('m', false)).toThrow(expect.objectContaining({ code: 'BUDGET_SPENT', retryAfter: 3_600 }))
    await clock.advance(60 * MINUTE)
    all.fetch('m', false)
    expect(all.left('m').fetches).toBe(3)
  })

  it('begins anew when the clock is set back', () => {
    const { clock, budgets: all } = budgets()
    for (let i = 0; i < 3; i++) all.ask('m')
    clock.jump(-10 * DAY)
    all.ask('m')
    expect(all.left('m').requests).toBe(2)
  })

  it('is all of it for whoever never asked', () => {
    expect(budgets().budgets.left('nobody')).toEqual(LIMITS)
  })
})
