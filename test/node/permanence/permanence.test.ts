import { writeFileSync } from 'node:fs'
import { type Logger, pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import { heldQuestion } from '../../../node/permanence/held-messages.ts'
import { type JoinedMesh, Permanence, type PermanenceInit } from '../../../node/permanence/permanence.ts'
import { bytesOf, digestOf, keep, load } from '../../conformance/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { eventually } from '../../harness/wait.ts'
import { fileOf, useDiskStores } from '../store/fixture.ts'

useLeakCheck()
const open = useDiskStores()

const GIB = 2 ** 30
const KIB = 1 << 10
const MINUTE = 60_000

async function keeping(init: Pick<PermanenceInit, 'quota'>) {
  const { store, folder } = await open()
  const clock = new VirtualClock()
  const told: string[] = []
  const log = pino({}, { write: (line: string) => void told.push(levelAndText(line)) }) as Logger
  const self = new MemoryNetwork().join({ id: 'self' })
  const permanence = new Permanence({ store, mesh: self, clock, log }, { ...init, replicas: 2 })
  permanence.start()
  onTestFinished(() => permanence.stop())
  return { store, folder, clock, told, self, permanence }
}

function levelAndText(line: string): string {
  const { level, msg } = JSON.parse(line) as { level: number; msg: string }
  return `${pino.levels.labels[level]}: ${msg}`
}

/** A mesh with one other seed, which holds everything, or is not there. */
function mesh(isSeed: boolean, isThere = true): JoinedMesh {
  return {
    isSeed,
    others: [{ id: 'seed', since: isThere ? 1 : undefined }],
    ask: async (_peer, { body }) => {
      const { sha256 } = heldQuestion.parse(JSON.parse(String(body)))
      return { status: 200, body: Buffer.from(JSON.stringify({ v: 1, held: sha256.map((_, at) => at) })) }
    },
  }
}

describe('what keeps a store within its bounds', () => {
  it('takes the quota from what the node is, which may change', async () => {
    const { permanence, told } = await keeping({ quota: 'auto' })
    expect(permanence.status()).toEqual({
      quota: null,
      shortage: null,
      turnedAway: { blobs: 0, bytes: 0 },
      evicted: { blobs: 0, bytes: 0, obstacle: null },
      scrub: { progress: null, lastEnded: null, blobs: 0, bad: 0, healed: 0, lost: 0, waiting: 0 },
    })
    permanence.joined(mesh(false))
    expect(permanence.status().quota).toBe(20 * GIB)
    permanence.joined(mesh(true))
    expect(permanence.status().quota).toBeNull()
    permanence.joined(mesh(false))
    await permanence.left()
    expect(permanence.status().quota).toBeNull()
    expect(told).toEqual([])
  })

  it.each([
    ['none', null],
    [5 * GIB, 5 * GIB],
  ] as const)('takes the quota that is set, %s, whatever it is', async (quota, expected) => {
    const { permanence } = await keeping({ quota })
    expect(permanence.status().quota).toBe(expected)
    for (const isSeed of [true, false]) {
      permanence.joined(mesh(isSeed))
      expect(permanence.status().quota).toBe(expected)
    }
  })

  it('notices by itself that a member became a seed', async () => {
    const { permanence, clock } = await keeping({ quota: 'auto' })
    const joined = { ...mesh(false) }
    permanence.joined(joined)
    expect(permanence.status().quota).toBe(20 * GIB)
    joined.isSeed = true
    await clock.advance(10_000)
    expect(permanence.status().quota).toBeNull()
  })

  it('evicts nothing any more from the moment on at which a member became a seed', async () => {
    const { store, permanence, clock } = await keeping({ quota: 100 * KIB })
    const joined = { ...mesh(false) }
    permanence.joined(joined)
    for (let seed = 1; seed <= 9; seed++) expect(await keep(store, bytesOf(10 * KIB, seed), `name ${seed}`)).toBe(true)
    joined.isSeed = true
    await keep(store, bytesOf(8 * KIB, 10), 'one more')
    await eventually('it has asked nobody, sooner than it looks what it is', async () => {
      await clock.advance(1)
      return permanence.status().evicted.obstacle === 'no seed'
    })
    expect(permanence.status().evicted.blobs).toBe(0)
  })

  it('evicts at a member, and nowhere else', async () => {
    const { store, permanence, clock, told } = await keeping({ quota: 100 * KIB })
    const put = (seed: number) => keep(store, bytesOf(10 * KIB, seed), `name ${seed}`)
    for (let seed = 1; seed <= 10; seed++) expect(await put(seed)).toBe(true)
    // A lone node, and a seed.
    expect(await put(11)).toBe(false)
    await clock.advance(MINUTE)
    permanence.joined(mesh(true))
    expect(await put(11)).toBe(false)
    await clock.advance(20 * MINUTE)
    expect(permanence.status()).toMatchObject({ shortage: 'quota', evicted: { blobs: 0 } })
    expect(told).toEqual(['warn: nothing more is stored: store.quota is reached'])
    permanence.joined(mesh(false))
    await eventually('room is made', async () => {
      await clock.advance(1_000)
      return permanence.status().evicted.blobs > 0
    })
    expect(await put(11)).toBe(true)
    await eventually('there is room again', async () => {
      await clock.advance(5_000)
      return permanence.status().shortage === null && told.length > 1
    })
    expect(told.slice(1)).toEqual(['info: the store takes blobs again'])
  })

  it('tells of what is too large for the rest of a store that is not full, now and then', async () => {
    const { store, permanence, clock, told } = await keeping({ quota: 100 * KIB })
    for (let seed = 1; seed <= 4; seed++) expect(await keep(store, bytesOf(10 * KIB, seed), `name ${seed}`)).toBe(true)
    const large = (seed: number) => keep(store, bytesOf(70 * KIB, seed), `large ${seed}`)
    expect(await large(5)).toBe(false)
    expect(permanence.status()).toMatchObject({ shortage: null, turnedAway: { blobs: 1, bytes: 70 * KIB } })
    await clock.advance(MINUTE)
    for (const seed of [6, 7]) expect(await large(seed)).toBe(false)
    await clock.advance(5 * MINUTE)
    const text = 'not stored: there is no room of that size within store.minFree and store.quota'
    expect(told).toEqual([`warn: a blob was ${text}`])
    await clock.advance(10 * MINUTE)
    expect(told.slice(1)).toEqual([`warn: 2 blobs were ${text}`])
    expect(await keep(store, bytesOf(10 * KIB, 8), 'small')).toBe(true)
  })

  it('tells members of what it has no more, whether that was evicted, went bad or was followed by something newer', async () => {
    const { store, folder, permanence, clock, self } = await keeping({ quota: 100 * KIB })
    const blobs = Array.from({ length: 9 }, (_, at) => bytesOf(10 * KIB, at + 1))
    for (const [at, bytes] of blobs.entries()) {
      expect(await keep(store, bytes, `name ${at}`)).toBe(true)
      self.announce([{ algorithm: 'sha512', hex: digestOf(bytes, 'sha512') }])
    }
    permanence.joined(mesh(false))
    const held = async () => {
      const all = await Promise.all(blobs.map((bytes) => load(store, digestOf(bytes))))
      return all.flatMap((bytes) => (bytes ? [`sha512:${digestOf(bytes, 'sha512')}`] : []))
    }
    await keep(store, bytesOf(8 * KIB, 20), 'one more')
    await eventually('room is made', async () => {
      await clock.advance(1_000)
      return self.announced.length < 9
    })
    expect(self.announced).toEqual(await held())
    const [, bad] = self.announced
    const bytes = blobs.find((one) => `sha512:${digestOf(one, 'sha512')}` === bad) ?? expect.fail('nothing is left')
    writeFileSync(fileOf(folder, digestOf(bytes)), 'something else')
    await store.custody.check(digestOf(bytes), GIB, new AbortController().signal)
    expect(await load(store, digestOf(bytes))).toBeUndefined()
    expect(self.announced).not.toContain(bad)
    expect(self.announced).toEqual(await held())
    const [former] = self.announced
    const name = blobs.findIndex((one) => `sha512:${digestOf(one, 'sha512')}` === former)
    expect(await keep(store, bytesOf(KIB, 30), `name ${name}`)).toBe(true)
    expect(self.announced).not.toContain(former)
    expect(self.announced).toEqual(await held())
  })

  it('says aloud at a seed, and once, that nothing more is stored', async () => {
    const { store, permanence, clock, told } = await keeping({ quota: 50 * KIB })
    permanence.joined(mesh(true))
    for (let seed = 1; seed <= 5; seed++) await keep(store, bytesOf(10 * KIB, seed), `name ${seed}`)
    await clock.advance(60 * MINUTE)
    expect(told).toEqual([
      'error: nothing more is stored: store.quota is reached; this is a seed, so that what comes now may be kept nowhere',
    ])
  })

  it('says at a member that no seed answers', async () => {
    const { store, permanence, clock, told } = await keeping({ quota: 50 * KIB })
    permanence.joined(mesh(false, false))
    for (let seed = 1; seed <= 4; seed++) await keep(store, bytesOf(12 * KIB, seed), `name ${seed}`)
    await eventually('that is known', async () => {
      await clock.advance(5_000)
      return permanence.status().evicted.obstacle === 'no seed'
    })
    await keep(store, bytesOf(2 * KIB, 5), 'name 5')
    await clock.advance(30 * MINUTE)
    expect(told).toEqual([
      'warn: nothing more is stored: store.quota is reached, and no seed answers that could say what may be evicted',
    ])
    expect(permanence.status()).toMatchObject({ shortage: 'quota', evicted: { blobs: 0, obstacle: 'no seed' } })
  })
})
