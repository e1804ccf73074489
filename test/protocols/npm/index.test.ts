import { describe, expect, test } from 'vitest'
import { npm } from '../../../protocols/npm/index.ts'
import type { MirrorRequest, Route } from '../../../protocols/protocol.ts'
import { BASE, get, mirror, mirrorOf, planFor } from './fixtures.ts'

const NPM_TYPE = 'application/vnd.npm.install-v1+json'
const PNPM_ACCEPT = `${NPM_TYPE}; q=1.0, application/json; q=0.8, */*`

function send(method: string, path: string, more: Partial<MirrorRequest> = {}): Route {
  return npm.route({ method, path, query: '', headers: {}, ...more }, mirror)
}

describe('a packument', () => {
  test('has two variants, each under its own key and with its own content type', () => {
    const full = planFor('foo', { accept: 'application/json' })
    const abbreviated = planFor('foo', { accept: PNPM_ACCEPT })
    expect(full.key).not.toBe(abbreviated.key)
    expect(full.url).toBe(abbreviated.url)
    expect(full.responseHeaders).toEqual({
      'content-type': 'application/json',
      vary: 'accept, accept-encoding',
      'cache-control': 'no-cache',
    })
    expect(abbreviated.responseHeaders).toEqual({ ...full.responseHeaders, 'content-type': NPM_TYPE })
  })

  test('is asked for with the same accept whatever the client sent', () => {
    const accepts = [PNPM_ACCEPT, NPM_TYPE, `application/json;q=0.1,${NPM_TYPE}`]
    const plans = accepts.map((accept) =>
      planFor('foo', { accept, authorization: 'Bearer x', cookie: 'a=b', 'npm-otp': '123456' }),
    )
    expect(new Set(plans.map((plan) => plan.key)).size).toBe(1)
    for (const plan of plans) expect(plan.headers).toEqual({ accept: PNPM_ACCEPT })
    expect(planFor('foo').headers).toEqual({ accept: 'application/json' })
  })

  test('that is abbreviated may be stood in for by the full one, and not the other way round', () => {
    expect(planFor('foo', { accept: NPM_TYPE }).standIn).toEqual({ ...planFor('foo'), isMeant: expect.any(Function) })
    expect(planFor('foo').standIn).toBeUndefined()
  })

  test('that was published shows within five minutes', () => {
    expect(planFor('foo')).toMatchObject({ kind: 'mutable', lifetime: { floor: 10_000, cap: 300_000 } })
  })
})

describe('a manifest', () => {
  test('of an exact version is asked for rarely, that of a tag like a packument', () => {
    expect(planFor('foo/1.0.0-rc.1')).toMatchObject({ kind: 'mutable', lifetime: { floor: 3_600_000, cap: 86_400_000 } })
    for (const tag of ['latest', '1', '1.0', '^1.0.0', 'v1.0.0'])
      expect(planFor(`foo/${tag}`).lifetime).toEqual(planFor('foo').lifetime)
  })
})

