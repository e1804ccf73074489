import { describe, expect, test } from 'vitest'
import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { type ErrorCode, WarrenError } from '../../../node/errors.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { BASE, MIRROR, planFor } from './fixtures.ts'
import { fileOf, line, sumOf } from './lines.ts'

const OTHER = '0ac2'.repeat(16)
const CONFIG = `${BASE}config.json`
const INDEX = `${BASE}my/cr/mycrate`
const PUBTIME = '2025-03-01T10:00:00Z'

const config = (dl: string) => Buffer.from(JSON.stringify({ dl }))
const index = (...versions: string[]) => fileOf(...versions.map((version) => line('MyCrate', version, { pubtime: PUBTIME })))

type Documents = Readonly<Record<string, Buffer | ErrorCode>>

/** Documents by URL, parsed as the cache would; a code instead of one makes the fetch fail. */
class FakeLookup implements Lookup {
  readonly fetched: string[] = []
  readonly #held: Documents
  readonly #upstream: Documents

  constructor(held: Documents, upstream: Documents = {}) {
    this.#held = held
    this.#upstream = upstream
  }

  async cached(plan: Plan): Promise<unknown> {
    return this.#factsOf(plan, this.#held[plan.url])
  }

  async fetch(plan: Plan, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted()
    this.fetched.push(plan.url)
    return this.#factsOf(plan, this.#upstream[plan.url] ?? 'UPSTREAM_ABSENT')
  }

  held(): never {
    throw new Error('nothing has to be looked for')
  }

  async #factsOf(plan: Plan, document: Buffer | ErrorCode | undefined): Promise<unknown> {
    if (typeof document === 'string') throw new WarrenError(document, 'upstream said no')
    return document && JSON.parse(JSON.stringify((await plan.document?.parse(document))?.facts))
  }
}

async function expected(path: string, lookup: Lookup) {
  const { expect: ask } = planFor(path)
  if (!ask) throw new Error(`${path} is no archive`)
  return ask(lookup, new AbortController().signal)
}

const digests = (hex: string) => [{ algorithm: 'sha256', hex }]

describe('an archive that is asked for with its checksum', () => {
  const SHA = sumOf('1.0.0+b.1')
  const path = `crates/MyCrate/1.0.0+b.1/${SHA}.crate`
  const LISTED = { [INDEX]: index('1.0.0+b.1') }

  test('must be that one, which nobody is asked for before the index names it', () => {
    expect(planFor(path).digests).toEqual(digests(SHA))
    expect([planFor(path).kind, planFor(path).guarded]).toEqual(['immutable', true])
  })

  test.each([
    ['https://files.example.test/{crate}/{version}.crate', 'https://files.example.test/MyCrate/1.0.0+b.1.crate'],
    ['https://files.example.test/crates', 'https://files.example.test/crates/MyCrate/1.0.0+b.1/download'],
    ['https://files.example.test/{lowerprefix}/{sha256-checksum}', `https://files.example.test/my/cr/${SHA}`],
  ])('is where the configuration that is here says: %s', async (dl, url) => {
    const lookup = new FakeLookup({ [CONFIG]: config(dl), ...LISTED })
    expect(await expected(path, lookup)).toEqual({ digests: digests(SHA), url })
    expect(lookup.fetched).toEqual([])
  })

  test('is where upstream’s configuration says, if none is here', async () => {
    const lookup = new FakeLookup(LISTED, { [CONFIG]: config('https://files.example.test/{crate}') })
    expect(await expected(path, lookup)).toEqual({ digests: digests(SHA), url: 'https://files.example.test/MyCrate' })
    expect(lookup.fetched).toEqual([CONFIG])
  })

  test.each<ErrorCode>(['UPSTREAM_UNREACHABLE', 'UPSTREAM_DENIED', 'UPSTREAM_ABSENT'])(
    'is nowhere, and for the same reason, where the configuration is %s',
    async (code) => {
      await expect(expected(path, new FakeLookup(LISTED, { [CONFIG]: code }))).rejects.toMatchObject({ code })
    },
  )
})

