import { describe, expect, it } from 'vitest'
import type { Lookup, Plan } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { go } from '../../../protocols/go/index.ts'
import { databaseOf, defaultUpstreams } from '../../../protocols/go/upstreams.ts'
import type { Mirror, MirrorRequest, Planned, Route } from '../../../protocols/protocol.ts'
import { BASE, logWith, mirrorOf, NAME, NEVER } from './fixtures.ts'

const log = logWith(0, 3)
const mirror = mirrorOf(log)

function ask(path: string, more: Partial<MirrorRequest> = {}, on: Mirror = mirror): Route {
  return go.route({ method: 'GET', path, query: '', headers: {}, ...more }, on)
}

function planned(path: string, more: Partial<MirrorRequest> = {}, on: Mirror = mirror): Planned {
  const route = ask(path, more, on)
  if (!('plans' in route)) throw new Error(`${path} has no plan`)
  return route
}

const planOf = (path: string, more: Partial<MirrorRequest> = {}, on: Mirror = mirror): Plan => planned(path, more, on).plans[0]
const code = (code: string) => expect.objectContaining({ code })

describe('requests of the go command', () => {
  it('are for what changes, or for what never does', () => {
    const names = ['@v/list', '@latest', '@v/main.info', '@v/v1.info', '@v/v1.2.info', '@v/1a2b3c4.info', '@v/v1.0.0+meta.info']
    for (const name of names) {
      const plan = planOf(`ex.test/a/${name}`)
      expect([name, plan.kind, plan.lifetime?.cap, plan.responseHeaders?.['cache-control']]).toEqual([
        name,
        'mutable',
        60_000,
        'no-cache',
      ])
    }
    for (const name of [
      '@v/v1.0.0.info',
      '@v/v2.0.0+incompatible.mod',
      '@v/v1.0.0.zip',
      '@v/v0.0.0-20200101000000-abcdefabcdef.info',
    ]) {
      const plan = planOf(`ex.test/a/${name}`)
      expect(plan.responseHeaders?.['cache-control']).toContain('immutable')
      if (plan.kind === 'mutable') expect(plan.lifetime?.floor).toBeGreaterThan(300 * 24 * 3_600_000)
    }
    for (const name of ['tile/8/0/000', 'tile/8/0/000.p/2', 'tile/8/data/000', 'lookup/ex.test/a@v1.0.0'])
      expect(planOf(`sumdb/${NAME}/${name}`).lifetime?.floor).toBeGreaterThan(300 * 24 * 3_600_000)
    expect(planOf(`sumdb/${NAME}/latest`).lifetime?.cap).toBe(60_000)
  })

  it('have one key for all spellings, and the path goes upstream byte for byte', () => {
    const [escaped, plain] = ['ex.test/%21big/@v/v1.0.0-%21r%21c.zip', 'ex.test/!big/@v/v1.0.0-!r!c.zip'].map((path) =>
      planOf(path),
    )
    expect(escaped?.key).toBe(plain?.key)
    expect(plain?.url).toBe(`${BASE}ex.test/!big/@v/v1.0.0-!r!c.zip`)
    for (const path of [
      'ex.test/a/@v/v2.0.0+incompatible.zip',
      'gopkg.test/yaml.v3/@v/v3.0.1.mod',
      'ex.test/a/v2/@v/v2.0.0.info',
    ])
      expect(planOf(path).url).toBe(BASE + path)
    expect(planOf('ex.test/a/@v/v1.0.0.zip').key).not.toBe(planOf('ex.test/a/@v/v1.0.0.mod').key)
  })

  it('are of a package, for policies', () => {
    const subject = { type: 'golang', namespace: 'ex.test/Big', name: 'A' }
    const start = 'ex.test/!big/!a/'
    for (const path of ['@v/list', '@latest', '@v/main.info', '@v/v1.0.0.mod'])
      expect(planOf(start + path).subject).toEqual(subject)
    for (const path of ['@v/v1.0.0.info', '@v/v1.0.0.zip'])
      expect(planOf(start + path).subject).toEqual({ ...subject, version: 'v1.0.0' })
    expect(planOf('ex.test/@v/list').subject).toEqual({ type: 'golang', name: 'ex.test' })
    expect(planOf(`sumdb/${NAME}/latest`).subject).toBeUndefined()
    const offering = ['@v/list', '@latest', '@v/main.info', '@v/v1.0.0.info', '@v/v1.0.0.zip'].filter(
      (path) => planned(start + path).offers,
    )
    expect(offering).toEqual(['@v/list', '@latest', '@v/main.info'])
  })

  it('tell when a version was published, by its info', async () => {
    const plan = planOf('ex.test/a/@v/v1.0.0.zip')
    const asked: string[] = []
    const lookup: Lookup = {
      cached: async () => undefined,
      fetch: async ({ url }) => {
        asked.push(url)
        return { version: 'v1.0.0', time: 5 }
      },
    }
    expect(await plan.published?.(lookup, NEVER)).toBe(5)
    expect(
      await plan.published?.({ ...lookup, cached: async () => ({ version: 'v1.0.0', time: null }) }, NEVER),
    ).toBeUndefined()
    expect(asked).toEqual([`${BASE}ex.test/a/@v/v1.0.0.info`])
  })

  it('take the info of no other version', () => {
    const { isMeant } = planOf('ex.test/a/@v/v2.0.0.info')
    const meant = (version: string) => isMeant?.({ version, time: null })
    expect([meant('v2.0.0'), meant('v2.0.0+incompatible'), meant('v2.0.1'), isMeant?.(null)]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('keep what is to be cached only apart from the rest', () => {
    const headers = { 'disable-module-fetch': 'true' }
    for (const path of ['ex.test/a/@v/v1.0.0.zip', 'ex.test/a/@v/list']) {
      const plan = planOf(path, { headers })
      expect(plan.headers).toEqual({ 'disable-module-fetch': 'true' })
      expect(plan.key).not.toBe(planOf(path).key)
      expect(planOf(path, { headers: { 'disable-module-fetch': 'false' } }).key).toBe(planOf(path).key)
    }
    expect(planOf(`sumdb/${NAME}/latest`, { headers }).key).toBe(planOf(`sumdb/${NAME}/latest`).key)
  })

  it('are kept apart where mirrors of one upstream believe different databases, for what is verified only', () => {
    const other = mirrorOf(logWith(0, 3))
    const bare: Mirror = { name: 'go', path: '/go/', upstreams: [BASE] }
    const mirrors = [mirror, other, bare, { ...bare, sumdb: 'off' }]
    for (const file of ['zip', 'mod'])
      expect(new Set(mirrors.map((on) => planOf(`ex.test/a/@v/v1.0.0.${file}`, {}, on).key)).size).toBe(4)
    for (const name of ['list', 'v1.0.0.info'])
      expect(new Set(mirrors.map((on) => planOf(`ex.test/a/@v/${name}`, {}, on).key)).size).toBe(1)
    const headers = { 'disable-module-fetch': 'true' }
    const apart = mirrors.flatMap((on) => [
      planOf('ex.test/a/@v/v1.0.0.zip', { headers }, on),
      planOf('ex.test/a/@v/v1.0.0.zip', {}, on),
    ])
    expect(new Set(apart.map(({ key }) => key)).size).toBe(8)
  })

  it('are bounded, whatever the height of a tile says', () => {
    const most = (path: string) => planOf(`sumdb/${NAME}/tile/${path}`).maxBytes
    expect([most('8/data/000'), most('8/data/000.p/1'), most('30/data/000')]).toEqual([1 << 20, 4 << 10, 16 << 20])
    expect(most('8/0/000')).toBe(256 * 32)
  })

  it('are for reading', () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'odd\n'])
      expect(() => ask('ex.test/a/@v/list', { method })).toThrow(code('METHOD_NOT_ALLOWED'))
    expect(planOf('ex.test/a/@v/list', { method: 'HEAD' }).key).toBe(planOf('ex.test/a/@v/list').key)
  })

  it('are asked again sooner where a mirror wants that', () => {
    expect(planOf('ex.test/a/@v/list', {}, mirrorOf(log, { lifetime: 5_000 })).lifetime).toEqual({ floor: 5_000, cap: 5_000 })
    expect(planOf('ex.test/a/@v/v1.0.0.info', {}, mirrorOf(log, { lifetime: 5_000 })).lifetime?.floor).toBeGreaterThan(5_000)
  })
})

