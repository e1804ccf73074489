import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { STALE_PATIENCE } from '../../node/cache/constants.ts'
import { Secret } from '../../node/secret.ts'
import { answer, captivePortal } from '../harness/answer.ts'
import { cutAfter, delay, flip, instead } from '../harness/fault.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { asked, configOf, mirrorOf, pathOf, startCargoNode, startRegistry } from './cargo-node.ts'

const MINUTE = 60_000
const LARGE = new Random(11).bytes(700_000)
const INDEX = 'my/cr/mycrate'

useLeakCheck()
const temp = useTempFolders()

async function nodeWithCrate(init: { archive?: Buffer; version?: string } = {}) {
  const { version = '1.0.0', ...rest } = init
  const clock = new ShiftedClock()
  const registry = await startRegistry(clock)
  const crate = registry.publish('MyCrate', version, rest)
  const data = temp.create('node')
  return { clock, registry, crate, data, ...(await startCargoNode({ data, registry, clock })) }
}

describe('an archive', () => {
  it('comes from where the index’s own configuration says, once, and is kept', async () => {
    const node = await nodeWithCrate()
    const { registry, crate, ask } = node
    const reply = await ask(pathOf(crate))
    expect([reply.status, reply.body.equals(crate.archive)]).toEqual([200, true])
    expect(reply.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    await storeAtRest(node)
    const again = await ask(pathOf(crate))
    expect([again.headers['x-warren-source'], again.headers.etag]).toEqual(['local', `"sha256:${crate.sha256}"`])
    expect(registry.tally.kind('api').requests).toBe(1)
    expect(registry.files.tally.total.requests).toBe(1)
    expect(registry.tally.kind('other').requests).toBe(0)
  })

  it.each([
    ['{files}/crates', '/crates/MyCrate/1.0.0+build.1/download'],
    ['{files}/crates/{crate}/{crate}-{version}.crate', '/crates/MyCrate/MyCrate-1.0.0+build.1.crate'],
    ['{files}/{prefix}/{crate}/{version}/x', '/My/Cr/MyCrate/1.0.0+build.1/x'],
    ['{files}/{lowerprefix}/{crate}/{version}/x', '/my/cr/MyCrate/1.0.0+build.1/x'],
    ['{files}/{crate}/by-hash/{sha256-checksum}', '/MyCrate/by-hash/{sha256}'],
  ])('is fetched as «dl» says: %s', async (dl, path) => {
    const { registry, crate, ask } = await nodeWithCrate({ version: '1.0.0+build.1' })
    registry.dl = dl.replace('{files}', registry.files.origin)
    for (const spelling of ['+', '%2B']) {
      const reply = await ask(pathOf(crate).replace('+', spelling))
      expect([reply.status, reply.body.equals(crate.archive)]).toEqual([200, true])
    }
    expect(registry.files.tally.log.map(({ target }) => target)).toEqual([path.replace('{sha256}', crate.sha256)])
  })

  it('that is asked for without its checksum must be what the index says', async () => {
    const { registry, crate, ask } = await nodeWithCrate()
    await ask('config.json')
    expect((await ask('crates/MyCrate/1.0.0/download')).body.equals(crate.archive)).toBe(true)
    registry.publish('Other', '1.0.0', { archive: Buffer.from('the wrong one') })
    registry.files.fail(/Other/, flip(0))
    expect((await ask('crates/Other/1.0.0/download')).status).toBe(503)
  })

  it('with a wrong byte is asked for once more, and the client notices nothing', async () => {
    const node = await nodeWithCrate()
    const { registry, crate, ask } = node
    registry.files.fail(/./, flip(50), 1)
    expect((await ask(pathOf(crate))).body.equals(crate.archive)).toBe(true)
    expect(registry.files.tally.total.requests).toBe(2)
  })

  it('with a wrong byte is never whole, nor kept, and is right the next time', async () => {
    const node = await nodeWithCrate({ archive: LARGE })
    const { registry, crate, ask } = node
    const heal = registry.files.fail(/./, flip(690_000))
    for (let round = 0; round < 3; round++) {
      const bad = await ask(pathOf(crate))
      expect(bad.status === 200 && bad.complete).toBe(false)
    }
    // The configuration and the index are all that there is.
    expect((await storeAtRest(node)).blobs).toBe(2)
    heal()
    expect((await ask(pathOf(crate))).body.equals(LARGE)).toBe(true)
  })

  it('that is cut is gone on with, and whole for the client', async () => {
    const { registry, crate, ask } = await nodeWithCrate({ archive: LARGE })
    registry.files.fail(/./, cutAfter(300_000, 'fin'), 2)
    const reply = await ask(pathOf(crate))
    expect([reply.complete, reply.body.equals(LARGE)]).toEqual([true, true])
    expect(registry.files.tally.log.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=300000-', 'bytes=600000-'])
  })

  it.each([
    ['a web page', captivePortal(), 503],
    ['404', answer(404), 404],
    ['410', answer(410), 410],
    ['451', answer(451), 451],
    ['403', answer(403), 403],
    ['500', answer(500), 503],
    ['503', answer(503), 503],
  ])('in whose place there is %s is answered with what that means', async (_what, bad, status) => {
    const { registry, crate, ask } = await nodeWithCrate()
    registry.files.fail(/./, instead(bad))
    expect((await ask(pathOf(crate))).status).toBe(status)
  })

  it.each([
    ['absent', 404, 404],
    ['denied', 403, 403],
    ['in trouble', 500, 503],
  ])('of a registry whose configuration is %s is, too, and is looked for nowhere', async (_what, theirs, status) => {
    const { registry, crate, ask } = await nodeWithCrate()
    registry.fail(/config\.json/, instead(answer(theirs)))
    expect((await ask(pathOf(crate))).status).toBe(status)
    expect(registry.tally.kind('other').requests + registry.files.tally.total.requests).toBe(0)
  })

  it.each(['in trouble', 'gone'])(
    'that is newer than what is held of the index is not absent while upstream is %s',
    async (what) => {
      const { registry, crate, clock, ask } = await nodeWithCrate()
      await ask('config.json')
      expect((await ask(INDEX)).status).toBe(200)
      const newer = registry.publish('MyCrate', '1.1.0')
      clock.pass(10 * MINUTE)
      if (what === 'gone') await registry.gone()
      else registry.fail(/./, instead(answer(500)))
      for (const path of [pathOf(newer), pathOf({ ...crate, version: '1.1.0' }), 'crates/MyCrate/1.1.0/download']) {
        for (const method of ['GET', 'HEAD'] as const) {
          const { status, headers } = await ask(path, { method })
          expect([path, method, status]).toEqual([path, method, 503])
          expect(Number(headers['retry-after'])).toBeGreaterThan(0)
        }
      }
      if (what === 'gone') await registry.back()
      registry.heal()
      clock.pass(10 * MINUTE)
      expect((await ask(pathOf(newer))).body.equals(newer.archive)).toBe(true)
      expect((await ask(pathOf({ ...newer, version: '1.2.0' }))).status).toBe(404)
    },
  )

  it('that is newer than what is held of the index is waited for, however slow upstream is', async () => {
    const { registry, clock, ask } = await nodeWithCrate()
    expect((await ask(INDEX)).status).toBe(200)
    const newer = registry.publish('MyCrate', '1.1.0')
    clock.pass(10 * MINUTE)
    registry.fail(/mycrate/, delay(STALE_PATIENCE + 500))
    expect((await ask(pathOf(newer))).body.equals(newer.archive)).toBe(true)
  })

  it('is told of by HEAD and given in parts', async () => {
    const node = await nodeWithCrate({ archive: LARGE })
    const { registry, crate, ask } = node
    const head = await ask(pathOf(crate), { method: 'HEAD' })
    expect([head.status, head.headers['content-length']]).toEqual([200, String(LARGE.length)])
    const part = await ask(pathOf(crate), { headers: { range: 'bytes=1000-1999' } })
    expect([part.status, part.body.equals(LARGE.subarray(1000, 2000))]).toEqual([206, true])
    await storeAtRest(node)
    // Behind the redirect HEAD is not asked for: one byte tells the length.
    expect(registry.files.tally.log.map(({ headers }) => headers.range)).toEqual(['bytes=0-0', undefined])
  })

  it('that fifty clients want is fetched once', async () => {
    const { registry, crate, ask } = await nodeWithCrate({ archive: LARGE })
    registry.files.latencyMs = 30
    const replies = await Promise.all(Array.from({ length: 50 }, () => ask(pathOf(crate))))
    for (const reply of replies) expect([reply.status, reply.body.equals(LARGE)]).toEqual([200, true])
    expect(registry.files.tally.total.requests).toBe(1)
  })
})

describe('a mirror of two registries', () => {
  async function nodeWithTwo() {
    const [corp, world] = [await startRegistry(), await startRegistry()]
    corp.publish('corp-only', '1.0.0')
    const mirrors = [{ ...mirrorOf(corp.index), upstreams: [corp.index, world.index] }]
    const node = await startNode({ data: temp.create('node'), upstream: corp.origin, mirrors })
    return { corp, world, ...asked(node) }
  }

  it('has what the first one does not have from the second, though its file host would call that forbidden', async () => {
    const { corp, world, ask } = await nodeWithTwo()
    const crate = world.publish('MyCrate', '1.0.0')
    expect((await ask(INDEX)).body.equals(world.indexFile('MyCrate'))).toBe(true)
    expect((await ask(pathOf(crate))).body.equals(crate.archive)).toBe(true)
    expect((await ask('crates/MyCrate/1.0.0/download')).body.equals(crate.archive)).toBe(true)
    expect(corp.tally.kind('api').requests + corp.files.tally.total.requests).toBe(0)
  })

  it('asks the second one for nothing while the first is in trouble, or says no', async () => {
    const { corp, world, ask } = await nodeWithTwo()
    const crate = world.publish('MyCrate', '1.0.0')
    for (const [theirs, ours] of [
      [500, 503],
      [403, 403],
    ] as const) {
      corp.fail(/mycrate/, instead(answer(theirs)))
      expect([(await ask(INDEX)).status, (await ask(pathOf(crate))).status]).toEqual([ours, ours])
      corp.heal()
    }
    expect(world.tally.total.requests).toBe(0)
  })
})

describe('a private registry', () => {
  const TOKEN = 'very-secret-token'

  async function privateRegistry() {
    const registry = await startRegistry()
    registry.authorization = `Bearer ${TOKEN}`
    registry.more = { 'auth-required': true }
    const crate = registry.publish('MyCrate', '1.0.0')
    const credentials = [{ origin: registry.origin, token: new Secret(TOKEN) }]
    return { registry, crate, config: { credentials } }
  }

  it('is shown the token of the node, which no other host sees, and clients need none', async () => {
    const { registry, crate, config } = await privateRegistry()
    const { ask } = await startCargoNode({ data: temp.create('node'), registry, config })
    const found = await ask('config.json')
    expect(found.status).toBe(200)
    expect('auth-required' in configOf(found)).toBe(false)
    expect((await ask(INDEX)).body.equals(registry.indexFile('MyCrate'))).toBe(true)
    // The archive lies behind a signed URL, for which a second proof would be one too many.
    expect((await ask(pathOf(crate))).body.equals(crate.archive)).toBe(true)
    expect(registry.files.tally.log.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  it('is no clients’ to be asked with their own token', async () => {
    const { registry } = await privateRegistry()
    const { ask } = await startCargoNode({ data: temp.create('node'), registry })
    const reply = await ask('config.json', { headers: { authorization: `Bearer ${TOKEN}` } })
    expect([reply.status, reply.body.toString()]).toEqual([403, expect.stringMatching(/credentials/)])
    expect(registry.tally.log.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  it('gives nothing to members that have no token', async () => {
    const { registry, crate, config } = await privateRegistry()
    const init = { upstream: registry.origin, mirrors: [mirrorOf(registry.index)] }
    const mesh = await TestMesh.create(temp, { ...init, config })
    const seed = asked(mesh.seed)
    for (const path of ['config.json', INDEX, pathOf(crate)]) expect((await seed.ask(path)).status).toBe(200)
    await storeAtRest(mesh.seed)
    const member = asked(await mesh.join(init))
    for (const path of ['config.json', INDEX, pathOf(crate)]) expect((await member.ask(path)).status).toBe(403)
    expect((await member.status()).mesh.bytesIn).toBe(0)
  })
})

describe('a new version that needs a new version of something else', () => {
  it('is found whole within the lifetime of an index file', async () => {
    const clock = new ShiftedClock()
    const registry = await startRegistry(clock)
    registry.publish('below', '1.0.0')
    registry.publish('above', '1.0.0', { dependencies: [{ name: 'below', req: '^1' }] })
    const { ask } = await startCargoNode({ data: temp.create('node'), registry, clock })
    const text = async (path: string) => (await ask(path)).body.toString()
    expect(await text('be/lo/below')).not.toContain('2.0.0')
    registry.publish('below', '2.0.0')
    registry.publish('above', '2.0.0', { dependencies: [{ name: 'below', req: '^2' }] })
    // The window: what was not here yet is newer than what was.
    expect(await text('ab/ov/above')).toContain('2.0.0')
    expect(await text('be/lo/below')).not.toContain('2.0.0')
    clock.pass(2 * MINUTE + 1)
    expect(await text('be/lo/below')).toContain('2.0.0')
  })
})

describe('archives from a member', () => {
  it('are had while the registry cannot be, by what is held of its index alone', async () => {
    const registry = await startRegistry()
    const crate = registry.publish('MyCrate', '1.0.0', { archive: LARGE })
    const init = { upstream: registry.origin, mirrors: [mirrorOf(registry.index)] }
    const mesh = await TestMesh.create(temp, init)
    expect((await asked(mesh.seed).ask(pathOf(crate))).status).toBe(200)
    await storeAtRest(mesh.seed)
    const member = asked(await mesh.join(init))
    for (const path of ['config.json', 'my/cr/mycrate']) expect((await member.ask(path)).status).toBe(200)
    await registry.gone()
    const reply = await member.ask(pathOf(crate))
    expect([reply.status, reply.headers['x-warren-source']]).toEqual([200, 'seed'])
    expect(createHash('sha256').update(reply.body).digest('hex')).toBe(crate.sha256)
    // What nobody can be asked of is trouble, not absent.
    const other = await member.ask(pathOf({ ...crate, name: 'Other', sha256: '0'.repeat(64) }))
    expect(other.status).toBe(503)
  })
})
