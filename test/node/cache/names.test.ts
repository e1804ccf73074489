import { describe, expect, it } from 'vitest'
import { wantedOf } from '../../../node/cache/found.ts'
import { bytesOf, codeOf, MINUTE, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { blobPlan, HUB, Hub, imageBytes, imagePlan, sha256, tagPlan } from './images.ts'
import { member } from './mesh.ts'
import { LAYER, ONE, setUp, TAG, TWO } from './one-image.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

/** What a budget looks like of which little is left. */
const LOW = { limit: 100, remaining: 2, window: 21_600, at: 0, isLow: true }

describe('a name that points to a document', () => {
  it('costs one HEAD, and one GET of a document that is not held', async () => {
    const { hub, kit } = setUp()
    const found = await kit.get(TAG)
    expect([found.headers['content-type'], found.headers['cache-control']]).toEqual(['image/one', 'no-cache'])
    expect((await read(found)).equals(ONE)).toBe(true)
    expect(hub.asked).toEqual(['HEAD tag', 'GET image'])
    await kit.fetch(TAG)
    await kit.fetch(imagePlan('a', sha256(ONE)))
    expect(hub.asked.length).toBe(2)
  })

  it('costs nothing but HEADs for as long as it points to the same', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(TAG)
    for (let i = 0; i < 3; i++) {
      await kit.clock.advance(3 * MINUTE)
      expect((await kit.fetch(TAG)).equals(ONE)).toBe(true)
      await turns()
    }
    expect(hub.count('GET', 'image')).toBe(1)
    expect(hub.count('HEAD', 'tag')).toBe(4)
    expect(hub.count('GET', 'tag')).toBe(0)
  })

  it('costs no GET when it moves to a document that is held already', async () => {
    const { hub, kit } = setUp()
    hub.publish('a', 'next', TWO, [LAYER])
    await kit.fetch(TAG)
    await kit.fetch(tagPlan('a', 'next'))
    hub.publish('a', 'latest', TWO, [LAYER])
    await kit.clock.advance(3 * MINUTE)
    const found = await kit.get(TAG, { revalidate: true })
    expect([found.headers['content-type'], (await read(found)).equals(TWO)]).toEqual(['image/two', true])
    expect(hub.count('GET', 'image')).toBe(2)
  })

  it('is told to a client that asks by HEAD without a GET, cold or moved', async () => {
    const { hub, kit } = setUp()
    const cold = await kit.get(TAG, { head: true })
    expect([cold.body.size, cold.digest, cold.headers['cache-control']]).toEqual([ONE.length, sha256(ONE), 'no-cache'])
    await kit.fetch(TAG)
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    hub.publish('a', 'latest', TWO, [LAYER])
    await kit.clock.advance(3 * MINUTE)
    const moved = await kit.get(TAG, { head: true, revalidate: true })
    expect([moved.body.size, moved.digest]).toEqual([TWO.length, sha256(TWO)])
    expect([hub.count('GET', 'image'), hub.count('GET', 'tag')]).toEqual([1, 0])
    // What it pointed to is still there for who asks while upstream is away.
    hub.instead = UNREACHABLE
    await kit.clock.advance(3 * MINUTE)
    const stale = await kit.get(TAG)
    expect([stale.source, (await read(stale)).equals(ONE)]).toEqual(['stale', true])
  })

  it('is asked once for a client that asks by HEAD and then wants the document', async () => {
    const { hub, kit } = setUp()
    await kit.get(TAG, { head: true })
    await kit.fetch(imagePlan('a', sha256(ONE)))
    await kit.fetch(TAG)
    expect(hub.asked).toEqual(['HEAD tag', 'GET image'])
  })

  it('is asked once for fifty clients at a time', async () => {
    const { hub, kit } = setUp()
    const all = await Promise.all(Array.from({ length: 50 }, () => kit.fetch(TAG)))
    expect(all.every((bytes) => bytes.equals(ONE))).toBe(true)
    expect(hub.asked).toEqual(['HEAD tag', 'GET image'])
  })

  it('is told to be from where its bytes are from', async () => {
    const { kit } = setUp()
    const sources: string[] = []
    for (let i = 0; i < 3; i++) {
      const found = await kit.get(TAG, { revalidate: true })
      sources.push(found.source)
      found.body.close()
      await turns()
      await kit.clock.advance(3 * MINUTE)
    }
    expect(sources).toEqual(['upstream', 'local', 'local'])
  })

  it('lets a member send the document', async () => {
    const { hub, kit } = setUp()
    const peer = member(kit, 'p', ONE)
    peer.hold({ algorithm: 'sha256', hex: sha256(ONE).slice(7) }, ONE)
    expect((await kit.fetch(TAG)).equals(ONE)).toBe(true)
    expect([hub.asked, peer.asked]).toEqual([['HEAD tag'], 1])
  })

  it('is fetched whole where HEAD is refused or tells no digest', async () => {
    for (const change of [{ insteadOfHead: { status: 405 } }, { tellsDigest: false }]) {
      const { hub, kit } = setUp()
      Object.assign(hub, change)
      const found = await kit.get(TAG)
      expect([found.headers['content-type'], found.digest]).toEqual(['image/one', sha256(ONE)])
      expect((await read(found)).equals(ONE)).toBe(true)
      // Under its digest it is held as well, and what it names may be asked for.
      await kit.fetch(imagePlan('a', sha256(ONE)))
      expect((await kit.get(blobPlan('a', sha256(LAYER)), { head: true })).body.size).toBe(LAYER.length)
      expect(hub.asked).toEqual(['HEAD tag', 'GET tag'])
    }
  })

  it('is refused when its bytes are not those that its digest names', async () => {
    const { hub, kit } = setUp()
    hub.insteadOfHead = { status: 405 }
    hub.headers = { 'content-digest': sha256(TWO) }
    hub.tellsDigest = false
    expect(await codeOf(kit.get(TAG))).toBe('UPSTREAM_CORRUPT')
    expect((await kit.memory.status()).records).toBe(0)
  })

  it('is refused when what it points to is larger than its kind may be', async () => {
    const { hub, kit } = setUp()
    hub.insteadOfHead = { status: 405 }
    const large = Buffer.from(JSON.stringify({ blobs: [], filler: 'x'.repeat(300_000) }))
    hub.publish('a', 'large', large)
    expect(await codeOf(kit.get(tagPlan('a', 'large')))).toBe('UPSTREAM_CORRUPT')
    expect((await kit.memory.status()).records).toBe(0)
  })

  it('is absent only when upstream says so', async () => {
    const { hub, kit } = setUp()
    expect(await codeOf(kit.get(tagPlan('a', 'none')))).toBe('UPSTREAM_ABSENT')
    hub.instead = UNREACHABLE
    expect(await codeOf(kit.get(tagPlan('a', 'other')))).toBe('UPSTREAM_UNREACHABLE')
    await kit.clock.advance(MINUTE)
    expect(await codeOf(kit.get(tagPlan('a', 'none')))).toBe('UPSTREAM_UNREACHABLE')
  })
})

