import { describe, expect, it } from 'vitest'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { failure, makeUpstream, NEVER, readText, until, using } from './fixture.ts'
import { GuardedRegistry, SCOPE } from './guarded-registry.ts'
import { ManualClock } from './manual-clock.ts'
import { httpServer } from './servers.ts'

const PATH = '/v2/library/x/manifests/latest'

function request(registry: GuardedRegistry, more: Partial<UpstreamRequest> & { path?: string } = {}): UpstreamRequest {
  const { path = PATH, ...others } = more
  return { method: 'GET', url: registry.origin + path, base: `${registry.origin}/`, scope: SCOPE, ...others }
}

/** A client, and a clock that stands still. */
async function setUp() {
  const registry = await GuardedRegistry.start()
  const clock = new ManualClock()
  const upstream = makeUpstream({}, { clock, random: () => 0 })
  const ask = (more: Parameters<typeof request>[1] = {}) => readText(upstream.fetch(request(registry, more), NEVER))
  return { registry, clock, upstream, ask }
}

describe('a token', () => {
  it('is asked for where the challenge says, and shown', async () => {
    const { registry, ask } = await setUp()
    expect(await ask()).toBe('content')
    expect(registry.shown).toEqual([undefined, 'Bearer token-1'])
    const [{ method, url, authorization } = {}] = registry.asks
    expect([method, url?.pathname, authorization]).toEqual(['GET', '/token', undefined])
    expect([...(url?.searchParams ?? [])]).toEqual([
      ['service', 'registry.example.test'],
      ['scope', SCOPE],
    ])
  })

  it('is shown before the next 401, also for another repository', async () => {
    const { registry, ask } = await setUp()
    await ask()
    await ask({ method: 'HEAD' })
    await ask({ path: '/v2/team/y/blobs/sha256:0', scope: 'repository:team/y:pull' })
    expect(registry.shown).toEqual([undefined, 'Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
    expect(registry.asks).toHaveLength(2)
  })

  it('is for the scope of the request where the challenge names none', async () => {
    const { registry, ask } = await setUp()
    registry.challenge = () => registry.bearer()
    expect(await ask()).toBe('content')
    expect(registry.asks[0]?.url.searchParams.get('scope')).toBe(SCOPE)
  })

  it('is for the scope of the challenge where the request has none, or another one', async () => {
    const { registry, ask, upstream } = await setUp()
    await readText(upstream.fetch({ method: 'GET', url: registry.origin + PATH, base: registry.origin }, NEVER))
    await ask({ scope: 'repository:other:pull' })
    expect(registry.asks.map(({ url }) => url.searchParams.get('scope'))).toEqual([SCOPE, 'repository:other:pull'])
    // The second is good for nothing here; the challenge then leads to the first.
    expect(registry.shown).toEqual([undefined, 'Bearer token-1', 'Bearer token-2', 'Bearer token-1'])
  })

  it.each(['access_token', 'both'])('may be called %s', async (name) => {
    const { registry, ask } = await setUp()
    registry.tokens = (seen, response) => {
      const { token } = registry.give(seen)
      response.end(JSON.stringify(name === 'both' ? { token, access_token: 'other' } : { access_token: token }))
    }
    expect(await ask()).toBe('content')
  })

  it('is asked for once by fifty at a time', async () => {
    const { registry, ask } = await setUp()
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => ask())))).toEqual(new Set(['content']))
    expect(registry.asks).toHaveLength(1)
    await Promise.all(Array.from({ length: 50 }, () => ask()))
    expect(registry.asks).toHaveLength(1)
  })

  it('is got for all when the one who wanted it first leaves', async () => {
    const { registry, upstream, ask } = await setUp()
    const waiting = Promise.withResolvers<void>()
    registry.tokens = async (seen, response) => {
      await waiting.promise
      response.end(JSON.stringify(registry.give(seen)))
    }
    const leaver = new AbortController()
    const left = upstream.fetch(request(registry), leaver.signal)
    await until(() => registry.asks.length === 1)
    const stays = ask()
    leaver.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    waiting.resolve()
    expect(await stays).toBe('content')
    expect(registry.asks).toHaveLength(1)
  })

  it.each([
    [300, 239_999, 240_000],
    [undefined, 47_999, 48_000],
    [0, 47_999, 48_000],
    [-5, 47_999, 48_000],
  ])('that lives %s s is used for four fifths of that', async (life, good, over) => {
    const { registry, clock, ask } = await setUp()
    registry.life = life
    await ask()
    clock.advance(good)
    await ask()
    expect(registry.asks).toHaveLength(1)
    clock.advance(over - good)
    await ask()
    expect(registry.asks).toHaveLength(2)
    expect(registry.shown).toEqual([undefined, 'Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
  })

  it('is renewed once for all where it is refused', async () => {
    const { registry, ask } = await setUp()
    await ask()
    registry.good.clear()
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => ask())))).toEqual(new Set(['content']))
    expect(registry.asks).toHaveLength(2)
  })
})

