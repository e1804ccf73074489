import { describe, expect, test } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { pypi } from '../../../protocols/pypi/index.ts'
import { BASE, get, mirror, planFor, planned, SHA } from './fixtures.ts'

const WHEEL = `files/foo/${SHA}/foo-1.0-py3-none-any.whl`

describe('a page', () => {
  test('is asked for in one way, whatever the client sent, and is one key', () => {
    const accepts = [undefined, 'text/html', 'application/vnd.pypi.simple.v1+json', '*/*']
    const plans = accepts.map((accept) => planned('simple/foo/', accept).plans[0])
    expect(new Set(plans.map(({ key }) => key)).size).toBe(1)
    for (const { url, headers, kind } of plans) {
      expect([url, kind]).toEqual([`${BASE}foo/`, 'mutable'])
      expect(headers).toEqual({
        accept: 'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01',
      })
    }
  })

  test('shows what was published within ten minutes, or sooner if the mirror says so', () => {
    expect(planFor('simple/foo/').lifetime).toEqual({ floor: 10_000, cap: 600_000 })
    expect(planFor('simple/foo/', { ...mirror, lifetime: 5_000 }).lifetime).toEqual({ floor: 5_000, cap: 5_000 })
  })

  test('is of the type that its bytes are, and of the project that was asked for', () => {
    const { describe: tell, isMeant } = planFor('simple/foo/')
    const html = { form: 'html', files: '\n' }
    const json = { form: 'json', files: '\n', name: 'foo' }
    expect(tell?.(html, {})).toEqual({ 'content-type': 'text/html; charset=utf-8' })
    expect(tell?.(json, {})).toEqual({ 'content-type': 'application/vnd.pypi.simple.v1+json' })
    const others = [{ ...json, name: 'bar' }, { ...html, name: 'bar' }, { form: 'json', files: '\n' }, {}]
    expect([html, { ...html, name: 'foo' }, json].map((facts) => isMeant?.(facts))).toEqual([true, true, true])
    expect(others.map((facts) => isMeant?.(facts))).toEqual([false, false, false, false])
  })
})

test('a page is read up to a size that can be given out in all forms', () => {
  expect(planFor('simple/foo/').maxBytes).toBe(32 << 20)
})

describe('a file', () => {
  test('is immutable, known by its digest, and of a version', () => {
    const plan = planFor(WHEEL)
    expect(plan).toMatchObject({
      kind: 'immutable',
      digests: [{ algorithm: 'sha256', hex: SHA }],
      subject: { type: 'pypi', name: 'foo', version: '1.0' },
      headers: { accept: '*/*', 'accept-encoding': 'identity' },
      responseHeaders: { 'cache-control': 'public, max-age=31536000, immutable', 'content-type': 'application/octet-stream' },
    })
    expect(planFor(WHEEL.replace(SHA, '-')).digests).toEqual([])
  })

  test('has a key of its own for each upstream and digest, and each thing beside it', () => {
    const paths = [WHEEL, WHEEL.replace(SHA, '-'), WHEEL.replace('ab', 'cd'), `${WHEEL}.metadata`, `${WHEEL}.asc`]
    const keys = paths.map((path) => planFor(path).key)
    const elsewhere = { ...mirror, upstreams: ['https://other.example.test/simple/'] }
    expect(new Set([...keys, ...paths.map((path) => planFor(path, elsewhere).key)]).size).toBe(2 * paths.length)
    expect(planFor(WHEEL, { ...mirror, name: 'other', path: '/other/' }).key).toBe(planFor(WHEEL).key)
  })

  test('has metadata, from upstream or else from the wheel, which must not be too large for that', () => {
    const { plans, rendition } = planned(`${WHEEL}.metadata`)
    expect(plans.map(({ key, maxBytes }) => [key, maxBytes])).toEqual([
      [expect.stringContaining('.whl.metadata'), undefined],
      [expect.stringMatching(/\.whl\nmetadata\n$/), 64 << 20],
    ])
    expect(rendition?.id).toBe('pypi-metadata-1')
    expect(planned(`files/foo/${SHA}/foo-1.0.tar.gz.metadata`).plans).toHaveLength(1)
    const two = { ...mirror, upstreams: [BASE, 'https://other.example.test/simple/'] }
    expect(planned(`${WHEEL}.metadata`, undefined, two).plans.map(({ base }) => base)).toEqual([
      BASE,
      BASE,
      ...Array(2).fill(two.upstreams[1]),
    ])
  })
})

test('the older API is there where the index has one', () => {
  const url = 'https://index.example.test/group/pypi/Foo/json'
  const subject = { type: 'pypi', name: 'foo' }
  expect(planFor('pypi/Foo/json')).toMatchObject({
    url,
    base: BASE,
    kind: 'mutable',
    headers: { accept: 'application/json' },
    subject,
  })
  expect(planFor('pypi/foo/1.0.post/json').subject).toEqual({ ...subject, version: '1.0.post0' })
  const plain = { ...mirror, upstreams: ['https://files.example.test/whl/'] }
  expect(() => get('pypi/foo/json', undefined, plain)).toThrow(expect.objectContaining({ code: 'UPSTREAM_ABSENT' }))
})

test('what cannot be had is said to be so', () => {
  const accept = 'application/json'
  expect(get('simple/foo/', accept)).toMatchObject({ reply: { status: 406, headers: { vary: 'accept' } } })
  for (const method of ['POST', 'PUT', 'DELETE', 'x\r\n']) {
    const ask = () => pypi.route({ method, path: 'simple/', query: '', headers: {} }, mirror)
    expect(ask).toThrow(expect.objectContaining({ code: 'METHOD_NOT_ALLOWED' }))
  }
})

test('a name that is bound to no upstream is asked of none', () => {
  const bound = { ...mirror, routes: [{ pattern: 'corp-*', upstream: undefined }] }
  for (const path of ['simple/corp-x/', `files/corp-x/${SHA}/corp_x-1.0.zip`, 'pypi/Corp.X/json'])
    expect(() => get(path, undefined, bound)).toThrow(expect.objectContaining({ code: 'UPSTREAM_ABSENT' }))
})

test('the public index is known, and is one', () => {
  expect(pypi.defaultUpstreams).toHaveLength(1)
  expect(pypi.defaultUpstreams[0]).toMatch(/^https:\/\/[^/]+\/simple\/$/)
})

describe('an error', () => {
  test('is one line of plain text, with what to do', () => {
    const { contentType, body } = pypi.formatError(
      new WarrenError('UPSTREAM_BUSY', 'busy\nsecret stack', { retryAfter: 7 }),
      '/',
    )
    expect([contentType, body]).toEqual(['text/plain; charset=utf-8', 'busy; try again in 7 s\n'])
    expect(pypi.formatError(new WarrenError('UPSTREAM_ABSENT', 'no'), '/').body).toBe('no; check the name and the version\n')
    expect(pypi.formatError(new WarrenError('BAD_REQUEST', 'x'.repeat(9000)), '/').body.length).toBeLessThan(600)
  })
})
