import { describe, expect, it } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import type { MemoryScript } from '../../../node/upstream/memory-upstream.ts'
import { bytesOf, codeOf, MINUTE, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { blobPlan, Hub, imageBytes, imagePlan, sha256 } from './images.ts'
import { LAYER, ONE, setUp, TAG, TWO } from './one-image.ts'
import { UNREACHABLE } from './registry.ts'

useCacheTests()

describe('a registry that has not everything that an index names', () => {
  const other = imageBytes({ type: 'image/other' }, [bytesOf(500, 2)])
  const index = imageBytes({ type: 'image/index', needs: 'one' }, [], [other, ONE])

  it('is asked for a second image before the index is withheld', async () => {
    const hub = new Hub()
    hub.publish('a', 'latest', index, [LAYER], [ONE])
    const kit = makeCache({ script: hub.script })
    await kit.fetch(TAG)
    for (let i = 0; i < 3; i++) {
      await turns()
      await kit.clock.advance(MINUTE)
      expect((await kit.fetch(imagePlan('a', sha256(index)))).equals(index)).toBe(true)
    }
    expect(hub.count('HEAD', 'image')).toBe(6)
  })

  it('does not bring an index out whose images are nowhere', async () => {
    const hub = new Hub()
    hub.publish('a', 'latest', index, [LAYER])
    const kit = makeCache({ script: hub.script })
    await kit.fetch(imagePlan('a', sha256(index)))
    await turns()
    await kit.clock.advance(MINUTE)
    expect(await codeOf(kit.fetch(imagePlan('a', sha256(index))))).toBe('UPSTREAM_UNREACHABLE')
  })
})

it.each([401, 403, 405, 501])('a registry that answers HEAD with %i is there all the same', async (status) => {
  const { hub, kit } = setUp()
  await kit.fetch(imagePlan('a', sha256(ONE)))
  await turns()
  await kit.clock.advance(MINUTE)
  hub.insteadOfHead = { status }
  expect((await kit.fetch(imagePlan('a', sha256(ONE)))).equals(ONE)).toBe(true)
})

it('a layer that is called a document is too large for one, and is not read as one', async () => {
  const { hub, kit } = setUp()
  const large = bytesOf(400_000, 3)
  hub.publish('a', 'other', ONE, [LAYER, large])
  await kit.fetch(blobPlan('a', sha256(large)))
  await turns()
  hub.tellsDigest = false
  hub.headers = { 'content-digest': sha256(large) }
  expect(await codeOf(kit.get(TAG))).toBe('UPSTREAM_CORRUPT')
  expect(hub.asked.slice(1)).toEqual(['HEAD tag', 'GET image', 'GET tag'])
})

describe('a tag that points to what is not there (yet)', () => {
  /** HEAD tells of the second image, of which there is nothing else. */
  const ahead: MemoryScript = (request) => {
    const hub = new Hub()
    hub.publish('a', 'latest', ONE, [LAYER])
    const isTag = request.url.endsWith('/latest')
    if (request.method === 'HEAD' && isTag) return { headers: { 'content-digest': sha256(TWO) }, body: '' }
    return hub.script(request, new AbortController().signal)
  }

  it('is what it is when the whole is asked for', async () => {
    const kit = makeCache({ script: ahead })
    const found = await kit.get(TAG)
    expect([found.digest, (await read(found)).equals(ONE)]).toEqual([sha256(ONE), true])
  })
})

it.each([
  [410, 'UPSTREAM_GONE', 'UPSTREAM_UNREACHABLE'],
  [403, 'UPSTREAM_DENIED', 'UPSTREAM_UNREACHABLE'],
  [404, 'UPSTREAM_ABSENT', 'stale'],
])('a %i for one kind of manifest is one for all kinds, if that is what it means', async (status, code, then) => {
  const { hub, kit } = setUp()
  const variant = (name: string): Plan => ({ ...TAG, key: TAG.key.replace(/\n\n$/, `\n${name}\n`) })
  await kit.fetch(blobPlan('a', sha256(LAYER)))
  for (const name of ['one', 'two']) await kit.fetch(variant(name))
  await turns()
  await kit.clock.advance(3 * MINUTE)
  hub.instead = { status }
  expect(await codeOf(kit.get(variant('one'), { revalidate: true }))).toBe(code)
  hub.instead = UNREACHABLE
  await kit.clock.advance(30 * MINUTE)
  const other = kit.get(variant('two'))
  expect(then === 'stale' ? (await other).source : await codeOf(other)).toBe(then)
})

it('documents that name each other in thousands of ways are looked at for a bounded time', async () => {
  const hub = new Hub()
  const kit = makeCache({ script: hub.script })
  const level = (size: number, below: readonly Buffer[], seed: number) =>
    Array.from({ length: size }, (_, i) => imageBytes({ type: `${seed}-${i}`, needs: 'one' }, [], below))
  const lowest = Array.from({ length: 60 }, (_, i) => imageBytes({ type: `lowest-${i}` }, [bytesOf(10, i)]))
  const middle = level(60, lowest, 1)
  const [root = Buffer.alloc(0)] = level(1, middle, 2)
  hub.publish('a', 'latest', root, [], [...lowest, ...middle])
  for (const bytes of [root, ...middle, ...lowest]) await kit.fetch(imagePlan('a', sha256(bytes)))
  await turns()
  await kit.clock.advance(MINUTE)
  let looks = 0
  const { find } = kit.memory.blobs
  const counting = (digest: Parameters<typeof find>[0]) => {
    looks++
    return find(digest)
  }
  Object.assign(kit.memory.blobs, { find: counting })
  hub.instead = UNREACHABLE
  expect(await codeOf(kit.get(imagePlan('a', sha256(root))))).toBe('UPSTREAM_UNREACHABLE')
  expect(looks).toBeLessThan(5_000)
})
