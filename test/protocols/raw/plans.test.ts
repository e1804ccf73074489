import { describe, expect, it } from 'vitest'
import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { isWarrenError, WarrenError } from '../../../node/errors.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { raw } from '../../../protocols/raw/index.ts'
import { parsePackages } from '../../../protocols/raw/packages.ts'
import { parseRelease } from '../../../protocols/raw/release.ts'

const BASE = 'https://files.example.test/base/'
const HEX = 'ab'.repeat(32)
const NEVER = new AbortController().signal

function planOf(path: string, mirror: Partial<Mirror> = {}, query = ''): Plan {
  const route = raw.route(
    { method: 'GET', path, query, headers: {} },
    { name: 'files', path: '/raw/files/', upstreams: [BASE], ...mirror },
  )
  if (!('plans' in route)) throw new Error('a file is planned')
  return route.plans[0]
}

/** What a plan is, in short. */
function kindOf({ kind, streamed, document, digests, lifetime }: Plan): string {
  if (kind === 'immutable') return digests ? `immutable ${digests[0]?.hex.slice(0, 2)}` : 'immutable'
  return [document ? 'document' : streamed ? 'streamed' : 'whole', lifetime?.cap].join(' ')
}

const DAY = 86_400_000
const MINUTE = 60_000

describe('what a path of a generic mirror is', () => {
  it.each([
    ['a/tool.zip', `streamed ${DAY}`],
    ['a/', `whole ${DAY}`],
    ['', `whole ${DAY}`],
    ['a/index.html', `whole ${DAY}`],
    ['dists/stable/InRelease', 'document 0'],
    ['dists/stable/Release', 'document 0'],
    ['dists/stable/Release.gpg', 'whole 0'],
    ['dists/stable/main/binary-amd64/Packages.xz', 'streamed 0'],
    [`dists/stable/main/binary-amd64/by-hash/SHA256/${HEX}`, 'immutable ab'],
    ['pool/main/h/hello/hello_1_amd64.deb', 'immutable'],
  ])('is told by its layout: «%s» is %s', (path, kind) => {
    expect(kindOf(planOf(path))).toBe(kind)
  })

  it('is what the operator says, but for digests and release files', () => {
    const pins = { 'a/pinned.zip': { algorithm: 'sha256', hex: 'cd'.repeat(32) } } as const
    const mirror = { immutable: ['*'], mutable: ['a/latest/*', 'pool/*'], pins }
    expect(kindOf(planOf('a/v1/tool.zip', mirror))).toBe('immutable')
    expect(kindOf(planOf('a/latest/tool.zip', mirror))).toBe(`streamed ${MINUTE}`)
    expect(kindOf(planOf('a/pinned.zip', mirror))).toBe('immutable cd')
    expect(kindOf(planOf('a/pinned%2Ezip', mirror))).toBe('immutable cd')
    expect(kindOf(planOf('pool/main/h/hello/hello_1_amd64.deb', mirror))).toBe(`streamed ${MINUTE}`)
    expect(kindOf(planOf('dists/stable/InRelease', mirror))).toBe('document 0')
    expect(kindOf(planOf('dists/stable/main/binary-amd64/Packages', mirror))).toBe('immutable')
    expect(kindOf(planOf(`dists/stable/main/by-hash/SHA256/${HEX}`, { mutable: ['*'] }))).toBe('immutable ab')
    expect(kindOf(planOf('constructor', mirror))).toBe('immutable')
  })

  it('has no longer lifetime than the operator wants', () => {
    expect(kindOf(planOf('a/tool.zip', { lifetime: 5000 }))).toBe('streamed 5000')
    expect(kindOf(planOf('a/tool.zip', { lifetime: 5000, mutable: ['a/*'] }))).toBe('streamed 5000')
  })

  it('has a key of its own for each digest that the operator pins, and another one without', () => {
    const keyOf = (hex?: string) =>
      planOf('a/tool.zip', hex === undefined ? { immutable: ['*'] } : { pins: { 'a/tool.zip': { algorithm: 'sha256', hex } } })
        .key
    expect(new Set([keyOf(), keyOf('ab'.repeat(32)), keyOf('cd'.repeat(32))]).size).toBe(3)
  })

  it('is asked for by one spelling, under one key', () => {
    const one = planOf('a%2fb+c~(1);v=1/%e4%bd%a0.zip', {}, '?')
    const other = planOf('a/b%2Bc%7e%281%29%3Bv%3D1/%E4%BD%A0.zip')
    expect(one.url).toBe(`${BASE}a/b%2Bc~(1);v=1/%E4%BD%A0.zip`)
    expect([other.url, other.key]).toEqual([one.url, one.key])
    expect(planOf('A').key).not.toBe(planOf('a').key)
    expect(planOf('a', {}, '?x=1').key).not.toBe(planOf('a', {}, '?x=2').key)
  })

  it('has no longer query than 2 048 characters, as upstream is asked', () => {
    expect(planOf('a', {}, `?${'"'.repeat(600)}`).url).toBe(`${BASE}a?${'%22'.repeat(600)}`)
    for (const query of [`?${'"'.repeat(700)}`, `?${'a'.repeat(2_048)}`])
      expect(() => planOf('a', {}, query)).toThrow('at most')
  })

  it('is nothing of an archive where a query chooses it', () => {
    expect(kindOf(planOf('dists/stable/InRelease', {}, '?token=1'))).toBe(`whole ${DAY}`)
    expect(kindOf(planOf('dists/stable/InRelease', {}, '?'))).toBe('document 0')
  })

  it.each(['PUT', 'POST', 'DELETE', 'PROPFIND'])('is nothing for %s', (method) => {
    const request = { method, path: 'a', query: '', headers: {} }
    expect(() => raw.route(request, { name: 'files', path: '/raw/files/', upstreams: [BASE] })).toThrow('takes no')
  })
})

