import { describe, expect, test } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { parse } from '../../../protocols/cargo/crate-index.ts'
import { cargo } from '../../../protocols/cargo/index.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { BASE, MIRROR, planFor, plannedFor, routeOf } from './fixtures.ts'
import { fileOf, line } from './lines.ts'

const SHA = '0ac2'.repeat(16)
const CORP = 'https://crates.corp.test/index/'
const SECOND = 1000

test('there is a mirror of the public registry without anybody configuring it', () => {
  expect(cargo.defaultUpstreams).toHaveLength(1)
  const url = new URL(cargo.defaultUpstreams[0] ?? '')
  expect([url.protocol, url.pathname, url.search]).toEqual(['https:', '/', ''])
  expect(url.host).toMatch(/^index\.[a-z]+\.[a-z]+$/)
})

describe('what upstream is asked for', () => {
  test.each([
    ['config.json', 'config.json'],
    ['my/cr/mycrate', 'my/cr/mycrate'],
    [`crates/MyCrate/1.0.0+b/${SHA}.crate`, `crates/MyCrate/1.0.0+b/${SHA}.crate`],
    [`crates/MyCrate/1.0.0%2Bb/${SHA.toUpperCase()}.crate`, `crates/MyCrate/1.0.0+b/${SHA}.crate`],
  ])('for %s has one key', (path, canonical) => {
    const { key, url, base, ecosystem, mirror } = planFor(path)
    expect(key).toBe(`cargo\n${BASE}\n${canonical}\n\n`)
    expect([url, base, ecosystem, mirror]).toEqual([BASE + canonical, BASE, 'cargo', 'cargo'])
  })

  test('of an index is what cargo itself asks for', () => {
    for (const path of ['config.json', 'my/cr/mycrate']) {
      expect(planFor(path).headers).toEqual({ accept: 'text/plain', 'cargo-protocol': 'version=1' })
    }
  })

  test('is asked of each upstream in order, and of the one that a route binds a name to only', () => {
    const names = cargo.names?.canonical?.('Corp_*')
    const routes = [{ pattern: names ?? '', upstream: CORP }]
    const mirror: Mirror = { ...MIRROR, upstreams: [CORP, BASE], routes }
    const bases = (path: string) => plannedFor(path, mirror).plans.map(({ base }) => base)
    expect(bases('my/cr/mycrate')).toEqual([CORP, BASE])
    expect(bases('config.json')).toEqual([CORP, BASE])
    for (const path of ['co/rp/corp-x', 'co/rp/corp_x', `crates/CORP_x/1.0.0/${SHA}.crate`, 'crates/Corp-x/1.0.0/download']) {
      expect(bases(path)).toEqual([CORP])
    }
  })

  test('is nothing where a route says so', () => {
    const mirror: Mirror = { ...MIRROR, routes: [{ pattern: 'corp-*', upstream: undefined }] }
    expect(() => routeOf('co/rp/corp_x', mirror)).toThrow(/is asked at no upstream/)
  })

  test.each(['corp/*', '@corp', 'corp x', 'é', ''])('is bound by no pattern «%s»', (pattern) => {
    expect(cargo.names?.canonical?.(pattern)).toBeUndefined()
  })
})

describe('a lifetime', () => {
  const of = (path: string, lifetime?: number) =>
    planFor(path, { ...MIRROR, ...(lifetime === undefined ? {} : { lifetime }) }).lifetime

  test('of an index file lets yanks be seen within a minute', () => {
    expect(of('my/cr/mycrate')).toEqual({ floor: 10 * SECOND, cap: 60 * SECOND })
    expect(of('my/cr/mycrate', 5 * SECOND)).toEqual({ floor: 5 * SECOND, cap: 5 * SECOND })
  })

  test('of the configuration is no longer than the operator says', () => {
    expect(of('config.json')?.cap).toBe(300 * SECOND)
    expect(of('config.json', 30 * SECOND)).toEqual({ floor: 30 * SECOND, cap: 30 * SECOND })
  })
})

describe('the package that a request is about', () => {
  test.each([
    ['my/cr/mycrate', { type: 'cargo', name: 'mycrate' }],
    [`crates/MyCrate/1.0.0/${SHA}.crate`, { type: 'cargo', name: 'mycrate', version: '1.0.0' }],
    ['crates/MyCrate/1.0.0/download', { type: 'cargo', name: 'mycrate', version: '1.0.0' }],
    ['config.json', undefined],
  ])('of %s', (path, subject) => {
    expect(planFor(path).subject).toEqual(subject)
  })
})

