import { describe, expect, it } from 'vitest'
import type { UndiciUpstream } from '../../../node/upstream/undici-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { failure, get, makeUpstream, NEVER, readText, using } from './fixture.ts'
import { ManualClock } from './manual-clock.ts'
import { httpServer, type TestServer } from './servers.ts'

type Answer = { status?: number; headers?: Readonly<Record<string, string>>; body?: string }

const WINDOW = 21_600

function limited(remaining: number, limit = 100): Readonly<Record<string, string>> {
  const window = `;w=${WINDOW}`
  return { 'ratelimit-limit': `${limit}${window}`, 'ratelimit-remaining': `${remaining}${window}` }
}

/** An upstream whose registry gives these answers, in order. */
async function asking(...answers: Answer[]): Promise<{
  ask(method?: UpstreamRequest['method']): Promise<string>
  upstream: UndiciUpstream
  server: TestServer
  clock: ManualClock
}> {
  const left = [...answers]
  const server = await using(
    httpServer((_request, response) => {
      const { status = 200, headers = {}, body = '' } = left.shift() ?? {}
      response.writeHead(status, headers).end(body)
    }),
  )
  const clock = new ManualClock()
  const upstream = makeUpstream({}, { clock, random: () => 0 })
  return { ask: (method = 'GET') => readText(upstream.fetch(get(server, '/', { method }), NEVER)), upstream, server, clock }
}

describe('what an upstream still grants', () => {
  it.each(['GET', 'HEAD'] as const)('is read from the answer to %s, and shown in its health', async (method) => {
    const { ask, upstream, server, clock } = await asking({
      headers: { ...limited(76), 'docker-ratelimit-source': '192.0.2.7' },
    })
    const { origin } = server
    expect(upstream.budget(`${origin}/`)).toBeUndefined()
    await ask(method)
    const budget = { limit: 100, remaining: 76, window: WINDOW, source: '192.0.2.7', at: clock.now(), isLow: false }
    expect(upstream.budget(`${origin}/some/base/`)).toEqual(budget)
    expect(upstream.health()).toMatchObject([{ origin, budget }])
  })

  it('is what the latest answer said that said anything', async () => {
    const { ask, upstream, server } = await asking({ headers: limited(76) }, {}, { headers: limited(75) }, { status: 404 })
    for (const remaining of [76, 76, 75, 75]) {
      await ask()
      expect(upstream.budget(server.origin)?.remaining).toBe(remaining)
    }
  })

  it('is not known any more when the window is over', async () => {
    const { ask, upstream, server, clock } = await asking({ headers: limited(0) })
    await ask()
    clock.advance(WINDOW * 1000 - 1)
    expect(upstream.budget(server.origin)).toMatchObject({ remaining: 0, isLow: true })
    clock.advance(1)
    expect(upstream.budget(server.origin)).toBeUndefined()
    expect(upstream.health()[0]).not.toHaveProperty('budget')
  })

  it('is that of one upstream, not of another', async () => {
    const { ask, upstream } = await asking({ headers: limited(76) })
    await ask()
    expect(upstream.budget('https://other.example.test/')).toBeUndefined()
  })

  it.each([
    [100, 6, false],
    [100, 5, true],
    [200, 11, false],
    [200, 10, true],
    [10, 2, false],
    [10, 1, true],
    [1, 1, true],
    [0, 0, true],
  ])('of %i requests is low or not with %i left: %s', async (limit, remaining, isLow) => {
    const { ask, upstream, server } = await asking({ headers: limited(remaining, limit) })
    await ask()
    expect(upstream.budget(server.origin)).toMatchObject({ limit, remaining, isLow })
  })

  it.each([
    ['no window', '100', '76'],
    ['a window of nothing', '100;w=0', '76;w=0'],
    ['no remaining', '100;w=60', undefined],
    ['words', 'many;w=60', 'few;w=60'],
    ['a negative rest', '100;w=60', '-1;w=60'],
    ['a number that no limit is', '9999999999;w=60', '1;w=60'],
    ['a list', '100;w=60, 10;w=1', '76;w=60'],
  ])('is unknown where the headers have %s', async (_what, limit, remaining) => {
    const headers = { 'ratelimit-limit': limit, ...(remaining === undefined ? {} : { 'ratelimit-remaining': remaining }) }
    const { ask, upstream, server } = await asking({ headers })
    await ask()
    expect(upstream.budget(server.origin)).toBeUndefined()
  })

  it('does not grow with what upstream says of whom it counts', async () => {
    const { ask, upstream, server } = await asking({
      headers: { ...limited(1), 'docker-ratelimit-source': 'x'.repeat(9_000) },
    })
    await ask()
    expect(upstream.budget(server.origin)?.source).toBe('x'.repeat(64))
  })
})

describe('an upstream whose limit is reached', () => {
  const json = { 'content-type': 'application/json' }
  const TOO_MANY = JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'too many' }] })
  const bodies: Answer[] = [{}, { headers: json, body: TOO_MANY }, { headers: json, body: TOO_MANY.padEnd(200_000) }]
  const pauses = ['seconds', 'a date', 'no pause'] as const
  const cases = (['GET', 'HEAD'] as const).flatMap((method) =>
    pauses.flatMap((pause) => bodies.map((answer) => [method, pause, answer.body?.length ?? 0, answer] as const)),
  )

  it.each(cases)('is left alone after a %s, told by %s and a body of %i bytes', async (method, pause, _length, answer) => {
    const clock = new ManualClock()
    const retryAfter = { seconds: '60', 'a date': new Date(clock.now() + 60_000).toUTCString(), 'no pause': undefined }[pause]
    const later = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    const {
      ask,
      upstream,
      server,
      clock: own,
    } = await asking({ ...answer, status: 429, headers: { ...limited(0), ...later, ...answer.headers } }, { body: 'again' })
    const rest = pause === 'no pause' ? 30 : 60
    expect(await failure(ask(method))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: rest })
    expect(upstream.health()).toMatchObject([{ state: 'frozen', until: own.now() + rest * 1000 }])
    // Its own 429 told what is left, too.
    expect(upstream.budget(server.origin)).toMatchObject({ remaining: 0, isLow: true })
    for (const next of ['GET', 'HEAD'] as const)
      expect(await failure(ask(next))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: rest })
    expect(server.asked).toEqual([`${method} /`])
    own.advance(rest * 1000)
    expect(await ask()).toBe('again')
  })
})
