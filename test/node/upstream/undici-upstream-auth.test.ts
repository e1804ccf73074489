import { describe, expect, it } from 'vitest'
import { Secret } from '../../../node/secret.ts'
import type { CredentialEntry } from '../../../node/upstream/credentials.ts'
import type { UndiciUpstreamInit } from '../../../node/upstream/undici-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { failure, makeUpstream, NEVER, readText, using } from './fixture.ts'
import { GuardedRegistry, SCOPE } from './guarded-registry.ts'
import { fakeLookup } from './lookups.ts'
import { ManualClock } from './manual-clock.ts'
import { httpServer } from './servers.ts'

const PATH = '/v2/library/x/blobs/sha256:0'
const PASSWORD = 'hunter2'
const BASIC = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`

const asAnn = (origin: string): CredentialEntry => ({ origin, username: 'ann', password: new Secret(PASSWORD) })
const byToken = (origin: string): CredentialEntry => ({ origin, token: new Secret(PASSWORD) })

function request({ origin }: Pick<GuardedRegistry, 'origin'>, more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return { method: 'GET', url: origin + PATH, base: `${origin}/`, scope: SCOPE, ...more }
}

async function setUp(entry: (origin: string) => CredentialEntry = asAnn, init: Partial<UndiciUpstreamInit> = {}) {
  const registry = await GuardedRegistry.start()
  const clock = new ManualClock()
  const upstream = makeUpstream({ credentials: [entry(registry.origin)], ...init }, { clock, random: () => 0 })
  const ask = (more: Partial<UpstreamRequest> = {}) => readText(upstream.fetch(request(registry, more), NEVER))
  return { registry, clock, upstream, ask }
}

/** Whether a text holds the password, in any form in which it is sent. */
function tells(thing: unknown): boolean {
  const text = JSON.stringify(thing)
  return text.includes(PASSWORD) || text.includes(BASIC.slice('Basic '.length))
}

describe('credentials', () => {
  it('are shown to the token service, and only what it gives to the registry', async () => {
    const { registry, ask, upstream } = await setUp()
    expect(await ask()).toBe('content')
    expect(registry.asks.map(({ method, authorization }) => [method, authorization])).toEqual([['GET', BASIC]])
    expect(registry.shown).toEqual([undefined, 'Bearer token-1'])
    expect(tells(upstream.health())).toBe(false)
  })

  it('that are a token go to the token service as refresh token', async () => {
    const { registry, ask } = await setUp(byToken)
    expect(await ask()).toBe('content')
    const [{ method, url, authorization, body } = {}] = registry.asks
    expect([method, url?.search, authorization]).toEqual(['POST', '', undefined])
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'warren',
      service: 'registry.example.test',
      scope: SCOPE,
      refresh_token: PASSWORD,
    })
  })

  it.each([
    ['Basic', 'Basic realm="x"', asAnn, BASIC],
    ['Basic beside another scheme', 'Negotiate, Basic realm="x"', asAnn, BASIC],
    ['nothing in particular, by password', undefined, asAnn, BASIC],
    ['nothing in particular, by token', undefined, byToken, `Bearer ${PASSWORD}`],
    ['Bearer without a token service', 'Bearer', byToken, `Bearer ${PASSWORD}`],
    ['Basic, by token', 'Basic realm="x"', byToken, `Bearer ${PASSWORD}`],
  ])('are shown to a registry that wants %s, from the second request on at once', async (_what, challenge, entry, shown) => {
    const asked: (string | undefined)[] = []
    const registry = await using(
      httpServer(({ headers }, response) => {
        asked.push(headers.authorization)
        if (headers.authorization === shown) return response.end('content')
        response.writeHead(401, challenge === undefined ? {} : { 'www-authenticate': challenge }).end()
      }),
    )
    const upstream = makeUpstream({ credentials: [entry(registry.origin)] })
    for (const more of [{}, { method: 'HEAD' as const }, { scope: 'repository:y:pull' }])
      await readText(upstream.fetch(request(registry, more), NEVER))
    expect(asked).toEqual([undefined, shown, shown, shown])
  })

  it('that a registry refuses are shown once', async () => {
    const asked: (string | undefined)[] = []
    const registry = await using(
      httpServer(({ headers }, response) => {
        asked.push(headers.authorization)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      }),
    )
    const upstream = makeUpstream({ credentials: [asAnn(registry.origin)] })
    const statuses: number[] = []
    for (let n = 0; n < 2; n++) {
      const { status, destroy } = await upstream.fetch(request(registry), NEVER)
      statuses.push(status)
      destroy()
    }
    expect([statuses, asked]).toEqual([
      [401, 401],
      [undefined, BASIC, BASIC],
    ])
  })

  it('that a token service refuses are not shown to it again for a minute', async () => {
    const { registry, clock, upstream, ask } = await setUp()
    registry.tokens = (_seen, response) => response.writeHead(401).end()
    for (const scope of [SCOPE, 'repository:y:pull']) {
      const error = await failure(upstream.fetch(request(registry, { scope }), NEVER))
      expect([error.code, tells([error.message, error.stack])]).toEqual(['UPSTREAM_DENIED', false])
      expect(error.message).toContain(`refuses the credentials that are configured for ${registry.origin}`)
    }
    expect(registry.asks).toHaveLength(1)
    registry.tokens = undefined
    clock.advance(60_000)
    expect(await ask()).toBe('content')
  })

  it('are those of the upstream that is asked, and make it private', async () => {
    const { registry, upstream } = await setUp()
    const other = await GuardedRegistry.start()
    expect(await readText(upstream.fetch(request(other), NEVER))).toBe('content')
    expect(other.asks.map(({ authorization }) => authorization)).toEqual([undefined])
    expect(upstream.isPrivate(`${registry.origin}/some/base/`)).toBe(true)
    expect(upstream.isPrivate(other.origin)).toBe(false)
  })

  it('do not make private what may be shared', () => {
    const login = { origin: 'https://a.example.test', username: 'ann', password: new Secret('hunter2') }
    for (const share of [true, false]) {
      const upstream = makeUpstream({ credentials: [{ ...login, share }] })
      expect(upstream.isPrivate('https://a.example.test/v2/')).toBe(!share)
    }
  })

  it('of a token that one upstream got are nothing to another that names the same token service', async () => {
    const { registry, upstream, ask } = await setUp()
    await ask()
    const thief = await GuardedRegistry.start()
    thief.challenge = () => registry.bearer(SCOPE)
    const { destroy } = await upstream.fetch(request(thief), NEVER)
    destroy()
    expect(registry.asks.map(({ authorization }) => authorization)).toEqual([BASIC, undefined])
    expect(thief.shown).toEqual([undefined, 'Bearer token-2'])
  })

  it('of a token that another account got are nothing to an upstream with an account of its own', async () => {
    const [registry, thief] = [await GuardedRegistry.start(), await GuardedRegistry.start()]
    const bob = { origin: thief.origin, username: 'bob', password: new Secret('hunter3') }
    const upstream = makeUpstream({ credentials: [asAnn(registry.origin), bob] })
    await readText(upstream.fetch(request(registry), NEVER))
    thief.challenge = () => registry.bearer(SCOPE)
    const { destroy } = await upstream.fetch(request(thief), NEVER)
    destroy()
    expect(registry.asks.map(({ authorization }) => authorization)).toEqual([
      BASIC,
      `Basic ${Buffer.from('bob:hunter3').toString('base64')}`,
    ])
    expect(thief.shown).toEqual([undefined, 'Bearer token-2'])
  })
})

describe('a token service on another site', () => {
  /** The registry has an address, its token service a name, which stands for the same machine. */
  async function elsewhere(init: (realm: string) => Partial<CredentialEntry> = () => ({})) {
    const registry = await GuardedRegistry.start()
    const realm = `http://login.example.org:${registry.service.port}/token`
    registry.challenge = (scope) => registry.bearer(scope, realm)
    const entry = { ...asAnn(registry.origin), ...init(realm) } as CredentialEntry
    const lookup = fakeLookup({ 'login.example.org': ['127.0.0.1'] })
    return { registry, upstream: makeUpstream({ credentials: [entry] }, { lookup }) }
  }

  it('gets no credentials, and the operator is told what to do where that was not enough', async () => {
    const { registry, upstream } = await elsewhere()
    registry.tokens = (_seen, response) => response.end('{"token": "for-anybody"}')
    const error = await failure(upstream.fetch(request(registry), NEVER))
    expect(registry.asks.map(({ authorization, body }) => [authorization, body])).toEqual([[undefined, '']])
    expect(registry.shown).toEqual([undefined, 'Bearer for-anybody'])
    expect([error.code, tells([error.message, error.stack])]).toEqual(['UPSTREAM_DENIED', false])
    expect(error.message).toMatch(/login\.example\.org:\d+, which is another site .* name it as realm/)
  })

  it('gives tokens without them for what is public', async () => {
    const { registry, upstream } = await elsewhere()
    expect(await readText(upstream.fetch(request(registry), NEVER))).toBe('content')
    expect(registry.asks.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  it('gets them where it stands beside them', async () => {
    const { registry, upstream } = await elsewhere((realm) => ({ realm }))
    expect(await readText(upstream.fetch(request(registry), NEVER))).toBe('content')
    expect(registry.asks.map(({ authorization }) => authorization)).toEqual([BASIC])
  })

  it('is not asked where its address is more private than that of the registry', async () => {
    const registry = await GuardedRegistry.start()
    registry.challenge = (scope) => registry.bearer(scope, 'http://169.254.169.254/token')
    const error = await failure(makeUpstream().fetch(request(registry), NEVER))
    expect(error).toMatchObject({ code: 'UPSTREAM_REFUSED', message: expect.stringContaining('169.254.169.254') })
  })
})

describe('a redirect', () => {
  /** A storage that tells what it was shown, and sends to wherever it is told to. */
  async function storage(to?: () => string) {
    const shown: (string | undefined)[] = []
    const server = await using(
      httpServer(({ headers }, response) => {
        shown.push(headers.authorization)
        if (to) response.writeHead(307, { location: to() }).end()
        else response.writeHead(200).end('stored')
      }),
    )
    return { origin: server.origin, shown }
  }

  it.each([
    ['a token', (registry: GuardedRegistry) => registry.bearer(SCOPE)],
    ['credentials', () => 'Basic realm="x"'],
  ])('to another origin carries no %s', async (_what, challenge) => {
    const { registry, ask } = await setUp()
    const { origin, shown } = await storage()
    registry.challenge = () => challenge(registry)
    registry.registry = (_seen, response) => response.writeHead(307, { location: `${origin}/blob` }).end()
    const basic = registry.challenge(SCOPE)?.startsWith('Basic')
    if (basic) registry.password = BASIC
    expect(await ask()).toBe('stored')
    expect(registry.shown.at(-1)).toBe(basic ? BASIC : 'Bearer token-1')
    expect(shown).toEqual([undefined])
  })

  it('back from another origin carries none either', async () => {
    const { registry, upstream } = await setUp()
    const away = await storage(() => `${registry.origin}${PATH}?again`)
    registry.registry = (_seen, response) => response.writeHead(307, { location: `${away.origin}/blob` }).end()
    const { status, destroy } = await upstream.fetch(request(registry), NEVER)
    destroy()
    expect(status).toBe(401)
    expect([registry.shown, away.shown]).toEqual([[undefined, 'Bearer token-1', undefined], [undefined]])
  })

  it('within the origin carries the token', async () => {
    const { registry, ask } = await setUp()
    registry.registry = ({ url }, response) => {
      if (url.search === '') response.writeHead(307, { location: `${PATH}?moved` }).end()
      else response.end('moved')
    }
    expect(await ask()).toBe('moved')
    expect(registry.shown).toEqual([undefined, 'Bearer token-1', 'Bearer token-1'])
  })

  it('is the answer where that is asked for', async () => {
    const { registry, upstream } = await setUp()
    registry.registry = (_seen, response) => response.writeHead(307, { location: 'http://192.0.2.1/blob' }).end()
    const { status, headers, destroy } = await upstream.fetch(request(registry, { redirect: 'manual' }), NEVER)
    destroy()
    expect([status, headers.location]).toEqual([307, 'http://192.0.2.1/blob'])
  })

  it('of a token service to another origin carries no credentials', async () => {
    const { registry, ask } = await setUp()
    const shown: (string | undefined)[] = []
    const other = await using(
      httpServer(({ headers }, response) => {
        shown.push(headers.authorization)
        registry.good.set('moved', SCOPE)
        response.end('{"token": "moved"}')
      }),
    )
    registry.tokens = (_seen, response) => response.writeHead(302, { location: `${other.origin}/` }).end()
    expect(await ask()).toBe('content')
    expect([registry.asks.map(({ authorization }) => authorization), shown]).toEqual([[BASIC], [undefined]])
  })
})
