import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { loadConfig } from '../../node/config/load.ts'
import { Secret } from '../../node/secret.ts'
import { answer, json, serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedUpstream, type Step } from '../harness/scripted.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const OURS = new Random(7).bytes(5_000)
/** What somebody published under our name where everybody may publish. */
const THEIRS = new Random(8).bytes(6_000)
const AUTHORIZATION = `Basic ${Buffer.from('ci:hunter2').toString('base64')}`

/** A registry that has a package in one version, whatever the package is called. */
function registryOf(bytes: Buffer, version: string): Step {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  return ({ path }) => {
    if (path.endsWith('.tgz')) return serve(bytes)
    if (path.includes('attestations')) return answer(404, '{}')
    if (path.startsWith('/-/package/')) return json({ latest: version })
    const [name = '', selector] = /^\/((?:@[^/]+\/)?[^/]+)(?:\/([^/]+))?$/.exec(path)?.slice(1) ?? []
    const manifest = { name, version, dist: { integrity, tarball: `http://registry.example.test/${name}/-/x-${version}.tgz` } }
    if (selector !== undefined) return json(manifest)
    return json({ name, 'dist-tags': { latest: version }, versions: { [version]: manifest } })
  }
}

/** Has nothing for whoever does not show the login. */
function withLogin(step: Step): Step {
  return (request) => {
    if (request.headers.authorization !== AUTHORIZATION) return answer(401, '{}', { 'www-authenticate': 'Basic realm="corp"' })
    return typeof step === 'function' ? step(request) : step
  }
}

async function registry(step: Step): Promise<ScriptedUpstream> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  return upstream.on(/./, step)
}

/** The npm mirror that stands so in a configuration file. */
function mirrorsOf(entry: object) {
  const configFile = join(temp.create('config'), 'config.yaml')
  writeFileSync(configFile, JSON.stringify({ mirrors: { npm: entry } }))
  const { config } = loadConfig({ configFile, env: {}, home: '/home/ann', flags: new Map(), ecosystems })
  return config.mirrors.filter(({ name }) => name === 'npm')
}

/** A node that asks everybody's registry, but another one for names of its own, and shows that one its login. */
async function setUp(ours: Step = registryOf(OURS, '1.0.0'), patterns: readonly string[] = ['@corp/*']) {
  const [everybody, corp] = [await registry(registryOf(THEIRS, '99.0.0')), await registry(withLogin(ours))]
  const routes = Object.fromEntries(patterns.map((pattern) => [pattern, corp.origin]))
  const mirrors = mirrorsOf({ upstreams: [everybody.origin], routes })
  const credentials = [{ origin: corp.origin, username: 'ci', password: new Secret('hunter2') }]
  const started = await startNode({ data: temp.create('data'), upstream: everybody.origin, mirrors, config: { credentials } })
  return { ...started, everybody, corp }
}

const PATHS = [
  '@corp/x',
  '@corp%2fx',
  '%40corp%2Fx',
  '@corp/x/1.0.0',
  '@corp/x/latest',
  '@corp/x/-/x-1.0.0.tgz',
  '@corp%2fx/-/x-1.0.0.tgz',
  '-/package/@corp%2fx/dist-tags',
  '-/npm/v1/attestations/@corp%2fx@1.0.0',
] as const

