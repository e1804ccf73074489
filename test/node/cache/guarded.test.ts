import { describe, expect, it } from 'vitest'
import { codeOf, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { blobPlan, Hub, imagePlan, parseImage, sha256 } from './images.ts'
import { member } from './mesh.ts'
import { LAYER, ONE, setUp } from './one-image.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

describe('a blob that is known by its digest alone', () => {
  it('comes from upstream without a question where nobody else could have it', async () => {
    const { hub, kit } = setUp()
    expect((await kit.fetch(blobPlan('a', sha256(LAYER)))).equals(LAYER)).toBe(true)
    expect(hub.asked).toEqual(['GET blob'])
  })

  it('comes from a member once upstream says that the repository has it', async () => {
    const { hub, kit } = setUp()
    member(kit, 'p', LAYER)
    kit.network.members.forEach((one) => void one.hold({ algorithm: 'sha256', hex: sha256(LAYER).slice(7) }, LAYER))
    const found = await kit.get(blobPlan('a', sha256(LAYER)))
    expect(found.source).toBe('peer')
    expect((await read(found)).equals(LAYER)).toBe(true)
    expect(hub.asked).toEqual(['HEAD blob'])
  })

  it('is not looked for at members when upstream says no, or says nothing', async () => {
    const { hub, kit } = setUp()
    const peer = member(kit, 'p', LAYER)
    peer.hold({ algorithm: 'sha256', hex: sha256(LAYER).slice(7) }, LAYER)
    expect(await codeOf(kit.get(blobPlan('b', sha256(LAYER))))).toBe('UPSTREAM_ABSENT')
    hub.instead = UNREACHABLE
    expect(await codeOf(kit.get(blobPlan('c', sha256(LAYER))))).toBe('UPSTREAM_UNREACHABLE')
    expect(peer.asked).toBe(0)
  })

  it('comes from a member though upstream is away, when it was here before and its bytes were evicted', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    const hex = sha256(LAYER).slice(7)
    expect(await kit.store.blobs.delete(hex)).toBe(LAYER.length)
    hub.instead = UNREACHABLE
    const peer = member(kit, 'p', LAYER)
    peer.hold({ algorithm: 'sha256', hex }, LAYER)
    const found = await kit.get(blobPlan('a', sha256(LAYER)))
    expect([found.source, (await read(found)).equals(LAYER)]).toEqual(['peer', true])
    expect(await codeOf(kit.get(blobPlan('b', sha256(LAYER))))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('is not read out of another repository than the one that it came from', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    expect(await codeOf(kit.get(blobPlan('b', sha256(LAYER))))).toBe('UPSTREAM_ABSENT')
    expect(hub.asked).toEqual(['GET blob', 'HEAD blob'])
  })

  it('is not sent again for another repository that has it', async () => {
    const { hub, kit } = setUp()
    hub.publish('b', 'latest', ONE, [LAYER])
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    const found = await kit.get(blobPlan('b', sha256(LAYER)))
    expect([found.source, (await read(found)).equals(LAYER)]).toEqual(['local', true])
    expect(hub.asked).toEqual(['GET blob', 'HEAD blob'])
    // From now on nothing has to be asked.
    hub.instead = UNREACHABLE
    expect((await kit.fetch(blobPlan('b', sha256(LAYER)))).equals(LAYER)).toBe(true)
  })

  it('comes from upstream alone where that refuses every HEAD', async () => {
    const { hub, kit } = setUp()
    const peer = member(kit, 'p', LAYER)
    peer.hold({ algorithm: 'sha256', hex: sha256(LAYER).slice(7) }, LAYER)
    hub.insteadOfHead = { status: 405 }
    const found = await kit.get(blobPlan('a', sha256(LAYER)))
    expect([found.source, (await read(found)).equals(LAYER)]).toEqual(['upstream', true])
    expect(peer.asked).toBe(0)
  })
})

describe('a document that names blobs', () => {
  it('lets members be asked for them while upstream is away', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(imagePlan('a', sha256(ONE)))
    await turns()
    hub.instead = UNREACHABLE
    const peer = member(kit, 'p', LAYER)
    peer.hold({ algorithm: 'sha256', hex: sha256(LAYER).slice(7) }, LAYER)
    const found = await kit.get(blobPlan('a', sha256(LAYER)))
    expect([found.source, (await read(found)).equals(LAYER)]).toEqual(['peer', true])
    expect(await codeOf(kit.get(blobPlan('b', sha256(LAYER))))).toBe('UPSTREAM_UNREACHABLE')
  })

  it('tells their length without anybody being asked', async () => {
    const { hub, kit } = setUp()
    await kit.fetch(imagePlan('a', sha256(ONE)))
    await turns()
    const found = await kit.get(blobPlan('a', sha256(LAYER)), { head: true })
    expect([found.body.size, found.headers['content-digest']]).toEqual([LAYER.length, sha256(LAYER)])
    expect(hub.asked).toEqual(['GET image'])
  })

  it('says itself what it is when it comes from a member, over what upstream says', async () => {
    const { kit } = setUp()
    const found = await kit.get(imagePlan('a', sha256(ONE)))
    expect([found.headers['content-type'], (await read(found)).equals(ONE)]).toEqual(['image/one', true])
    const other = setUp()
    const peer = member(other.kit, 'p', ONE)
    peer.hold({ algorithm: 'sha256', hex: sha256(ONE).slice(7) }, ONE)
    const theirs = await other.kit.get(imagePlan('a', sha256(ONE)))
    expect([theirs.source, theirs.headers['content-type']]).toEqual(['peer', 'image/one'])
    theirs.body.close()
  })

  it('is read in the thread for large documents when it is one', async () => {
    const hub = new Hub()
    const kit = makeCache({ script: hub.script })
    const large = Buffer.from(JSON.stringify({ ...parseImage(ONE).facts, filler: 'x'.repeat(200_000) }))
    hub.publish('a', 'large', large, [LAYER])
    const found = await kit.get(imagePlan('a', sha256(large)))
    expect([found.headers['content-type'], (await read(found)).equals(large)]).toEqual(['image/one', true])
    await turns()
    expect((await kit.get(blobPlan('a', sha256(LAYER)), { head: true })).body.size).toBe(LAYER.length)
  })

  it('is refused when it is larger than its kind may be, wrong, or no document', async () => {
    const hub = new Hub()
    const { fetch, memory } = makeCache({ script: hub.script })
    const large = Buffer.from(JSON.stringify({ blobs: [], filler: 'x'.repeat(300_000) }))
    const none = Buffer.from('<html>log in</html>')
    hub.publish('a', 'large', large)
    hub.publish('a', 'none', none)
    expect(await codeOf(fetch(imagePlan('a', sha256(large))))).toBe('UPSTREAM_CORRUPT')
    expect(await codeOf(fetch(imagePlan('a', sha256(none))))).toBe('UPSTREAM_CORRUPT')
    hub.instead = { body: ONE }
    expect(await codeOf(fetch(imagePlan('a', sha256(none))))).toBe('UPSTREAM_CORRUPT')
    expect((await memory.status()).records).toBe(0)
  })

  it('is taken over by another repository together with what it names', async () => {
    const { hub, kit } = setUp()
    hub.publish('b', 'latest', ONE, [LAYER])
    await kit.fetch(imagePlan('a', sha256(ONE)))
    await kit.fetch(blobPlan('a', sha256(LAYER)))
    await turns()
    const found = await kit.get(imagePlan('b', sha256(ONE)))
    expect([found.source, found.headers['content-type']]).toEqual(['local', 'image/one'])
    found.body.close()
    hub.instead = UNREACHABLE
    expect((await kit.fetch(blobPlan('b', sha256(LAYER)))).equals(LAYER)).toBe(true)
    expect(hub.asked.filter((line) => line.startsWith('GET'))).toEqual(['GET image', 'GET blob'])
  })
})

it('everything that upstream is asked for says whether it was a client that named it', async () => {
  const { kit } = setUp()
  const plan = { ...imagePlan('a', sha256(ONE)), publicOnly: true }
  await kit.get({ ...plan, key: 'other' }, { head: true })
  await kit.fetch(plan)
  await kit.fetch({ ...plan, key: 'list', kind: 'mutable' })
  expect(kit.upstream.requests.map(({ method, publicOnly, scope }) => [method, publicOnly, scope])).toEqual([
    ['HEAD', true, 'repository:a:pull'],
    ['GET', true, 'repository:a:pull'],
    ['GET', true, 'repository:a:pull'],
  ])
})

describe('what came with credentials', () => {
  it('is neither announced nor asked for at members, and does not leave its upstream', async () => {
    const { hub, kit } = setUp()
    const peer = member(kit, 'p', LAYER)
    peer.hold({ algorithm: 'sha256', hex: sha256(LAYER).slice(7) }, LAYER)
    kit.upstream.privateBases.add(blobPlan('a', sha256(LAYER)).base)
    const plan = blobPlan('a', sha256(LAYER))
    expect((await kit.fetch(plan)).equals(LAYER)).toBe(true)
    await turns()
    expect([peer.asked, kit.mesh.announced]).toEqual([0, []])
    expect(kit.store.blobs.isPrivate(sha256(LAYER).slice(7))).toBe(true)
    const other = blobPlan('a', sha256(LAYER), 'https://other.example.test/')
    const before = hub.asked.length
    expect((await kit.fetch(other)).equals(LAYER)).toBe(true)
    expect(hub.asked.slice(before)).toEqual(['HEAD blob'])
    await turns()
    // From a public place it came as well, so that it is no secret.
    expect(kit.store.blobs.isPrivate(sha256(LAYER).slice(7))).toBe(false)
  })
})