describe('a registry that is never content', () => {
  it('is asked without a token and with one', async () => {
    const { registry, upstream } = await setUp()
    registry.tokens = (_seen, response) => response.end('{"token": "useless"}')
    const response = await upstream.fetch(request(registry), NEVER)
    expect([response.status, response.headers['www-authenticate']]).toEqual([401, registry.bearer(SCOPE)])
    expect(await readText(Promise.resolve(response))).toBe('who asks?')
    expect([registry.shown, registry.asks.length]).toEqual([[undefined, 'Bearer useless'], 1])
  })

  it('is asked again once with a newer token than the one that was kept', async () => {
    const { registry, upstream, ask } = await setUp()
    await ask()
    registry.good.clear()
    registry.tokens = (_seen, response) => response.end('{"token": "useless"}')
    const { status, destroy } = await upstream.fetch(request(registry), NEVER)
    destroy()
    expect(status).toBe(401)
    expect(registry.shown.slice(2)).toEqual(['Bearer token-1', 'Bearer useless'])
    expect(registry.asks).toHaveLength(2)
  })

  it('is asked three times where it wants something else each time', async () => {
    const { registry, upstream } = await setUp()
    registry.challenge = () => registry.bearer(`repository:${registry.asked.length}:pull`)
    const { status, destroy } = await upstream.fetch(request(registry), NEVER)
    destroy()
    expect([status, registry.asked.length, registry.asks.length]).toEqual([401, 3, 2])
  })

  it.each([
    ['says nothing', undefined],
    ['wants a password', 'Basic realm="x"'],
    ['names a realm that is no URL', 'Bearer realm="example"'],
    ['names a file', 'Bearer realm="file:///etc/passwd"'],
    ['names a password in the realm', 'Bearer realm="http://ann:secret@127.0.0.1/token"'],
    ['stammers', 'Bearer realm="http://127.0.0.1:1/",realm="http://127.0.0.1:2/"'],
  ])('and %s has answered', async (_what, challenge) => {
    const { registry, upstream } = await setUp()
    registry.challenge = () => challenge
    const response = await upstream.fetch(request(registry), NEVER)
    expect(response.status).toBe(401)
    expect(await readText(Promise.resolve(response))).toBe('who asks?')
    expect([registry.asked.length, registry.asks.length]).toEqual([1, 0])
  })
})