describe('near the limit of pulls', () => {
  it('what is held is served before a pull is spent on what is new', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(TAG)
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    hub.publish('a', 'latest', TWO, [LAYER])
    kit.upstream.budgets.set(HUB, LOW)
    await kit.clock.advance(3 * MINUTE)
    const found = await kit.get(TAG)
    expect([found.source, (await read(found)).equals(ONE)]).toEqual(['stale', true])
    // Who asks by HEAD asks for the digest that it is told next.
    const told = await kit.get(TAG, { head: true, revalidate: true })
    expect([told.source, told.digest]).toEqual(['stale', sha256(ONE)])
    told.body.close()
    expect(hub.count('GET', 'image')).toBe(1)
    // What nobody here has any copy of is worth a pull.
    hub.publish('b', 'latest', TWO, [LAYER])
    expect((await kit.fetch(tagPlan('b', 'latest'))).equals(TWO)).toBe(true)
    kit.upstream.budgets.clear()
    await kit.clock.advance(3 * MINUTE)
    expect((await kit.fetch(TAG)).equals(TWO)).toBe(true)
  })

  it('a member that has it sends what is new', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(TAG)
    hub.publish('a', 'latest', TWO, [LAYER])
    kit.upstream.budgets.set(HUB, LOW)
    const peer = member(kit, 'p', TWO)
    peer.hold({ algorithm: 'sha256', hex: sha256(TWO).slice(7) }, TWO)
    await kit.clock.advance(3 * MINUTE)
    expect((await kit.fetch(TAG)).equals(TWO)).toBe(true)
    expect(hub.count('GET', 'image')).toBe(1)
  })
})

