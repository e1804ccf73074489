import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Expectation, Lookup, Plan } from '../../../node/cache/plan.ts'
import { type ErrorCode, WarrenError } from '../../../node/errors.ts'
import { BASE, mirrorOf, planFor } from './fixtures.ts'

const ABBREVIATED = { accept: 'application/vnd.npm.install-v1+json' }
const sri = (text: string) => `sha512-${createHash('sha512').update(text).digest('base64')}`
const sha512 = (text: string) => ({ algorithm: 'sha512', hex: createHash('sha512').update(text).digest('hex') })
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')

type Answers = ReadonlyMap<string, object | ErrorCode>

/** Documents by the key of their plan, parsed as the cache would; a code instead of one makes the fetch fail. */
class FakeLookup implements Lookup {
  readonly fetched: string[] = []
  readonly #cached: Answers
  readonly #upstream: Answers

  constructor(cached: Answers, upstream: Answers = new Map()) {
    this.#cached = cached
    this.#upstream = upstream
  }

  async cached(plan: Plan): Promise<unknown> {
    return factsOf(plan, this.#cached.get(plan.key))
  }

  async fetch(plan: Plan, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted()
    this.fetched.push(plan.url)
    const answer = this.#upstream.get(plan.key) ?? 'UPSTREAM_ABSENT'
    if (typeof answer === 'string') throw new WarrenError(answer, 'upstream said no')
    return factsOf(plan, answer)
  }
}

function factsOf(plan: Plan, document: object | ErrorCode | undefined): unknown {
  if (typeof document !== 'object') return undefined
  return JSON.parse(JSON.stringify(plan.document?.parse(Buffer.from(JSON.stringify(document))).facts))
}

function packument(name: string, dists: Record<string, object>): object {
  return {
    name,
    versions: Object.fromEntries(Object.entries(dists).map(([version, dist]) => [version, { name, version, dist }])),
  }
}

function expectation(
  path: string,
  lookup: Lookup,
  base = BASE,
  signal = new AbortController().signal,
): Promise<Expectation | undefined> {
  const { expect: ask } = planFor(path, {}, mirrorOf(base))
  if (!ask) throw new Error(`${path} is no tarball`)
  return ask(lookup, signal)
}

const answers = (...given: [path: string, headers: Record<string, string>, answer: object | ErrorCode][]): Answers =>
  new Map(given.map(([path, headers, answer]) => [planFor(path, headers).key, answer]))
const full = (name: string, answer: object | ErrorCode) => answers([name, {}, answer])
const abbreviated = (name: string, answer: object | ErrorCode) => answers([name, ABBREVIATED, answer])

describe('what a tarball must be is learnt', () => {
  const known = packument('foo', {
    '1.0.0': { integrity: sri('one'), shasum: sha1('one'), tarball: `${BASE}foo/-/foo-1.0.0.tgz` },
  })

  test.each([
    ['full', full('foo', known)],
    ['abbreviated', abbreviated('foo', known)],
  ])('from the %s packument in the cache, without asking upstream', async (_, cached) => {
    const lookup = new FakeLookup(cached)
    expect(await expectation('foo/-/foo-1.0.0.tgz', lookup)).toEqual({ digests: [sha512('one')] })
    expect(lookup.fetched).toEqual([])
  })

  test('from the manifest where no packument is cached', async () => {
    const manifest = { name: '@s/p', version: '1.0.0', dist: { integrity: sri('one') } }
    const lookup = new FakeLookup(new Map(), answers(['@s/p/1.0.0', {}, manifest]))
    expect(await expectation('@s%2fp/-/p-1.0.0.tgz', lookup)).toEqual({ digests: [sha512('one')] })
    expect(lookup.fetched).toEqual([`${BASE}@s%2fp/1.0.0`])
  })

  test('from the manifest where the cached packument is older than the version', async () => {
    const manifest = { name: 'foo', version: '2.0.0', dist: { integrity: sri('two') } }
    const lookup = new FakeLookup(full('foo', known), answers(['foo/2.0.0', {}, manifest]))
    expect(await expectation('foo/-/foo-2.0.0.tgz', lookup)).toEqual({ digests: [sha512('two')] })
  })

  test.each<[string, object | ErrorCode]>([
    ['is for another version', { name: 'foo', version: '1.0.1', dist: { integrity: sri('evil') } }],
    ['is for another package', { name: 'bar', version: '1.0.0', dist: { integrity: sri('evil') } }],
    ['has no dist', { name: 'foo', version: '1.0.0' }],
    ['has no digest', { name: 'foo', version: '1.0.0', dist: { tarball: `${BASE}foo/-/foo-1.0.0.tgz` } }],
    ['has no digest that can be read', { name: 'foo', version: '1.0.0', dist: { integrity: 'sha512-oops' } }],
    ['does not exist', 'UPSTREAM_ABSENT'],
    ['is not for us', 'UPSTREAM_DENIED'],
    ['is broken', 'UPSTREAM_CORRUPT'],
    ['makes upstream stumble', 'UPSTREAM_FAILED'],
  ])('from the abbreviated packument where the manifest %s', async (_, manifest) => {
    const lookup = new FakeLookup(new Map(), new Map([...answers(['foo/1.0.0', {}, manifest]), ...abbreviated('foo', known)]))
    expect(await expectation('foo/-/foo-1.0.0.tgz', lookup)).toEqual({ digests: [sha512('one')] })
    expect(lookup.fetched).toEqual([`${BASE}foo/1.0.0`, `${BASE}foo`])
  })

  test('to be nothing in particular only where the packument says so as well', async () => {
    const manifest = answers(['foo/1.0.0', {}, { name: 'foo', version: '1.0.0', dist: {} }])
    expect(await expectation('foo/-/foo-1.0.0.tgz', new FakeLookup(new Map(), manifest))).toBeUndefined()
    const without = packument('foo', { '1.0.0': { tarball: `${BASE}foo/-/foo-1.0.0.tgz` } })
    const both = new Map([...manifest, ...abbreviated('foo', without)])
    expect(await expectation('foo/-/foo-1.0.0.tgz', new FakeLookup(new Map(), both))).toEqual({ digests: [] })
  })

  test('from the packument at once where the file name holds no version', async () => {
    const odd = packument('foo', { '1.0.0': { integrity: sri('one'), tarball: `${BASE}foo/-/foo_one.tgz` } })
    const lookup = new FakeLookup(new Map(), abbreviated('foo', odd))
    expect(await expectation('foo/-/foo_one.tgz', lookup)).toEqual({ digests: [sha512('one')] })
    expect(lookup.fetched).toEqual([`${BASE}foo`])
    expect(await expectation('foo/-/foo_one.tgz', new FakeLookup(full('foo', odd)))).toEqual({ digests: [sha512('one')] })
  })

  test.each(['constructor', '__proto__', 'toString'])(
    'for the package and the version «%s», by nothing but their own metadata',
    async (name) => {
      const document = JSON.parse(`{"name":"${name}","versions":{"${name}":{"dist":{"integrity":"${sri(name)}"}}}}`) as object
      const path = `${name}/-/${name}-${name}.tgz`
      expect(await expectation(path, new FakeLookup(full(name, document)))).toEqual({ digests: [sha512(name)] })
      const none = new FakeLookup(full(name, packument(name, {})), abbreviated(name, packument(name, {})))
      expect(await expectation(path, none)).toBeUndefined()
    },
  )

  test('from the upstream that is asked, not from another one of the mirror', async () => {
    const lookup = new FakeLookup(full('foo', known))
    expect(await expectation('foo/-/foo-1.0.0.tgz', lookup, 'https://other.example.test/')).toBeUndefined()
    expect(lookup.fetched).toEqual(['https://other.example.test/foo/1.0.0', 'https://other.example.test/foo'])
  })
})

describe('nothing is known', () => {
  test('of a version that upstream took back, or of a package that it never had', async () => {
    const without = abbreviated('foo', packument('foo', { '2.0.0': { integrity: sri('two') } }))
    expect(await expectation('foo/-/foo-1.0.0.tgz', new FakeLookup(new Map(), without))).toBeUndefined()
    for (const code of ['UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_LEGAL', 'UPSTREAM_DENIED'] as const) {
      expect(await expectation('foo/-/foo-1.0.0.tgz', new FakeLookup(new Map(), abbreviated('foo', code)))).toBeUndefined()
    }
  })

  test('of a file whose name stands for another version, even if an older document calls one so', async () => {
    const misleading = packument('foo', { '9.0.0': { integrity: sri('nine'), tarball: `${BASE}old/foo-1.0.0.tgz` } })
    const manifest = { name: 'foo', version: '1.0.0', dist: { integrity: sri('one') } }
    const lookup = new FakeLookup(full('foo', misleading), answers(['foo/1.0.0', {}, manifest]))
    expect(await expectation('foo/-/foo-1.0.0.tgz', lookup)).toEqual({ digests: [sha512('one')] })
  })

  test('of what has an integrity that cannot be read', async () => {
    const document = packument('foo', { '1.0.0': { integrity: 'sha512-oops' } })
    expect(await expectation('foo/-/foo-1.0.0.tgz', new FakeLookup(full('foo', document)))).toBeUndefined()
  })

  test('from what the cache holds under the wrong name, or in no form that is known', async () => {
    for (const facts of [null, 1, 'x', [], {}, { name: 'foo' }, { name: 'bar', bases: [], dists: '\n1.0.0\t\t\n' }]) {
      const lookup: Lookup = { cached: async () => facts, fetch: async () => facts }
      expect(await expectation('foo/-/foo-1.0.0.tgz', lookup)).toBeUndefined()
    }
  })

  test.each<ErrorCode>(['UPSTREAM_UNREACHABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_BUSY'])(
    'on %s, and upstream is not asked again',
    async (code) => {
      const lookup = new FakeLookup(new Map(), answers(['foo/1.0.0', {}, code]))
      await expect(expectation('foo/-/foo-1.0.0.tgz', lookup)).rejects.toMatchObject({ code })
      expect(lookup.fetched).toHaveLength(1)
    },
  )

  test('once nobody waits any more', async () => {
    const abort = new AbortController()
    const lookup: Lookup = {
      cached: async () => undefined,
      fetch: async () => {
        abort.abort(new Error('left'))
        throw new WarrenError('UPSTREAM_CORRUPT', 'cut')
      },
    }
    await expect(expectation('foo/-/foo-1.0.0.tgz', lookup, BASE, abort.signal)).rejects.toThrow('left')
  })
})

describe('where a tarball is', () => {
  const CORP = 'https://host.example.test/artifactory/api/npm/x/'
  const OLD = 'http://registry.example.test/'

  test.each([
    ['is not said when it is where convention puts it', BASE, 'foo', `${BASE}foo/-/foo-1.0.0.tgz`, undefined],
    ['is not said when it is so below a base with a path', CORP, '@s/p', `${CORP}@s/p/-/p-1.0.0.tgz`, undefined],
    ['is not said when the document has the old scheme of the same host', BASE, 'foo', `${OLD}foo/-/foo-1.0.0.tgz`, undefined],
    ['is not said when it cannot be fetched from there', BASE, 'foo', 'ftp://registry.example.test/foo-1.0.0.tgz', undefined],
    ['is not said when there is no such URL', BASE, 'foo', 'foo-1.0.0.tgz', undefined],
    [
      'is said for another host',
      BASE,
      'foo',
      'https://cdn.example.test/foo/-/foo-1.0.0.tgz',
      'https://cdn.example.test/foo/-/foo-1.0.0.tgz',
    ],
    ['is said for another path', CORP, '@s/p', `${CORP}@s/p/-/@s/p-1.0.0.tgz`, `${CORP}@s/p/-/@s/p-1.0.0.tgz`],
    [
      'is said for another base on the host',
      CORP,
      'foo',
      'https://host.example.test/foo/-/foo-1.0.0.tgz',
      'https://host.example.test/foo/-/foo-1.0.0.tgz',
    ],
    ['is said by https for another path on the host', BASE, 'foo', `${OLD}old/foo.tgz?x=1`, `${BASE}old/foo.tgz?x=1`],
    [
      'is said by http for another host that has no other',
      BASE,
      'foo',
      'http://cdn.example.test/foo.tgz',
      'http://cdn.example.test/foo.tgz',
    ],
    [
      'is said by http for another port',
      BASE,
      'foo',
      'http://registry.example.test:8080/foo.tgz',
      'http://registry.example.test:8080/foo.tgz',
    ],
    ['keeps http where the operator wrote http', OLD, 'foo', `${OLD}old/foo.tgz`, `${OLD}old/foo.tgz`],
  ])('%s', async (_, base, name, tarball, url) => {
    const document = packument(name, { '1.0.0': { shasum: sha1('old'), tarball } })
    const plan = planFor(name, {}, mirrorOf(base))
    const found = await expectation(
      `${name}/-/${name.replace(/.*\//, '')}-1.0.0.tgz`,
      new FakeLookup(new Map([[plan.key, document]])),
      base,
    )
    expect(found).toEqual({ digests: [{ algorithm: 'sha1', hex: sha1('old') }], ...(url === undefined ? {} : { url }) })
  })

  test('is not believed without a digest when that would leave https', async () => {
    const document = packument('foo', {
      '1.0.0': { tarball: 'http://cdn.example.test/foo.tgz' },
      '2.0.0': { tarball: 'https://cdn.example.test/foo.tgz' },
    })
    const lookup = new FakeLookup(full('foo', document))
    expect(await expectation('foo/-/foo-1.0.0.tgz', lookup)).toEqual({ digests: [] })
    expect(await expectation('foo/-/foo-2.0.0.tgz', lookup)).toEqual({ digests: [], url: 'https://cdn.example.test/foo.tgz' })
  })
})
