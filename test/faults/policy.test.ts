import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { errorOf, INSTALL_ACCEPT, integrityOf, packumentText, parsed, pathsAsked, scripted } from '../clients/behind.ts'
import { json, serve } from '../harness/answer.ts'
import { exchange, HttpClient, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import type { Manifest } from '../harness/oci-types.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { ask, problem, startHub, startImageNode } from './image-node.ts'

const DAY = 86_400_000
const BYTES = Buffer.from('an archive')

useLeakCheck()
const temp = useTempFolders()

type PolicyConfig = Partial<Config['policy']>

function policyOf(settings: PolicyConfig): Config['policy'] {
  return { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [], ...settings }
}

/** A node in front of a registry with versions of `thing`, published so many days ago. */
async function nodeBefore(ages: Readonly<Record<string, number | undefined>>, settings: PolicyConfig) {
  const upstream = await scripted()
  const clock = new ShiftedClock()
  const versions = Object.keys(ages)
  const dist = { integrity: integrityOf(BYTES) }
  const abbreviated = JSON.parse(
    packumentText(
      'thing',
      versions.map((version) => [version, dist]),
    ),
  ) as object
  const time = Object.fromEntries(
    Object.entries(ages).flatMap(([version, days]) =>
      days === undefined ? [] : [[version, new Date(clock.now() - days * DAY).toISOString()]],
    ),
  )
  upstream.on('/thing', ({ headers }) =>
    json(String(headers.accept).includes('install-v1') ? abbreviated : { ...abbreviated, time }),
  )
  for (const version of versions) {
    upstream.on(`/thing/${version}`, json({ name: 'thing', version, dist }))
    upstream.on(`/thing/-/thing-${version}.tgz`, serve(BYTES))
  }
  upstream.on('/thing/latest', json({ name: 'thing', version: versions.at(-1), dist }))
  const started = await startNode({
    data: temp.create('data'),
    upstream: upstream.origin,
    config: { policy: policyOf(settings) },
    overrides: { clock },
  })
  // One connection, so that what is hot goes the shortest way.
  const client = new HttpClient(1)
  onTestFinished(() => client.close())
  const get = (path: string, headers: Record<string, string> = {}) => client.get(started.npm + path, { headers })
  const tarball = (version: string) => get(`thing/-/thing-${version}.tgz`)
  return { ...started, upstream, clock, get, tarball, apply: (next: PolicyConfig) => started.node.applyPolicy(policyOf(next)) }
}

function offered(reply: Reply): { versions: string[]; latest: unknown } {
  const { versions, 'dist-tags': tags } = parsed(reply) as { versions: object; 'dist-tags': { latest?: string } }
  return { versions: Object.keys(versions), latest: tags.latest }
}

describe('a version that is denied', () => {
  const OLD = { '1.0.0': 100, '1.1.0': 50, '2.0.0': 10 }

  it('is not offered, and refused with the rule wherever it is asked for; upstream is never asked for it', async () => {
    const { get, tarball, upstream } = await nodeBefore(OLD, { deny: ['pkg:npm/thing@>=1.1'] })
    expect(offered(await get('thing'))).toEqual({ versions: ['1.0.0'], latest: '1.0.0' })
    expect(offered(await get('thing', { accept: INSTALL_ACCEPT }))).toEqual({ versions: ['1.0.0'], latest: '1.0.0' })
    for (const path of ['thing/-/thing-2.0.0.tgz', 'thing/2.0.0', 'thing/latest', 'thing/-/thing-2.0.tgz']) {
      const reply = await get(path)
      expect([path, reply.status, reply.headers['x-warren-error']]).toEqual([path, 403, 'POLICY_DENIED'])
      expect(errorOf(reply)).toContain('is denied by the rule pkg:npm/thing@>=1.1 (policy.deny)')
    }
    expect([(await tarball('1.0.0')).status, (await get('thing/1.0.0')).status]).toEqual([200, 200])
    expect(pathsAsked(upstream).filter((path) => path.includes('2.0'))).toEqual([])
  })

  it('is refused although it is held and hot, from the moment on that the policy says so', async () => {
    const node = await nodeBefore(OLD, {})
    expect(offered(await node.get('thing')).versions).toHaveLength(3)
    for (let i = 0; i < 5; i++) expect((await node.tarball('2.0.0')).status).toBe(200)
    await storeAtRest(node)
    for (let i = 0; i < 3; i++) expect((await node.tarball('2.0.0')).headers['x-warren-source']).toBe('local')
    node.apply({ deny: ['pkg:npm/thing@2.0.0'] })
    for (let i = 0; i < 3; i++) expect((await node.tarball('2.0.0')).status).toBe(403)
    expect(offered(await node.get('thing'))).toEqual({ versions: ['1.0.0', '1.1.0'], latest: '1.1.0' })
    expect((await node.tarball('1.0.0')).status).toBe(200)
    node.apply({})
    expect([(await node.tarball('2.0.0')).status, offered(await node.get('thing')).latest]).toEqual([200, '2.0.0'])
  })

  it('leaves no copy of a document with a client that would be told «not modified»', async () => {
    const { get, apply } = await nodeBefore(OLD, {})
    const before = await get('thing')
    const etag = String(before.headers.etag)
    expect((await get('thing', { 'if-none-match': etag })).status).toBe(304)
    apply({ deny: ['pkg:npm/thing@2.0.0'] })
    const after = await get('thing', { 'if-none-match': etag })
    expect([after.status, offered(after).latest]).toEqual([200, '1.1.0'])
    expect((await get('thing', { 'if-none-match': String(after.headers.etag) })).status).toBe(304)
  })

  it('gives a reason instead of an empty list when it is the last one, and of a package as a whole', async () => {
    const { get, apply, upstream } = await nodeBefore(OLD, { deny: ['pkg:npm/thing@<3'] })
    const reply = await get('thing')
    expect([reply.status, errorOf(reply)]).toEqual([403, expect.stringContaining('is denied by the rule pkg:npm/thing@<3')])
    const asked = upstream.tally.total.requests
    apply({ deny: ['pkg:npm/th*'] })
    for (const path of ['thing', '-/package/thing/dist-tags', '-/package/Thing/dist-tags', '-/npm/v1/attestations/thing@1.0.0'])
      expect([path, (await get(path)).status, upstream.tally.total.requests]).toEqual([path, 403, asked])
  })

  it('is whatever is not allowed, where something is', async () => {
    const { get, tarball, upstream } = await nodeBefore(OLD, { allow: ['pkg:npm/thing@^1'] })
    expect(offered(await get('thing'))).toEqual({ versions: ['1.0.0', '1.1.0'], latest: '1.1.0' })
    expect([(await tarball('1.1.0')).status, (await tarball('2.0.0')).status]).toEqual([200, 403])
    expect([(await get('other')).status, upstream.count('/other')]).toEqual([403, 0])
  })
})

describe('a minimum age', () => {
  const settings = { minimumAge: { default: 3 * DAY } }
  const AGES = { '1.0.0': 10, '1.1.0': 1 }

  it('withholds what is younger, by the full document whichever was asked for, until it is of age', async () => {
    const { get, tarball, clock } = await nodeBefore(AGES, settings)
    for (const accept of ['application/json', INSTALL_ACCEPT])
      expect(offered(await get('thing', { accept }))).toEqual({ versions: ['1.0.0'], latest: '1.0.0' })
    const young = await tarball('1.1.0')
    expect([young.status, errorOf(young)]).toEqual([
      403,
      expect.stringContaining(
        'was published 24 hours ago as far as its registry tells, and versions are let through after 3 days',
      ),
    ])
    expect((await tarball('1.0.0')).status).toBe(200)
    clock.pass(2 * DAY + 60_000)
    expect(offered(await get('thing'))).toEqual({ versions: ['1.0.0', '1.1.0'], latest: '1.1.0' })
    expect((await tarball('1.1.0')).status).toBe(200)
  })

  it('is known of a tarball that is asked for first, as lockfiles have it', async () => {
    const { tarball, upstream } = await nodeBefore(AGES, settings)
    expect([(await tarball('1.1.0')).status, (await tarball('1.0.0')).status]).toEqual([403, 200])
    expect(upstream.count('/thing/-/thing-1.1.0.tgz')).toBe(0)
  })

  it('has exceptions', async () => {
    const { get, tarball } = await nodeBefore(AGES, { ...settings, minimumAgeExceptions: ['pkg:npm/thing@1.1.0'] })
    expect([(await tarball('1.1.0')).status, offered(await get('thing')).latest]).toEqual([200, '1.1.0'])
  })

  it('breaks no build of yesterday when the registry is gone', async () => {
    const { get, tarball, upstream } = await nodeBefore(AGES, settings)
    await get('thing')
    await tarball('1.0.0')
    await upstream.gone()
    expect([(await tarball('1.0.0')).status, (await tarball('1.1.0')).status]).toEqual([200, 403])
  })

  it('of which nobody can be asked is trouble, not a «no»', async () => {
    const { tarball, upstream } = await nodeBefore(AGES, settings)
    await upstream.gone()
    const reply = await tarball('1.0.0')
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, expect.any(String)])
  })

  it('is that of the upstream that has the version, where there are several', async () => {
    const second = await nodeBefore(AGES, {})
    const first = await scripted()
    const { upstream, clock } = second
    const mirrors = [
      {
        name: 'npm',
        protocol: 'npm',
        path: '/npm/',
        upstreams: [first, upstream].map(({ origin }) => `${origin}/`),
        local: false,
      },
    ]
    const config = { policy: policyOf(settings) }
    const { npm } = await startNode({ data: temp.create('two'), upstream: first.origin, mirrors, config, overrides: { clock } })
    const statuses = await Promise.all(
      ['1.0.0', '1.1.0', '9.9.9'].map(async (version) => (await exchange(`${npm}thing/-/thing-${version}.tgz`)).status),
    )
    expect(statuses).toEqual([200, 403, 404])
  })

  it('that nobody tells is told; what was kept for long enough before is served all the same', async () => {
    const node = await nodeBefore({ '1.0.0': undefined, '1.1.0': 10 }, {})
    expect((await node.tarball('1.0.0')).status).toBe(200)
    await storeAtRest(node)
    node.apply(settings)
    const reply = await node.tarball('1.0.0')
    expect([reply.status, errorOf(reply)]).toEqual([
      403,
      expect.stringContaining('nothing tells when pkg:npm/thing@1.0.0 was published'),
    ])
    expect(offered(await node.get('thing')).versions).toEqual(['1.0.0', '1.1.0'])
    node.clock.pass(3 * DAY)
    expect((await node.tarball('1.0.0')).status).toBe(200)
  })
})