describe('an archive that is asked for without its checksum', () => {
  const path = 'crates/MyCrate/1.1.0/download'
  const held = { [CONFIG]: config('https://files.example.test') }
  const url = 'https://files.example.test/MyCrate/1.1.0/download'

  test('must be what the index that is here says', async () => {
    const lookup = new FakeLookup({ ...held, [INDEX]: index('1.0.0', '1.1.0') })
    expect(planFor(path).digests).toBeUndefined()
    expect(await expected(path, lookup)).toEqual({ digests: digests(sumOf('1.1.0')), url })
    expect(lookup.fetched).toEqual([])
  })

  test('must be what upstream says, if what is here is older than the version', async () => {
    const lookup = new FakeLookup({ ...held, [INDEX]: index('1.0.0') }, { [INDEX]: index('1.0.0', '1.1.0') })
    expect(await expected(path, lookup)).toEqual({ digests: digests(sumOf('1.1.0')), url })
    expect(lookup.fetched).toEqual([INDEX])
  })

  test('must be what the last line of its version says, as cargo has it', async () => {
    const lines = [line('MyCrate', '1.1.0', { cksum: OTHER }), line('MyCrate', '1.1.0'), line('MyCrate', '1.1.0+b')]
    const lookup = new FakeLookup({ ...held, [INDEX]: fileOf(...lines) })
    expect(await expected(path, lookup)).toEqual({ digests: digests(sumOf('1.1.0')), url })
  })

  test.each<[string, Documents, ErrorCode]>([
    ['there is no such version', { [INDEX]: index('1.0.0') }, 'UPSTREAM_ABSENT'],
    ['there is no such crate', {}, 'UPSTREAM_ABSENT'],
    ['the crate was withdrawn', { [INDEX]: 'UPSTREAM_GONE' }, 'UPSTREAM_GONE'],
    ['the index is another crate’s', { [INDEX]: fileOf(line('other', '1.1.0')) }, 'UPSTREAM_ABSENT'],
    ['upstream cannot be asked', { [INDEX]: 'UPSTREAM_TIMEOUT' }, 'UPSTREAM_TIMEOUT'],
  ])('is not expected where %s', async (_why, upstream, code) => {
    await expect(expected(path, new FakeLookup(held, upstream))).rejects.toMatchObject({ code })
  })
})

describe.each<[string, Mirror]>([
  ['its only upstream', MIRROR],
  ['the first of two', { ...MIRROR, upstreams: [BASE, 'https://other.example.test/'] }],
])('an archive with a checksum, of %s,', (_which, mirror) => {
  const held = { [CONFIG]: config('https://files.example.test') }
  const ask = async (sha256: string, lookup: Lookup) =>
    planFor(`crates/MyCrate/1.0.0/${sha256}.crate`, mirror).expect?.(lookup, new AbortController().signal)

  test('has to be in the index', async () => {
    const sha256 = sumOf('1.0.0')
    const url = 'https://files.example.test/MyCrate/1.0.0/download'
    expect(await ask(sha256, new FakeLookup({ ...held, [INDEX]: index('1.0.0') }))).toEqual({ digests: digests(sha256), url })
    const twice = fileOf(line('MyCrate', '1.0.0'), line('MyCrate', '1.0.0', { cksum: OTHER }))
    for (const one of [sha256, OTHER]) {
      expect(await ask(one, new FakeLookup({ ...held, [INDEX]: twice }))).toEqual({ digests: digests(one), url })
    }
    const newer = new FakeLookup({ ...held, [INDEX]: index('0.9.0') }, { [INDEX]: index('0.9.0', '1.0.0') })
    expect(await ask(sha256, newer)).toEqual({ digests: digests(sha256), url })
  })

  test.each<[string, Documents, ErrorCode]>([
    ['another archive of the same version is', { [INDEX]: index('1.0.0') }, 'UPSTREAM_ABSENT'],
    ['there is no such crate', {}, 'UPSTREAM_ABSENT'],
    ['the crate is withheld', { [INDEX]: 'UPSTREAM_LEGAL' }, 'UPSTREAM_LEGAL'],
    ['upstream is away', { [INDEX]: 'UPSTREAM_UNREACHABLE' }, 'UPSTREAM_UNREACHABLE'],
  ])('is not expected where %s', async (_why, upstream, code) => {
    await expect(ask(OTHER, new FakeLookup(held, upstream))).rejects.toMatchObject({ code })
  })
})

describe('the time of publication', () => {
  const ask = (path: string, lookup: Lookup) => planFor(path).published?.(lookup, new AbortController().signal)

  test.each([`crates/mycrate/1.0.0/${sumOf('1.0.0')}.crate`, 'crates/MyCrate/1.0.0/download'])(
    'of %s is the index’s',
    async (path) => {
      expect(await ask(path, new FakeLookup({ [INDEX]: index('1.0.0') }))).toBe(Date.parse(PUBTIME))
      expect(await ask(path, new FakeLookup({}, { [INDEX]: index('1.0.0') }))).toBe(Date.parse(PUBTIME))
    },
  )

  test('is unknown where the index does not tell', async () => {
    const path = `crates/MyCrate/1.0.0/${sumOf('1.0.0')}.crate`
    expect(await ask(path, new FakeLookup({ [INDEX]: fileOf(line('MyCrate', '1.0.0')) }))).toBeUndefined()
    const other = `crates/MyCrate/1.0.0/${OTHER}.crate`
    expect(await ask(other, new FakeLookup({ [INDEX]: index('1.0.0') }, { [INDEX]: index('1.0.0') }))).toBeUndefined()
    expect(await ask(path, new FakeLookup({}))).toBeUndefined()
  })
})
