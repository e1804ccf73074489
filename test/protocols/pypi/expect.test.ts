import { describe, expect, test } from 'vitest'
import type { Expectation, Lookup, Plan } from '../../../node/cache/plan.ts'
import { type ErrorCode, WarrenError } from '../../../node/errors.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { BASE, fileOf, jsonPage, mirror, OTHER, planFor, planned, SHA } from './fixtures.ts'

const PATH = `files/foo/${SHA}/foo-1.0-py3-none-any.whl`
const NAME = 'foo-1.0-py3-none-any.whl'
const sha256 = (hex: string) => ({ algorithm: 'sha256', hex })

/** A page that is held, and one that upstream has; a code in its place makes the fetch fail. */
class FakeLookup implements Lookup {
  fetched = 0
  readonly #held: Buffer | undefined
  readonly #upstream: Buffer | ErrorCode

  constructor(held: Buffer | undefined, upstream: Buffer | ErrorCode = 'UPSTREAM_UNREACHABLE') {
    this.#held = held
    this.#upstream = upstream
  }

  async cached(plan: Plan): Promise<unknown> {
    return this.#held && factsOf(plan, this.#held)
  }

  async fetch(plan: Plan): Promise<unknown> {
    this.fetched++
    if (typeof this.#upstream === 'string') throw new WarrenError(this.#upstream, 'upstream said so')
    return factsOf(plan, this.#upstream)
  }
}

function factsOf(plan: Plan, page: Buffer): unknown {
  return JSON.parse(JSON.stringify(plan.document?.parse(page).facts))
}

function expectation(path: string, lookup: Lookup, on: Mirror = mirror): Promise<Expectation | undefined> {
  const ask = planFor(path, on).expect
  if (!ask) throw new Error(`${path} is no file`)
  return ask(lookup, new AbortController().signal)
}

const codeOf = (path: string, lookup: Lookup, on?: Mirror) =>
  expectation(path, lookup, on).then(
    () => 'none',
    (error: WarrenError) => error.code,
  )

const page = (more: object = {}) => jsonPage('foo', [fileOf('foo-0.9.zip'), fileOf(NAME, more)])

describe('a file', () => {
  test('and all that is beside it is had only from where a page names it', () => {
    for (const ending of ['', '.metadata', '.asc']) {
      for (const plan of planned(PATH + ending).plans) expect([plan.placed, plan.guarded]).toEqual([true, true])
    }
  })

  test('is where the held page says, and nobody is asked', async () => {
    const lookup = new FakeLookup(page())
    expect(await expectation(PATH, lookup)).toEqual({
      digests: [sha256(SHA)],
      url: `https://files.example.test/packages/aa/${NAME}`,
    })
    expect(lookup.fetched).toBe(0)
  })

  test('that the held page does not name yet is looked for in upstream’s', async () => {
    const lookup = new FakeLookup(jsonPage('foo', []), page({ url: '../../files/x.whl?sig=1#sha256=0' }))
    expect((await expectation(PATH, lookup))?.url).toBe('https://index.example.test/group/files/x.whl?sig=1')
    expect(lookup.fetched).toBe(1)
  })

  test.each<[string, Buffer | ErrorCode, ErrorCode]>([
    ['no page names', jsonPage('foo', []), 'UPSTREAM_ABSENT'],
    ['the page names with other bytes', page({ hashes: { sha256: OTHER } }), 'UPSTREAM_ABSENT'],
    ['another project’s page names', jsonPage('bar', [fileOf(NAME)]), 'UPSTREAM_ABSENT'],
    ['has no page', 'UPSTREAM_ABSENT', 'UPSTREAM_ABSENT'],
    ['was taken down', 'UPSTREAM_LEGAL', 'UPSTREAM_LEGAL'],
    ['has a page that cannot be had', 'UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT'],
    ['is at no web address', page({ url: 'ftp://files.example.test/x' }), 'UPSTREAM_REFUSED'],
    ['is at an address with a password', page({ url: 'https://a:b@files.example.test/x' }), 'UPSTREAM_REFUSED'],
  ])('that %s is answered so', async (_what, upstream, code) => {
    expect(await codeOf(PATH, new FakeLookup(undefined, upstream))).toBe(code)
  })

  test('that is named twice is the one with the digest that was asked for', async () => {
    const both = jsonPage('foo', [fileOf(NAME, { hashes: { sha256: OTHER }, url: 'https://a.example.test/' }), fileOf(NAME)])
    expect((await expectation(PATH, new FakeLookup(both)))?.url).toBe(`https://files.example.test/packages/aa/${NAME}`)
  })

  test('without a digest is not fetched by plain http where its index is not', async () => {
    const at = (url: string) => page({ hashes: {}, url })
    const bare = PATH.replace(SHA, '-')
    expect(await codeOf(bare, new FakeLookup(at('http://files.example.test/x')))).toBe('UPSTREAM_REFUSED')
    expect(await expectation(bare, new FakeLookup(at('https://files.example.test/x')))).toEqual({
      digests: [],
      url: 'https://files.example.test/x',
    })
    // One that moved to https itself still means itself.
    expect((await expectation(bare, new FakeLookup(at('http://index.example.test/x'))))?.url).toBe(
      'https://index.example.test/x',
    )
  })

  test('comes from hosts that the mirror lists, where it lists some', async () => {
    const strict = { ...mirror, fileHosts: ['other.example.test'] }
    expect(await codeOf(PATH, new FakeLookup(page()), strict)).toBe('UPSTREAM_REFUSED')
    expect(await codeOf(PATH, new FakeLookup(page({ url: '../x.whl' })), strict)).toBe('none')
    expect(await codeOf(PATH, new FakeLookup(page()), { ...mirror, fileHosts: ['files.example.test'] })).toBe('none')
    expect(await codeOf(PATH, new FakeLookup(page()), { ...mirror, fileHosts: [] })).toBe('UPSTREAM_REFUSED')
  })

  test('of a page of HTML is relative to its base', async () => {
    const html = (base: string) =>
      Buffer.from(`<base href="${base}"><title>Links for foo</title><a href="x/${NAME}#sha256=${SHA}">${NAME}</a>`)
    const urlOf = async (base: string) => (await expectation(PATH, new FakeLookup(html(base))))?.url
    expect(await urlOf('https://cdn.example.test/whl/')).toBe(`https://cdn.example.test/whl/x/${NAME}`)
    expect(await urlOf('/root/')).toBe(`https://index.example.test/root/x/${NAME}`)
    expect(await urlOf('http://[broken')).toBe(`${BASE}foo/x/${NAME}`)
  })

  test('was published when the page says', async () => {
    const { published } = planFor(PATH)
    const signal = new AbortController().signal
    const dated = page({ 'upload-time': '2024-01-02T03:04:05Z' })
    expect(await published?.(new FakeLookup(dated), signal)).toBe(Date.UTC(2024, 0, 2, 3, 4, 5))
    expect(await published?.(new FakeLookup(undefined, page()), signal)).toBeUndefined()
  })
})

test('a wheel is had for its metadata only where they are promised', async () => {
  const ask = planned(`${PATH}.metadata`).plans[1]?.expect
  const outcome = (more: object) =>
    ask?.(new FakeLookup(page(more), page(more)), new AbortController().signal).catch(({ code }) => code)
  const found = { digests: [sha256(SHA)], url: `https://files.example.test/packages/aa/${NAME}` }
  expect(await outcome({ 'core-metadata': true })).toEqual(found)
  expect(await outcome({ 'core-metadata': false })).toBe('UPSTREAM_ABSENT')
  expect(await outcome({})).toBe('UPSTREAM_ABSENT')
})

describe('what is beside a file', () => {
  test('has its own digest, and its ending before any query', async () => {
    const lookup = new FakeLookup(page({ 'core-metadata': { sha256: OTHER }, url: 'https://files.example.test/x.whl?sig=1' }))
    expect(await expectation(`${PATH}.metadata`, lookup)).toEqual({
      digests: [sha256(OTHER)],
      url: 'https://files.example.test/x.whl.metadata?sig=1',
    })
  })

  test.each<[string, object, string, string]>([
    ['metadata without a digest', { 'core-metadata': true }, '.metadata', 'none'],
    ['metadata that are denied', { 'core-metadata': false }, '.metadata', 'UPSTREAM_ABSENT'],
    ['metadata that nobody speaks of', {}, '.metadata', 'UPSTREAM_ABSENT'],
    ['a signature', { 'gpg-sig': true }, '.asc', 'none'],
    ['a signature that nobody speaks of', {}, '.asc', 'none'],
    ['a signature that is denied', { 'gpg-sig': false }, '.asc', 'UPSTREAM_ABSENT'],
  ])('is to be had where it is %s', async (_what, more, ending, outcome) => {
    expect(await codeOf(PATH + ending, new FakeLookup(page(more), page(more)))).toBe(outcome)
  })
})