describe('a tarball', () => {
  const plan = planFor('@s%2fp/-/p-1.0.0.tgz')

  test('is kept for ever, comes as it is, and is verified by the metadata', () => {
    expect(plan).toMatchObject({
      kind: 'immutable',
      url: `${BASE}@s/p/-/p-1.0.0.tgz`,
      headers: { 'accept-encoding': 'identity' },
    })
    expect(plan.responseHeaders).toEqual({
      'content-type': 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    expect(plan.algorithms).toEqual(['sha512'])
    expect(plan.expect).toBeTypeOf('function')
  })

  test('has no digest, document, lifetime or variant of its own', () => {
    for (const absent of ['digests', 'document', 'lifetime', 'standIn']) expect(plan).not.toHaveProperty(absent)
    expect(planFor('@s/p/-/p-1.0.0.tgz', { accept: PNPM_ACCEPT }).key).toBe(plan.key)
  })
})

describe('keys and attestations', () => {
  test('are kept and revalidated', () => {
    expect(planFor('-/npm/v1/keys')).toMatchObject({ kind: 'mutable', url: `${BASE}-/npm/v1/keys`, lifetime: { cap: 300_000 } })
    expect(planFor('-/npm/v1/attestations/@s%2fp@1.0.0')).toMatchObject({ kind: 'mutable', lifetime: { cap: 86_400_000 } })
  })

  test('attestations are also found at the root, where npm asks for them', () => {
    const [alias = ''] = npm.rootAliases
    expect(planFor(`${alias.slice(1)}foo@1.0.0`).key).toBe(planFor('-/npm/v1/attestations/foo@1.0.0').key)
    expect(npm.rootAliases).toHaveLength(1)
  })
})

describe('a mirror with several upstreams', () => {
  test('gives one plan for each, in order, and asks only the first what it cannot keep', () => {
    const two = mirrorOf('https://a.example.test/npm/', 'https://b.example.test/')
    const route = get('foo', {}, two)
    expect('plans' in route && route.plans.map(({ url, base }) => [url, base])).toEqual([
      ['https://a.example.test/npm/foo', 'https://a.example.test/npm/'],
      ['https://b.example.test/foo', 'https://b.example.test/'],
    ])
    expect(get('-/v1/search', {}, two)).toMatchObject({ pass: { base: 'https://a.example.test/npm/' } })
  })

  test('with none is a mistake of the operator', () => {
    expect(() => get('foo', {}, mirrorOf())).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

describe('without the cache', () => {
  test('ping and the root are answered here', () => {
    for (const path of ['-/ping', '']) expect(get(path)).toMatchObject({ reply: { status: 200, body: '{}' } })
  })

  test('whoami is 401 in the form of npm, with no challenge to log in or for a code', () => {
    const route = get('-/whoami')
    if (!('reply' in route)) throw new Error('no reply')
    expect(route.reply.status).toBe(401)
    expect(Object.keys(route.reply.headers)).not.toContain('www-authenticate')
    expect(route.reply.headers['content-type']).toBe('application/json')
    expect(JSON.parse(route.reply.body)).toEqual({ error: expect.stringMatching(/^(?!.*one-time pass).*--registry/) })
  })

  test('search and dist-tags go upstream with the query and without the client’s credentials', () => {
    const headers = { authorization: 'Bearer secret', cookie: 'a=b', 'npm-otp': '123456' }
    expect(send('GET', '-/v1/search', { query: '?text=left%20pad&size=20', headers })).toEqual({
      pass: {
        method: 'GET',
        url: `${BASE}-/v1/search?text=left%20pad&size=20`,
        base: BASE,
        headers: { accept: 'application/json' },
      },
    })
    expect(send('GET', '-/package/@s/p/dist-tags', { query: '?x', headers })).toMatchObject({
      pass: { url: `${BASE}-/package/@s%2fp/dist-tags` },
    })
    expect(send('HEAD', '-/v1/search')).toMatchObject({ pass: { method: 'HEAD' } })
  })

  test.each(['?a b', '?#x', '?\0', '?\r\nX: 1', '?ü', `?${'x'.repeat(3000)}`, 'text=x'])(
    'a search with the query %j is refused',
    (query) => {
      expect(() => send('GET', '-/v1/search', { query })).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }))
    },
  )

  test.each(['advisories/bulk', 'audits/quick', 'audits'])(
    'the audit %s reaches upstream with its body as the client packed it',
    (end) => {
      const body = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': '321' }
      const secrets = {
        authorization: 'Bearer secret',
        cookie: 'a=b',
        'npm-otp': '123456',
        host: 'localhost',
        'x-forwarded-for': '10.0.0.1',
      }
      expect(send('POST', `-/npm/v1/security/${end}`, { headers: { ...body, ...secrets } })).toEqual({
        pass: {
          method: 'POST',
          url: `${BASE}-/npm/v1/security/${end}`,
          base: BASE,
          headers: { ...body, accept: 'application/json' },
        },
      })
    },
  )

  test.each([
    { 'content-length': '1e3' },
    { 'content-length': '-1' },
    { 'content-length': ['1', '2'] },
    { 'content-encoding': 'gzip\r\nx-evil: 1' },
    { 'content-type': '' },
  ])('an audit with %j is refused', (headers) => {
    expect(() => send('POST', '-/npm/v1/security/audits', { headers })).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    )
  })
})

describe('methods', () => {
  test('HEAD is planned like GET', () => {
    for (const path of ['foo', 'foo/-/foo-1.0.0.tgz', '-/npm/v1/keys']) {
      const [head, whole] = [send('HEAD', path), send('GET', path)]
      expect('plans' in head && head.plans[0].key).toBe('plans' in whole && whole.plans[0].key)
    }
  })

  test.each([
    ['PUT', 'foo'],
    ['PUT', '-/user/org.couchdb.user:me'],
    ['DELETE', 'foo/-rev/1-abc'],
    ['PUT', '-/package/foo/dist-tags/latest'],
    ['POST', '-/v1/login'],
    ['POST', 'foo'],
    ['PATCH', 'foo'],
    ['OPTIONS', ''],
    ['POST', ''],
    ['get', 'foo'],
    ['X\r\nY: z', 'foo'],
  ])('%s %s is not taken, and the error says where to publish', (method, path) => {
    expect(() => send(method, path)).toThrow(
      expect.objectContaining({
        code: 'METHOD_NOT_ALLOWED',
        message: expect.stringMatching(/^Warren is a read cache .*publishConfig[^\n]*$/),
      }),
    )
  })

  test('an audit is not asked for by GET', () => {
    expect(() => get('-/npm/v1/security/audits')).toThrow(expect.objectContaining({ code: 'METHOD_NOT_ALLOWED' }))
  })
})

test('the upstream that nobody named is one https base that ends in a slash', () => {
  expect(npm.defaultUpstreams).toHaveLength(1)
  for (const url of npm.defaultUpstreams) {
    expect(new URL(url)).toMatchObject({ href: url, protocol: 'https:', pathname: '/' })
  }
})