describe('a name that is bound to one upstream', () => {
  it.each(PATHS)('is asked there, with the login for it, and nowhere else: %s', async (path) => {
    const { npm, everybody, corp } = await setUp()
    const attested = path.includes('attestations')
    for (const accept of ['application/vnd.npm.install-v1+json', '*/*'])
      expect((await exchange(npm + path, { headers: { accept } })).status).toBe(attested ? 404 : 200)
    expect((await exchange(npm + path, { method: 'HEAD' })).status).toBe(attested ? 404 : 200)
    const statuses = corp.tally.log.map(({ status, headers }) => [status, headers.authorization])
    expect(statuses).toContainEqual([attested ? 404 : 200, AUTHORIZATION])
    expect(everybody.tally.log).toEqual([])
  })

  it('gives what its own registry has, byte for byte, and the status of the node tells where that is', async () => {
    const { npm, everybody, corp, status } = await setUp()
    expect((await status()).mirrors[0]?.routes).toEqual([{ pattern: '@corp/*', upstream: `${corp.origin}/`, levels: '/' }])
    const packument = JSON.parse((await exchange(`${npm}@corp/x`)).body.toString())
    expect(packument['dist-tags'].latest).toBe('1.0.0')
    expect((await exchange(`${npm}@corp/x/-/x-1.0.0.tgz`)).body.equals(OURS)).toBe(true)
    expect(everybody.tally.log).toEqual([])
  })

  it.each([
    ['is out of order', answer(503, 'later'), 503],
    ['fails', answer(500, 'oops'), 503],
    ['is limited', answer(429, 'slow down', { 'retry-after': '60' }), 429],
    ['wants another login', answer(401, 'who?'), 403],
    ['forbids it', answer(403, 'no'), 403],
    ['has no such thing', answer(404, '{}'), 404],
    ['has it no more', answer(410, '{}'), 410],
  ])('is not asked elsewhere when its registry %s', async (_what, step, status) => {
    const { npm, everybody, corp } = await setUp(step)
    for (const path of PATHS) expect([path, (await exchange(npm + path)).status]).toEqual([path, status])
    expect(corp.tally.total.requests).toBeGreaterThan(0)
    expect(everybody.tally.log).toEqual([])
  })

  it('is not asked elsewhere when its registry is gone', async () => {
    const { npm, everybody, corp } = await setUp()
    await corp.gone()
    for (const path of PATHS) expect([path, (await exchange(npm + path)).status]).toEqual([path, 503])
    expect(everybody.tally.log).toEqual([])
  })

  it('is served from here when its registry is gone, also where everybody has something newer', async () => {
    const { npm, everybody, corp } = await setUp()
    const path = `${npm}@corp/x/-/x-1.0.0.tgz`
    expect((await exchange(path)).body.equals(OURS)).toBe(true)
    await eventually('it is kept', async () => (await exchange(path)).headers['x-warren-source'] === 'local')
    await corp.gone()
    const again = await exchange(path)
    expect([again.status, again.headers['x-warren-source'], again.body.equals(OURS)]).toEqual([200, 'local', true])
    expect(everybody.tally.log).toEqual([])
  })

  it('may be a whole scope, a prefix or one package', async () => {
    const { npm, everybody, corp } = await setUp(registryOf(OURS, '1.0.0'), ['@corp', 'corp-*', 'tool'])
    for (const name of ['@corp/x', 'corp-x', 'corp-', 'tool', 'tool/-/tool-1.0.0.tgz']) await exchange(npm + name)
    expect(everybody.tally.log).toEqual([])
    const asked = corp.tally.total.requests
    for (const name of ['@corporate/x', 'corp', 'tools', 'x-corp-']) await exchange(npm + name)
    expect(corp.tally.total.requests).toBe(asked)
    expect(everybody.tally.log.map(({ path }) => path)).toEqual(['/@corporate/x', '/corp', '/tools', '/x-corp-'])
  })

  it('is asked where it is bound from the edit on, whatever was fetched before', async () => {
    const { npm, node, everybody, corp } = await setUp(registryOf(OURS, '1.0.0'), ['other'])
    const path = `${npm}@corp/x/-/x-1.0.0.tgz`
    // Often enough to be at hand in every place where something may be.
    for (let i = 0; i < 5; i++) expect((await exchange(path)).body.equals(THEIRS)).toBe(true)
    const asked = everybody.tally.total.requests
    node.applyMirrors(mirrorsOf({ upstreams: [everybody.origin], routes: { '@corp/*': corp.origin } }))
    for (let i = 0; i < 5; i++) expect((await exchange(path)).body.equals(OURS)).toBe(true)
    expect(everybody.tally.total.requests).toBe(asked)
  })
})