describe('images', () => {
  const digestOf = ({ descriptor }: Manifest) => descriptor.digest

  async function imagesBehind(settings: PolicyConfig) {
    const hub = await startHub()
    const [old, current] = [await makeImage(), await makeImage({ layers: [{ bytes: 3_000 }] })]
    hub.publish('library/x', '1.0', old)
    hub.publish('library/x', '2.0', current)
    const node = await startImageNode({
      data: temp.create('node'),
      hubs: { 'docker.io': hub },
      config: { policy: policyOf(settings) },
    })
    const get = (rest: string) => ask(`${node.url}/v2/library/x/${rest}`)
    return { hub, old, current, get, node }
  }

  it('are denied by tag, in the words of their clients, and the tag is not listed', async () => {
    const { get, hub } = await imagesBehind({ deny: ['pkg:docker/x@1.*'] })
    const reply = await get('manifests/1.0')
    expect(problem(reply)).toEqual([403, 'DENIED'])
    expect(String(reply.body)).toContain('pkg:docker/library/x@1.0 is denied by the rule pkg:docker/x@1.* (policy.deny)')
    expect(hub.tally.total.requests).toBe(0)
    expect((await get('manifests/2.0')).status).toBe(200)
    expect(JSON.parse(String((await get('tags/list')).body))).toMatchObject({ tags: ['2.0'] })
  })

  it('are denied by digest, and so under each tag that leads there', async () => {
    const { get, node, old, current } = await imagesBehind({})
    expect((await get('manifests/1.0')).status).toBe(200)
    node.node.applyPolicy(policyOf({ deny: [`pkg:docker/library/x@${digestOf(old)}`] }))
    for (const reference of ['1.0', digestOf(old)])
      expect(problem(await get(`manifests/${reference}`))).toEqual([403, 'DENIED'])
    for (const reference of ['2.0', digestOf(current)]) expect((await get(`manifests/${reference}`)).status).toBe(200)
  })

  it('come whole when only their tag is allowed', async () => {
    const { get, current } = await imagesBehind({ allow: ['pkg:docker/x@2.*'] })
    expect(problem(await get('manifests/1.0'))).toEqual([403, 'DENIED'])
    const manifest = await get('manifests/2.0')
    expect([manifest.status, (await get(`manifests/${digestOf(current)}`)).status]).toEqual([200, 200])
    const { layers } = JSON.parse(String(manifest.body)) as { layers: { digest: string }[] }
    for (const { digest } of layers) expect((await get(`blobs/${digest}`)).status).toBe(200)
  })
})