describe('an index file', () => {
  const facts = (bytes: Buffer) => JSON.parse(JSON.stringify(parse(bytes).facts))

  test('is that of the crate that was asked for, in whatever case, and no other', () => {
    const plan = planFor('my/cr/mycrate')
    expect(plan.isMeant?.(facts(fileOf(line('MyCrate', '1.0.0'))))).toBe(true)
    expect(plan.isMeant?.(facts(fileOf(line('my_crate', '1.0.0'))))).toBe(false)
    expect(plan.isMeant?.(undefined)).toBe(false)
  })

  test('brings those of its dependencies along, from the same upstream, unless they are bound to another', () => {
    const routes = [{ pattern: 'corp-*', upstream: CORP }]
    const mirror: Mirror = { ...MIRROR, upstreams: [BASE, CORP], routes }
    const deps = ['Log', 'corp_secret', 'cc'].map((name) => ({ name, req: '1', kind: 'normal', optional: false }))
    const next = (plan: Plan) => plan.prefetch?.(facts(fileOf(line('mycrate', '1.0.0', { deps })))) ?? []
    const [first, second] = plannedFor('my/cr/mycrate', mirror).plans
    expect(next(first).map(({ url }) => url)).toEqual([`${BASE}3/l/log`, `${BASE}2/cc`])
    expect(second && next(second).map(({ url }) => url)).toEqual([`${CORP}3/l/log`, `${CORP}co/rp/corp_secret`, `${CORP}2/cc`])
    expect(next(first)[0]?.key).toBe(plannedFor('3/l/log', mirror).plans[0].key)
    expect(first.prefetch?.(undefined)).toEqual([])
  })

  test('offers its versions to a policy', () => {
    expect(plannedFor('my/cr/mycrate').offers?.withhold(fileOf(line('mycrate', '1.0.0')), () => false)).toHaveLength(0)
  })
})

describe('a client that asks for something else', () => {
  test.each(['info/refs', 'git-upload-pack'])('by git (%s) is told what is missing', (path) => {
    const route = routeOf(path, MIRROR, 'GET', '?service=git-upload-pack')
    if (!('reply' in route)) throw new Error('no reply')
    expect(route.reply.status).toBe(404)
    expect(route.reply.body).toMatch(/^[^\n]*«sparse\+»[^\n]*\n$/)
  })

  test.each(['PUT', 'POST', 'DELETE', 'PROPFIND', 'x y'])('by %s is told where to publish', (method) => {
    for (const path of ['api/v1/crates/new', 'my/cr/mycrate']) {
      expect(() => routeOf(path, MIRROR, method)).toThrow(expect.objectContaining({ code: 'METHOD_NOT_ALLOWED' }))
    }
  })

  test('by HEAD gets the same as by GET', () => {
    const route = routeOf('my/cr/mycrate', MIRROR, 'HEAD')
    expect('plans' in route && route.plans[0].key).toBe(planFor('my/cr/mycrate').key)
  })
})

describe('an error', () => {
  const error = new WarrenError('UPSTREAM_LEGAL', `cargo: withheld\n    at some (stack.ts:1)`)

  test('is one line of text, which cargo shows as it is', () => {
    const { contentType, body } = cargo.formatError(error, '/cargo/my/cr/mycrate')
    expect(contentType).toBe('text/plain; charset=utf-8')
    expect(body).toBe('cargo: withheld; it was taken down there for legal reasons: choose another version\n')
  })

  test('is what the API of a registry answers with, below its path', () => {
    const { contentType, body } = cargo.formatError(error, '/cargo/api/v1/crates/new')
    expect(contentType).toBe('application/json')
    expect(JSON.parse(body)).toEqual({
      errors: [{ detail: 'cargo: withheld; it was taken down there for legal reasons: choose another version' }],
    })
  })

  test.each([
    [new WarrenError('UPSTREAM_BUSY', 'busy', { retryAfter: 7 }), 'busy; try again in 7 s\n'],
    [new WarrenError('UPSTREAM_TIMEOUT', 'slow'), 'slow; try again in a moment\n'],
    [new WarrenError('POLICY_DENIED', 'no'), 'no\n'],
  ])('says what to do: %s', (one, body) => {
    expect(cargo.formatError(one, '/cargo/x').body).toBe(body)
  })

  test('is short enough for cargo to show all of it', () => {
    const { body } = cargo.formatError(new WarrenError('UPSTREAM_CORRUPT', 'x'.repeat(5000)), '/cargo/x')
    expect(body.length).toBeLessThanOrEqual(512)
  })
})