describe('a pattern of paths', () => {
  it('is taken in the spelling of paths, or not at all', () => {
    for (const [pattern, canonical] of [
      ['/corp/*', 'corp/*'],
      ['corp', 'corp'],
      ['*.deb', '*.deb'],
      ['a b/', 'a b/'],
    ])
      expect(raw.names?.canonical?.(pattern as string)).toBe(canonical)
    for (const bad of ['', '/', 'a%2fb', 'a//b', '../a', '..;x/a', 'a/./b', 'a\\b', 'a?b', 'a#b', 'a\n'])
      expect(raw.names?.canonical?.(bad)).toBeUndefined()
  })
})

describe('what a file must be', () => {
  const trouble: Lookup = {
    cached: async () => undefined,
    fetch: async () => {
      throw new WarrenError('UPSTREAM_TIMEOUT', 'silence')
    },
  }
  const absent = (code: 'UPSTREAM_ABSENT' | 'UPSTREAM_CORRUPT'): Lookup => ({
    ...trouble,
    fetch: async () => {
      throw new WarrenError(code, 'no')
    },
  })
  const asked = (plan: Plan, lookup: Lookup) => plan.expect?.(lookup, NEVER)

  it.each([
    ['dists/stable/main/binary-amd64/Packages', {}],
    ['v1/tool.zip', { immutable: ['v1/*'] }],
  ])('is unknown for %s while upstream is in trouble, and nothing where it has no such list', async (path, mirror) => {
    const plan = planOf(path, mirror)
    expect(await asked(plan, trouble)).toBeUndefined()
    expect(await asked(plan, absent('UPSTREAM_ABSENT'))).toEqual({ digests: [] })
    // A page in place of checksums says that there are none; in place of a release file it says nothing.
    const page = path.startsWith('dists/') ? undefined : { digests: [] }
    expect(await asked(plan, absent('UPSTREAM_CORRUPT'))).toEqual(page)
  })

  it('is looked for beside files that never change, but for checksums, folders and queries', () => {
    const mirror = { immutable: ['*'] }
    expect(planOf('v1/tool.zip', mirror).expect).toBeDefined()
    for (const path of ['v1/tool.zip.sha256', 'v1/SHA256SUMS', 'v1/SHA512SUMS.asc', 'v1/tool.zip.sig', 'v1/', ''])
      expect([path, planOf(path, mirror).expect]).toEqual([path, undefined])
    expect(planOf('v1/tool.zip', mirror, '?v=2').expect).toBeUndefined()
  })

  it('is looked for in the suites of the package’s own archive', async () => {
    const prefixes: string[] = []
    const lookup: Lookup = {
      ...trouble,
      held: async (prefix) => {
        prefixes.push(prefix)
        return []
      },
    }
    expect(await asked(planOf('debian/pool/main/h/hello/hello_1_amd64.deb'), lookup)).toEqual({ digests: [] })
    expect(await asked(planOf('debian/pool/main/h/hello/hello_1_amd64.deb'), trouble)).toEqual({ digests: [] })
    const release = planOf('debian/dists/stable/InRelease').key
    expect(prefixes).toHaveLength(1)
    expect(release.startsWith(prefixes[0] as string)).toBe(true)
    for (const path of ['debian/dists/stable/main/x', 'dists/stable/InRelease', 'debian/dists/InRelease'])
      expect(planOf(path).key.startsWith(prefixes[0] as string)).toBe(false)
  })
})