describe('an upstream that is for some names only', () => {
  it('is not asked for others, whether the registry of these has them or is gone', async () => {
    const { npm, everybody, corp } = await setUp()
    expect((await exchange(`${npm}left-pad`)).status).toBe(200)
    everybody.on('/right-pad', answer(404, '{}'))
    expect((await exchange(`${npm}right-pad`)).status).toBe(404)
    await exchange(`${npm}-/v1/search?text=corp`)
    await exchange(`${npm}-/npm/v1/keys`)
    await exchange(`${npm}-/npm/v1/security/advisories/bulk`, { method: 'POST', body: '{}' })
    await everybody.gone()
    expect((await exchange(`${npm}middle-pad`)).status).toBe(503)
    expect(corp.tally.log).toEqual([])
  })

  it('is one that says so itself, too', async () => {
    const [everybody, corp] = [await registry(registryOf(THEIRS, '99.0.0')), await registry(registryOf(OURS, '1.0.0'))]
    const mirrors = mirrorsOf({ upstreams: [{ url: corp.origin, only: ['@corp/*'] }, everybody.origin] })
    const { npm } = await startNode({ data: temp.create('data'), upstream: everybody.origin, mirrors })
    await exchange(`${npm}left-pad`)
    expect([corp.tally.total.requests, everybody.tally.total.requests]).toEqual([0, 1])
    await exchange(`${npm}@corp/x`)
    expect([corp.tally.total.requests, everybody.tally.total.requests]).toEqual([1, 1])
  })
})

describe('an audit of a project', () => {
  const BULK = '-/npm/v1/security/advisories/bulk'
  const TREES = ['-/npm/v1/security/audits/quick', '-/npm/v1/security/audits']
  const audited = (npm: string, path: string, body: Buffer | string, coding: Record<string, string> = {}) =>
    exchange(npm + path, { method: 'POST', headers: { 'content-type': 'application/json', ...coding }, body })

  it('tells no upstream a name that must not be asked there', async () => {
    const { npm, everybody, corp } = await setUp(registryOf(OURS, '1.0.0'), ['@corp/*', 'tool'])
    const heard: unknown[] = []
    everybody.on(/security/, ({ body, headers }) => {
      const packed = headers['content-encoding'] === 'gzip'
      heard.push(JSON.parse((packed ? gunzipSync(body) : body).toString()))
      return json({})
    })
    const list = JSON.stringify({ '@corp/x': ['1.0.0'], 'left-pad': ['1.3.0'], Tool: ['2.0.0'], tools: ['1.0.0'] })
    const gzip = { 'content-encoding': 'gzip' }
    expect((await audited(npm, BULK, list)).status).toBe(200)
    expect((await audited(npm, BULK, gzipSync(list), gzip)).status).toBe(200)
    expect(heard.splice(0)).toEqual(Array(2).fill({ 'left-pad': ['1.3.0'], tools: ['1.0.0'] }))
    const tree = {
      name: '@corp/app',
      version: '1.0.0',
      secret: '@corp/y',
      install: ['@corp/x@1.0.0', 'left-pad@1.3.0', 'tool'],
      remove: [],
      metadata: { node: '24' },
      requires: { '@corp/x': '^1.0.0', 'left-pad': '^1.0.0', pad: 'npm:@corp/x@^1.0.0' },
      dependencies: {
        '@corp/x': { version: '1.0.0', requires: { chalk: '1.0.0' }, dependencies: { chalk: { version: '1.0.0' } } },
        pad: { version: 'npm:@Corp/x@1.0.0' },
        'left-pad': {
          version: '1.3.0',
          resolved: 'https://corp.test/',
          requires: { tool: '1', chalk: '1' },
          dependencies: { tool: {} },
        },
      },
    }
    for (const path of TREES) expect((await audited(npm, path, gzipSync(JSON.stringify(tree)), gzip)).status).toBe(200)
    const left = {
      name: 'project',
      version: '1.0.0',
      install: ['left-pad@1.3.0'],
      remove: [],
      metadata: { node: '24' },
      requires: { 'left-pad': '^1.0.0' },
      dependencies: { 'left-pad': { version: '1.3.0', requires: { chalk: '1' }, dependencies: {} } },
    }
    expect(heard.splice(0)).toEqual([left, left])
    expect(corp.tally.log).toEqual([])
  })

  it('goes out byte for byte where no name of it is bound', async () => {
    const { npm, everybody } = await setUp()
    const body = gzipSync(' {"left-pad":["1.3.0"]} ')
    everybody.on(/security/, (request) =>
      json({ same: request.body.equals(body), coding: request.headers['content-encoding'] }),
    )
    const reply = await audited(npm, BULK, body, { 'content-encoding': 'gzip' })
    expect(JSON.parse(reply.body.toString())).toEqual({ same: true, coding: 'gzip' })
  })

  it.each([
    ['no JSON', 'x', {}, 400],
    ['no object', '["@corp/x"]', {}, 400],
    ['packed in an unknown way', 'x', { 'content-encoding': 'zstd' }, 400],
    ['not what it says', 'x', { 'content-encoding': 'gzip' }, 400],
    ['too large', gzipSync(Buffer.alloc(5_000_000, ' ')), { 'content-encoding': 'gzip' }, 413],
    ['too deep', gzipSync('{"dependencies":'.repeat(100_000)), { 'content-encoding': 'gzip' }, 400],
  ])('stays here when it is %s', async (_what, body, coding, status) => {
    const { npm, everybody } = await setUp()
    for (const path of [BULK, ...TREES]) expect((await audited(npm, path, body, coding)).status).toBe(status)
    expect(everybody.tally.log).toEqual([])
  })

  it('of which all names are bound to none is told so', async () => {
    const mirrors = mirrorsOf({ upstreams: [{ url: 'http://127.0.0.1:9/', only: ['@corp'] }] })
    const { npm } = await startNode({ data: temp.create('data'), upstream: 'http://127.0.0.1:9/', mirrors })
    expect((await audited(npm, BULK, '{"left-pad":["1.0.0"]}')).status).toBe(404)
  })
})