describe('routes', () => {
  const CORP = 'https://goproxy.corp.test/'
  const bound = (pattern: string, upstream?: string) => mirrorOf(log, { routes: [{ pattern, upstream, levels: '/' }] })

  it('bind modules and their records, as GOPRIVATE does', () => {
    for (const pattern of ['git.corp.test', 'git.corp.test/*', '*.corp.test', 'git.corp.test/team', 'git.corp.test/team/X']) {
      const on = bound(pattern, CORP)
      for (const path of ['git.corp.test/team/!x/@v/v1.0.0.zip', `sumdb/${NAME}/lookup/git.corp.test/team/!x@v1.0.0`])
        expect(planned(path, {}, on).plans.map(({ base }) => base)).toEqual([CORP])
      const none = bound(pattern)
      for (const path of [
        'git.corp.test/team/!x/@v/list',
        'git.corp.test/team/!x/sub/@latest',
        `sumdb/${NAME}/lookup/git.corp.test/team/!x@v1.0.0`,
      ])
        expect(() => ask(path, {}, none)).toThrow(code('UPSTREAM_ABSENT'))
      expect(planOf('ex.test/a/@v/list', {}, none).base).toBe(BASE)
      expect(planOf(`sumdb/${NAME}/latest`, {}, none).base).toBe(BASE)
    }
  })

  it('bind no module that only begins like it', () => {
    expect(planOf('git.corp.test/teams/@v/list', {}, bound('git.corp.test/team')).base).toBe(BASE)
  })

  it('have records asked where the module is', () => {
    const asked: string[] = []
    const lookup: Lookup = {
      cached: async () => undefined,
      fetch: async ({ url }) => {
        asked.push(url)
        throw new WarrenError('UPSTREAM_ABSENT', 'no database there')
      },
    }
    const plan = planOf('git.corp.test/x/@v/v1.0.0.zip', {}, bound('git.corp.test', CORP))
    return expect(plan.expect?.(lookup, NEVER))
      .resolves.toEqual({ digests: [] })
      .then(() => {
        expect(asked).toEqual([`${CORP}sumdb/${NAME}/lookup/git.corp.test/x@v1.0.0`])
      })
  })

  it('leave several upstreams in their order', () => {
    const on = mirrorOf(log, { upstreams: [CORP, BASE] })
    expect(planned('ex.test/a/@v/list', {}, on).plans.map(({ base }) => base)).toEqual([CORP, BASE])
  })
})

