import { describe, expect, it } from 'vitest'
import { Secret } from '../../../node/secret.ts'
import type { GivenToken, TokenWish } from '../../../node/upstream/token-service.ts'
import { Tokens } from '../../../node/upstream/tokens.ts'
import { NEVER } from './fixture.ts'
import { ManualClock } from './manual-clock.ts'

const wish: TokenWish = {
  base: new URL('https://registry.example.test/'),
  realm: new URL('https://auth.example.test/token'),
  service: 'registry',
  scope: 'repository:a:pull',
  entry: undefined,
}

/** Tokens of a service that numbers what it gives, when it is told to. */
function kit(life = 300) {
  const clock = new ManualClock()
  const asked: { wish: TokenWish; signal: AbortSignal; answer: PromiseWithResolvers<GivenToken> }[] = []
  let given = 0
  const tokens = new Tokens({
    clock,
    service: {
      ask(wished, signal) {
        const answer = Promise.withResolvers<GivenToken>()
        signal.addEventListener('abort', () => answer.reject(signal.reason), { once: true })
        asked.push({ wish: wished, signal, answer })
        return answer.promise
      },
    },
  })
  const give = () => asked.at(-1)?.answer.resolve({ token: `t${++given}`, life })
  const get = (more: Partial<TokenWish> = {}, refused?: string, signal = NEVER) =>
    tokens.get({ ...wish, ...more }, refused, signal)
  const getNew = async (more: Partial<TokenWish> = {}, refused?: string) => {
    const got = get(more, refused)
    give()
    return got
  }
  return { tokens, clock, asked, give, get, getNew }
}

describe('a token', () => {
  it('is used for four fifths of its life, and then another one is asked for', async () => {
    const { clock, asked, get, getNew } = kit(300)
    expect(await getNew()).toEqual({ token: 't1', isNew: true })
    clock.advance(240_000 - 1)
    expect(await get()).toEqual({ token: 't1', isNew: false })
    clock.advance(1)
    expect(await getNew()).toEqual({ token: 't2', isNew: true })
    expect(asked).toHaveLength(2)
  })

  it('is as old as the question for it, not as the answer', async () => {
    const { clock, get, give, asked, getNew } = kit(10)
    const slow = get()
    clock.advance(7_000)
    give()
    expect(await slow).toMatchObject({ token: 't1' })
    clock.advance(1_000)
    expect(await getNew()).toMatchObject({ token: 't2' })
    expect(asked).toHaveLength(2)
  })

  it('does not live longer when the clock is set back', async () => {
    const { clock, getNew } = kit()
    await getNew()
    clock.advance(-3_600_000)
    expect(await getNew()).toEqual({ token: 't2', isNew: true })
  })

  it('is asked for once by many that want it', async () => {
    const { asked, get, give } = kit()
    const all = Array.from({ length: 50 }, () => get())
    give()
    expect(new Set((await Promise.all(all)).map(({ token }) => token))).toEqual(new Set(['t1']))
    expect(asked).toHaveLength(1)
  })

  it('is for one upstream, realm, service, scope and who asks', async () => {
    const { asked, getNew, get } = kit()
    const entry = { origin: wish.base.origin, username: 'ann', password: new Secret('secret') }
    const others: Partial<TokenWish>[] = [
      {},
      { base: new URL('https://other.example.test/') },
      { realm: new URL('https://auth.example.test/other') },
      { service: 'other' },
      { service: undefined },
      { scope: 'repository:b:pull' },
      { scope: undefined },
      { entry },
    ]
    for (const [i, other] of others.entries()) expect(await getNew(other)).toEqual({ token: `t${i + 1}`, isNew: true })
    for (const [i, other] of others.entries()) expect(await get(other)).toEqual({ token: `t${i + 1}`, isNew: false })
    expect(asked).toHaveLength(others.length)
  })

  it('that upstream refused is replaced once, for all that used it', async () => {
    const { asked, get, getNew, give } = kit()
    await getNew()
    const all = Array.from({ length: 16 }, () => get({}, 't1'))
    give()
    expect(await Promise.all(all)).toEqual(Array(16).fill({ token: 't2', isNew: true }))
    // One of them that hears of it later still.
    expect(await get({}, 't1')).toEqual({ token: 't2', isNew: false })
    expect(asked).toHaveLength(2)
  })

  it('still comes for the others when one leaves, the one that asked for it included', async () => {
    const { asked, get, give } = kit()
    const leaver = new AbortController()
    const [first, second] = [get({}, undefined, leaver.signal), get()]
    leaver.abort('gone')
    await expect(first).rejects.toBe('gone')
    expect(asked[0]?.signal.aborted).toBe(false)
    give()
    expect(await second).toMatchObject({ token: 't1' })
    expect(await get()).toEqual({ token: 't1', isNew: false })
  })

  it('that was not given is asked for again by the next one, and its failure is heard by all who wait', async () => {
    const { asked, get, getNew } = kit()
    const all = [get(), get()]
    asked[0]?.answer.reject(new Error('down'))
    for (const one of all) await expect(one).rejects.toThrow('down')
    expect(await getNew()).toEqual({ token: 't1', isNew: true })
  })

  it('is not waited for any more after close', async () => {
    const { tokens, get } = kit()
    const waiting = get()
    tokens.close('stopping')
    await expect(waiting).rejects.toBe('stopping')
  })
})