describe('a document that is held', () => {
  it('is not answered while what it names can be had from nobody', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(TAG)
    await turns()
    hub.instead = UNREACHABLE
    await kit.clock.advance(3 * MINUTE)
    expect(await codeOf(kit.get(TAG))).toBe('UPSTREAM_UNREACHABLE')
    expect(await codeOf(kit.get(imagePlan('a', sha256(ONE))))).toBe('UPSTREAM_UNREACHABLE')
    const peer = member(kit, 'p', LAYER)
    peer.hold({ algorithm: 'sha256', hex: sha256(LAYER).slice(7) }, LAYER)
    expect((await kit.fetch(TAG)).equals(ONE)).toBe(true)
    expect((await kit.fetch(blobPlan('a', sha256(LAYER)))).equals(LAYER)).toBe(true)
  })

  it('is answered from here alone once all that it names is here', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(TAG)
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    hub.instead = UNREACHABLE
    await kit.clock.advance(3 * MINUTE)
    const before = hub.asked.length
    expect((await kit.fetch(imagePlan('a', sha256(ONE)))).equals(ONE)).toBe(true)
    expect(hub.asked.length).toBe(before)
    const found = await kit.get(TAG)
    expect([found.source, (await read(found)).equals(ONE)]).toEqual(['stale', true])
  })

  it('is at hand at once while it is known that nothing is missing', async () => {
    const { kit } = setUp()
    const plan = imagePlan('a', sha256(ONE))
    await kit.fetch(plan)
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    expect(kit.cache.atHand(wantedOf(plan))).toBeUndefined()
    await kit.fetch(plan)
    expect(kit.cache.atHand(wantedOf(plan))).toMatchObject({ digest: sha256(ONE) })
    await kit.clock.advance(MINUTE)
    expect(kit.cache.atHand(wantedOf(plan))).toBeUndefined()
  })

  it('is answered when upstream has what is missing', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(imagePlan('a', sha256(ONE)))
    await turns()
    await kit.clock.advance(MINUTE)
    hub.asked.length = 0
    for (let i = 0; i < 5; i++) await kit.fetch(imagePlan('a', sha256(ONE)))
    // One look is enough for a while.
    expect(hub.asked).toEqual(['HEAD blob'])
  })

  it('that names others is of use with one of them', async () => {
    const hub = new Hub()
    const other = imageBytes({ type: 'image/other' }, [bytesOf(500, 2)])
    const index = imageBytes({ type: 'image/index', needs: 'one' }, [], [other, ONE])
    hub.publish('a', 'latest', index, [LAYER], [ONE, other])
    const kit = makeCache({ script: hub.script })
    await kit.fetch(TAG)
    await kit.fetch(imagePlan('a', sha256(ONE)))
    await turns()
    hub.instead = UNREACHABLE
    await kit.clock.advance(3 * MINUTE)
    expect(await codeOf(kit.get(TAG))).toBe('UPSTREAM_UNREACHABLE')
    hub.instead = undefined
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    hub.instead = UNREACHABLE
    await kit.clock.advance(3 * MINUTE)
    expect((await kit.fetch(TAG)).equals(index)).toBe(true)
  })
})