describe('a search for what is bound', () => {
  it.each(['@corp/x', 'left @CORP/x', '@corp', 'scope:corp', 'scope:@corp pad', '"@corp/x"'])(
    'is asked there: %s',
    async (text) => {
      const { npm, everybody, corp } = await setUp(json({ objects: [] }))
      expect((await exchange(`${npm}-/v1/search?text=${encodeURIComponent(text)}&size=20`)).status).toBe(200)
      expect(everybody.tally.log).toEqual([])
      expect(corp.tally.log.at(-1)?.target).toBe(`/-/v1/search?text=${encodeURIComponent(text)}&size=20`)
    },
  )
})

it('a name that is bound to none is not found, and asked nowhere', async () => {
  const everybody = await registry(registryOf(THEIRS, '99.0.0'))
  const mirrors = mirrorsOf({ upstreams: [everybody.origin], routes: { '@secret': false } })
  const { npm } = await startNode({ data: temp.create('data'), upstream: everybody.origin, mirrors })
  for (const path of ['@secret/x', '@secret/x/1.0.0', '@secret/x/-/x-1.0.0.tgz', '-/package/@secret%2fx/dist-tags']) {
    const reply = await exchange(npm + path)
    expect([reply.status, JSON.parse(reply.body.toString()).error]).toEqual([
      404,
      expect.stringContaining('mirrors.npm.routes'),
    ])
  }
  expect(everybody.tally.log).toEqual([])
})

describe('a name that nothing binds', () => {
  it.each([
    [404, 200, 1],
    [410, 200, 1],
    [500, 503, 0],
    [503, 503, 0],
    [403, 403, 0],
  ] as const)('is asked at the next upstream only if the first has no such thing: %i', async (first, status, asked) => {
    const [one, two] = [await registry(answer(first, '{}')), await registry(registryOf(OURS, '1.0.0'))]
    const mirrors = mirrorsOf({ upstreams: [one.origin, two.origin] })
    const { npm } = await startNode({ data: temp.create('data'), upstream: one.origin, mirrors })
    expect((await exchange(`${npm}thing`)).status).toBe(status)
    expect(two.tally.total.requests).toBe(asked)
  })
})