describe('a token service in trouble', () => {
  it.each([
    ['is overloaded', 503, 'no', 'UPSTREAM_FAILED', 3],
    ['is broken', 500, 'no', 'UPSTREAM_FAILED', 1],
    ['is not there', 404, '{}', 'UPSTREAM_FAILED', 1],
    ['speaks no JSON', 200, '<html>sign in</html>', 'UPSTREAM_FAILED', 1],
    ['cuts its JSON', 200, '{"token": "hunter2', 'UPSTREAM_FAILED', 1],
    ['says something else', 200, '["hunter2"]', 'UPSTREAM_FAILED', 1],
    ['gives no token', 200, '{"expires_in": 300}', 'UPSTREAM_FAILED', 1],
    ['gives none that can be sent', 200, '{"token": "hunter2\\r\\nx: y"}', 'UPSTREAM_FAILED', 1],
    ['gives one that is too long', 200, JSON.stringify({ token: 'hunter2'.repeat(4_000) }), 'UPSTREAM_FAILED', 1],
    ['sends too much', 200, JSON.stringify({ token: 'hunter2', more: 'x'.repeat(70_000) }), 'UPSTREAM_FAILED', 1],
    ['refuses to give one', 401, 'hunter2', 'UPSTREAM_DENIED', 1],
    ['is busy', 429, 'hunter2', 'UPSTREAM_BUSY', 1],
  ])('that %s is told as such, without a word of it', async (_what, status, body, code, times) => {
    const registry = await GuardedRegistry.start()
    registry.tokens = (_seen, response) => response.writeHead(status).end(body)
    const error = await failure(makeUpstream().fetch(request(registry), NEVER))
    expect(error).toMatchObject({ code, message: expect.stringContaining(registry.service.origin) })
    expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('hunter2')
    expect([registry.asked.length, registry.asks.length]).toEqual([1, times])
  })

  it('that is gone is unreachable, and asked again later', async () => {
    const { registry, ask } = await setUp()
    const away = await httpServer(() => {})
    await away.close()
    registry.challenge = (scope) => registry.bearer(scope, `${away.origin}/token`)
    const upstream = makeUpstream()
    const { code, message } = await failure(upstream.fetch(request(registry), NEVER))
    expect([code, message]).toEqual(['UPSTREAM_UNREACHABLE', expect.stringContaining(away.origin)])
    // The registry has another one by now.
    registry.challenge = undefined
    expect(await readText(upstream.fetch(request(registry), NEVER))).toBe('content')
    expect(await ask()).toBe('content')
  })

  it('that fails for a known challenge is found anew', async () => {
    const { registry, ask, clock, upstream } = await setUp()
    await ask()
    clock.advance(300_000)
    registry.tokens = (_seen, response) => response.writeHead(500).end()
    expect(await failure(upstream.fetch(request(registry), NEVER))).toMatchObject({ code: 'UPSTREAM_FAILED' })
    const other = await using(
      httpServer((_request, response) => {
        registry.good.set('other', SCOPE)
        response.end('{"token": "other"}')
      }),
    )
    registry.challenge = (scope) => registry.bearer(scope, `${other.origin}/token`)
    expect(await ask()).toBe('content')
    expect(registry.shown).toEqual([undefined, 'Bearer token-1', undefined, 'Bearer other'])
  })

  it('is not waited for by a client that closes', async () => {
    const { registry, upstream } = await setUp()
    registry.tokens = () => {}
    const asking = failure(upstream.fetch(request(registry), NEVER))
    await until(() => registry.asks.length === 1)
    await upstream.close()
    expect(await asking).toMatchObject({ code: 'DRAINING' })
  })

  it('may stand at the origin of the registry, however many wait there', async () => {
    const registry = await GuardedRegistry.start()
    registry.challenge = (scope) => registry.bearer(scope, `${registry.origin}/token`)
    const upstream = makeUpstream({ concurrency: 1 })
    registry.good.set('at-home', SCOPE)
    const plain = await using(
      httpServer((asked, response) => {
        if (asked.url?.startsWith('/token')) return response.end('{"token": "at-home"}')
        if (asked.headers.authorization === 'Bearer at-home') return response.end('content')
        const challenge = `Bearer realm="http://${asked.headers.host}/token",service="s",scope="${SCOPE}"`
        response.writeHead(401, { 'www-authenticate': challenge }).end('x'.repeat(10_000))
      }),
    )
    const all = Array.from({ length: 5 }, () =>
      readText(upstream.fetch({ method: 'GET', url: plain.origin + PATH, base: plain.origin }, NEVER)),
    )
    expect(await Promise.all(all)).toEqual(Array.from({ length: 5 }, () => 'content'))
    expect(plain.asked.filter((line) => line.startsWith('GET /token'))).toHaveLength(1)
  })
})