describe('a checksum database', () => {
  it('is promised if the mirror names it, without anybody being asked', () => {
    expect(ask(`sumdb/${NAME}/supported`)).toMatchObject({ reply: { status: 200, body: '' } })
  })

  it('is absent if the mirror believes another one, or none', () => {
    for (const path of ['supported', 'latest', 'lookup/ex.test/a@v1.0.0', 'tile/8/0/000']) {
      expect(() => ask(`sumdb/other.test/${path}`)).toThrow(code('UPSTREAM_ABSENT'))
      expect(() => ask(`sumdb/${NAME}/${path}`, {}, mirrorOf(log, { sumdb: 'off' }))).toThrow(code('UPSTREAM_ABSENT'))
    }
  })

  it('is the public one without a word, and an unknown upstream has to say that it passes it on', () => {
    const { sumdb: _, ...bare } = mirror
    const database = databaseOf(bare)
    expect(database?.certain).toBe(false)
    expect(planOf(`sumdb/${database?.name}/supported`, {}, bare).url).toBe(`${BASE}sumdb/${database?.name}/supported`)
    // No upstream of which nothing is asked but bound names promises anything.
    for (const sumdb of [undefined, log.signer.verifier])
      expect(databaseOf({ name: 'go', upstreams: [], ...(sumdb === undefined ? {} : { sumdb }) })?.certain).toBe(false)
    expect(databaseOf({ ...bare, upstreams: defaultUpstreams })).toMatchObject({ name: database?.name, certain: true })
    expect(ask(`sumdb/${database?.name}/supported`, {}, { ...bare, upstreams: defaultUpstreams })).toHaveProperty('reply')
  })

  it('has a key that can be right', () => {
    for (const sumdb of ['', 'sum.test', `${NAME}+00000000+AAAA`, 'on'])
      expect(() => ask('ex.test/a/@v/list', {}, mirrorOf(log, { sumdb }))).toThrow(code('CONFIG_INVALID'))
  })

  it('has tiles of the right length only', () => {
    const { isMeant } = planOf(`sumdb/${NAME}/tile/8/0/000.p/2`)
    const of = (bytes: number) => isMeant?.({ hashes: Buffer.alloc(bytes).toString('base64') })
    expect([of(64), of(32), of(96)]).toEqual([true, false, false])
  })
})

describe('errors', () => {
  it('are one line of text with what to do', () => {
    const { contentType, body } = go.formatError(new WarrenError('UPSTREAM_ABSENT', 'no such thing\nat secret:1'), 'x')
    expect([contentType, body]).toEqual(['text/plain; charset=utf-8', 'no such thing\n'])
    expect(go.formatError(new WarrenError('UPSTREAM_BUSY', 'slow down', { retryAfter: 7 }), 'x').body).toBe(
      'slow down; try again in 7 s\n',
    )
    expect(go.formatError(new WarrenError('UPSTREAM_TIMEOUT', 'no answer'), 'x').body).toContain('try again in a moment')
    expect(go.formatError(new WarrenError('UPSTREAM_CORRUPT', 'x'.repeat(9_000)), 'x').body.length).toBeLessThan(700)
  })
})
