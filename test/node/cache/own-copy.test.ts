import { describe, expect, it } from 'vitest'
import { type Body, bufferBody } from '../../../node/body.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { bytesOf, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { BASE, digestOf, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(700_000)
const VERIFIED = [`sha512:${digestOf(BYTES).hex}`]

/** A cache whose upstream has the same bytes under two names, and that has fetched the first. */
async function twice(store = new MemoryStore()) {
  const kit = makeCache({
    store,
    script: (request) => {
      if (request.url.endsWith('/index')) return { body: indexBytes({ a: { bytes: BYTES }, b: { bytes: BYTES } }) }
      return serve(request, BYTES)
    },
  })
  expect((await kit.fetch(indexed('a'))).equals(BYTES)).toBe(true)
  await turns()
  const get = async () => {
    const found = await kit.get(indexed('b'))
    const right = (await read(found)).equals(BYTES)
    await turns()
    return [found.source, right, kit.upstream.count(`${BASE}b`), store.records.get(indexed('b').key)?.verified]
  }
  return { kit, get }
}

describe('bytes that are here under another name', () => {
  it.each([false, true])('are not fetched again once a document says that they are the same: in a mesh %s', async (inMesh) => {
    const { kit, get } = await twice()
    if (inMesh) member(kit, 'p', BYTES)
    expect(await get()).toEqual(['local', true, 0, VERIFIED])
    expect(await get()).toEqual(['local', true, 0, VERIFIED])
    expect(kit.events.lines).toEqual([])
  })

  it('cost whoever has them fetched nothing', async () => {
    const { kit } = await twice()
    let brought = 0
    const plan = {
      ...indexed('b'),
      brought: (bytes: number) => {
        brought += bytes
      },
    }
    expect([(await kit.fetch(plan)).equals(BYTES), brought]).toEqual([true, 0])
  })

  it('are fetched where whoever asks must not have them', async () => {
    const store = new MemoryStore()
    const { get } = await twice(store)
    store.blobs.isPrivate = () => true
    expect(await get()).toEqual(['upstream', true, 1, VERIFIED])
  })

  it.each([
    ['turn out to be wrong', () => ({ ...bufferBody(Buffer.alloc(BYTES.length)), size: BYTES.length })],
    ['cannot be read', () => ({ ...bufferBody(BYTES), size: BYTES.length, read: () => Promise.reject(new Error('EIO')) })],
    ['end too early', () => ({ ...bufferBody(BYTES.subarray(0, 300_000)), size: BYTES.length })],
    ['have gone', () => undefined],
  ] as [string, () => (Body & { size: number }) | undefined][])('are fetched where they %s', async (_, open) => {
    const store = new MemoryStore()
    const { get } = await twice(store)
    store.blobs.open = (sha256) => {
      const body = open()
      return body && { ...body, sha256 }
    }
    expect((await get()).slice(0, 3)).toEqual(['upstream', true, 1])
  })
})