describe('a package that many lists may have', () => {
  const NAME = 'pool/main/h/hello/hello_1_all.deb'
  const RELEASE = planOf('dists/stable/InRelease')

  /** A suite whose release file lists these. Counts what is looked for; only the last one is held, and has the package. */
  function suiteOf(names: readonly string[]) {
    const { facts } = parseRelease(Buffer.from(`SHA256:\n${names.map((name) => ` ${HEX} 1 ${name}\n`).join('')}`))
    const last = planOf(`dists/stable/${names.at(-1)}`).key
    const asked = { count: 0 }
    const lookup: Lookup = {
      ...{ fetch: () => Promise.reject(new Error('nothing is fetched')), held: async () => [RELEASE.key] },
      cached: async ({ key }) => {
        asked.count++
        if (key === RELEASE.key) return facts
        return key === last ? (await parsePackages(Buffer.from(`Filename: ${NAME}\nSHA256: ${HEX}\n`))).facts : undefined
      },
    }
    return { asked, lookup }
  }

  it('is found in the last one of a real archive', async () => {
    const parts = ['contrib', 'main', 'non-free', 'non-free-firmware', 'main/debian-installer']
    const binaries = parts.flatMap((part) => Array.from({ length: 10 }, (_, i) => `${part}/binary-a${i}/Packages`))
    const { lookup } = suiteOf(binaries.flatMap((name) => [name, `${name}.gz`, `${name}.bz2`, `${name}.xz`]))
    expect(await planOf(NAME).expect?.(lookup, NEVER)).toEqual({ digests: [{ algorithm: 'sha256', hex: HEX }] })
  })

  it('is looked for in so many of them, and no more, while others have their turn', async () => {
    const { asked, lookup } = suiteOf(Array.from({ length: 50_000 }, (_, i) => `main/${i}/binary-a/Packages`))
    let turns = 0
    const count = () => {
      turns++
      ticking = setImmediate(count)
    }
    let ticking = setImmediate(count)
    const found = await planOf(NAME).expect?.(lookup, NEVER)
    clearImmediate(ticking)
    expect(found).toEqual({ digests: [] })
    expect(asked.count).toBeLessThan(2_100)
    expect(turns).toBeGreaterThan(10)
  })
})

describe('an error', () => {
  it('is one line of plain text that says what to do', () => {
    const error = new WarrenError('UPSTREAM_ABSENT', 'files: there is no such thing\n    at stack')
    expect(raw.formatError(error, 'a')).toEqual({
      contentType: 'text/plain; charset=utf-8',
      body: 'files: there is no such thing; check the path\n',
    })
    const busy = new WarrenError('UPSTREAM_BUSY', 'files: slow down', { retryAfter: 7 })
    expect(raw.formatError(busy, 'a').body).toBe('files: slow down; try again in 7 s\n')
    expect(isWarrenError(busy)).toBe(true)
  })
})
