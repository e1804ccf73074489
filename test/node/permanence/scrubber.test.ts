import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Sha256 } from '../../../node/digest.ts'
import { MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import { Healer } from '../../../node/permanence/healer.ts'
import { Scrubber } from '../../../node/permanence/scrubber.ts'
import { ScriptedPurges } from '../../conformance/purged-store.ts'
import { bytesOf, digestOf, feed, load, recordOf } from '../../conformance/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { eventually } from '../../harness/wait.ts'
import { fileOf, useDiskStores } from '../store/fixture.ts'

useLeakCheck()
const open = useDiskStores()

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

async function scrubbing(folder?: string, clock = new VirtualClock(), purged?: ScriptedPurges) {
  const opened = await open(folder === undefined ? {} : { folder }, purged)
  const { store } = opened
  const network = new MemoryNetwork()
  const mesh = network.join({ id: 'self' })
  const healed: Sha256[] = []
  const trouble = (what: string) => void opened.troubles.push(what)
  const scrubber = new Scrubber({ custody: store.custody, clock, bytes: () => store.bytes, isSeed: () => true, trouble })
  const onHealed = ({ sha256 }: { sha256: Sha256 }) => void healed.push(sha256)
  const healer = new Healer({ blobs: store.blobs, custody: store.custody, mesh, clock, onHealed, trouble })
  store.custody.onLost = (blob) => {
    scrubber.found()
    healer.lost(blob)
  }
  const start = () => {
    scrubber.start()
    healer.start()
    onTestFinished(() => healer.stop())
    onTestFinished(() => scrubber.stop())
  }
  /** Runs the clock until the scrub has seen all. */
  const pass = () =>
    eventually('all is seen', async () => {
      await clock.advance(MINUTE)
      return scrubber.status.progress === null && scrubber.status.lastEnded !== null
    })
  return { ...opened, store, clock, network, mesh, healed, scrubber, healer, start, pass }
}

type Scrubbing = Awaited<ReturnType<typeof scrubbing>>

async function put({ store }: Scrubbing, bytes: Buffer, more = {}): Promise<Sha256> {
  const staging = store.blobs.stage({ size: bytes.length, algorithms: ['sha512'] })
  await feed(staging, bytes)
  expect(await staging.commit(new Map([[`key ${digestOf(bytes)}`, recordOf(bytes, more)]]))).toBe(true)
  await staging.close()
  return digestOf(bytes)
}

/** Turns a bit, and hides that: size, time and inode are as before. */
function rot(folder: string, sha256: Sha256, bytes: Buffer): void {
  const path = fileOf(folder, sha256)
  const { atime, mtime } = statSync(path)
  const rotten = Buffer.from(bytes)
  rotten[rotten.length >> 1] = (rotten[rotten.length >> 1] ?? 0) ^ 1
  writeFileSync(path, rotten)
  utimesSync(path, atime, mtime)
}

const BLOBS = [10, 70_000, 300_000, 1_200_000].map((size, at) => bytesOf(size, at + 1))

describe('a scrub', () => {
  it('sees all blobs, and finds nothing where all is right', async () => {
    const one = await scrubbing()
    for (const bytes of BLOBS) await put(one, bytes)
    one.start()
    await one.pass()
    expect(one.scrubber.status).toEqual({ progress: null, lastEnded: expect.any(Number), blobs: 4, bad: 0 })
    expect(one.troubles).toEqual([])
    expect((await one.store.status()).blobs).toBe(4)
  })

  it.each(BLOBS.map((bytes) => [bytes.length, bytes] as const))(
    'finds the rot in a blob of %i bytes, and has it healed by whoever has it',
    async (_size, bytes) => {
      const one = await scrubbing()
      for (const each of BLOBS) await put(one, each, { verified: [`h1:${digestOf(Buffer.from('what is in it'))}`] })
      const liar = one.network.join({ id: 'liar' })
      const other = one.network.join({ id: 'other' })
      for (const member of [liar, other]) member.hold({ algorithm: 'sha256', hex: digestOf(bytes) }, bytes)
      liar.fault = { flipAt: 1 }
      rot(one.folder, digestOf(bytes), bytes)
      one.start()
      await one.pass()
      expect(one.scrubber.status).toMatchObject({ blobs: 4, bad: 1 })
      await eventually('it is healed', async () => {
        await one.clock.advance(10_000)
        return one.healer.status.healed === 1
      })
      expect((await load(one.store, digestOf(bytes)))?.equals(bytes)).toBe(true)
      for (const algorithm of ['sha512', 'sha256'] as const) {
        expect(one.store.blobs.find({ algorithm, hex: digestOf(bytes, algorithm) })).toBe(digestOf(bytes))
      }
      expect(one.store.records.get(`key ${digestOf(bytes)}`)).toMatchObject({ blob: digestOf(bytes) })
      expect([one.mesh.blamed, one.healed]).toEqual([['liar'], [digestOf(bytes)]])
      expect(one.healer.status).toEqual({ healed: 1, lost: 0, waiting: 0 })
      // By what is in it as well: its names say so.
      expect(one.store.blobs.find({ algorithm: 'h1', hex: digestOf(Buffer.from('what is in it')) })).toBeDefined()
    },
  )

  it('is not held up by a member that drips: others are asked for the same blob, and for the next', async () => {
    const one = await scrubbing()
    for (const bytes of BLOBS) await put(one, bytes)
    const [dripping, other] = [one.network.join({ id: 'dripping' }), one.network.join({ id: 'other' })]
    dripping.fault = { stallAfter: 1 }
    for (const bytes of BLOBS) {
      for (const member of [dripping, other]) member.hold({ algorithm: 'sha256', hex: digestOf(bytes) }, bytes)
      rot(one.folder, digestOf(bytes), bytes)
    }
    one.start()
    // In short steps: also what is right takes its time to get to the disk.
    await eventually('all are healed', async () => {
      await one.clock.advance(5_000)
      return one.healer.status.healed === BLOBS.length
    })
    expect(one.mesh.stalled).toContain('dripping')
    expect(one.mesh.blamed).toEqual([])
  })

  it('goes on to be healed after a clock was set back', async () => {
    const one = await scrubbing()
    const [bytes] = BLOBS as [Buffer]
    await put(one, bytes)
    rot(one.folder, digestOf(bytes), bytes)
    one.start()
    await one.pass()
    one.clock.jump(-3_650 * DAY)
    one.network.join({ id: 'other' }).hold({ algorithm: 'sha256', hex: digestOf(bytes) }, bytes)
    await eventually('it is healed', async () => {
      await one.clock.advance(MINUTE)
      return one.healer.status.healed === 1
    })
  })

  it('takes out what is gone, and gives up what nobody has', async () => {
    const one = await scrubbing()
    for (const bytes of BLOBS) await put(one, bytes)
    const [first] = BLOBS as [Buffer]
    rmSync(fileOf(one.folder, digestOf(first)))
    one.start()
    await one.pass()
    expect(one.store.blobs.find({ algorithm: 'sha256', hex: digestOf(first) })).toBeUndefined()
    expect(one.healer.status).toEqual({ healed: 0, lost: 0, waiting: 1 })
    for (let day = 0; day < 3; day++) await one.clock.advance(DAY)
    expect(one.healer.status).toEqual({ healed: 0, lost: 1, waiting: 0 })
  })

  it.each(['before', 'while'])('does not bring back what was purged %s a member is asked', async (when) => {
    const purges = new ScriptedPurges()
    const one = await scrubbing(undefined, new VirtualClock(), purges)
    const other = one.network.join({ id: 'other' })
    const [bytes] = BLOBS as [Buffer]
    await put(one, bytes, { freshFor: 1_000 })
    const digest = { algorithm: 'sha256', hex: digestOf(bytes) } as const
    rmSync(fileOf(one.folder, digest.hex))
    one.start()
    await one.pass()
    const purge = async () => {
      purges.purge(`key ${digest.hex}`)
      if (when === 'before') await one.store.remove([`key ${digest.hex}`])
    }
    if (when === 'before') await purge()
    const names = one.store.custody.names.bind(one.store.custody)
    one.store.custody.names = async (sha256) => {
      await purge()
      return names(sha256)
    }
    other.hold(digest, bytes)
    await eventually('it was tried', async () => {
      await one.clock.advance(DAY)
      return one.healer.status.waiting === 0
    })
    expect(one.healed).toEqual([])
    expect(one.store.blobs.find(digest)).toBeUndefined()
    expect((await one.store.status()).blobs).toBe(0)
  })

  it('asks nobody for what came with credentials', async () => {
    const one = await scrubbing()
    const other = one.network.join({ id: 'other' })
    const [bytes] = BLOBS as [Buffer]
    await put(one, bytes, { private: true })
    other.hold({ algorithm: 'sha256', hex: digestOf(bytes) }, bytes)
    rot(one.folder, digestOf(bytes), bytes)
    one.start()
    await one.pass()
    await one.clock.advance(DAY)
    expect(one.healer.status).toEqual({ healed: 0, lost: 1, waiting: 0 })
    expect(other.asked).toBe(0)
  })

  it('counts as healed what a client had fetched again before', async () => {
    const one = await scrubbing()
    const other = one.network.join({ id: 'other' })
    const [bytes] = BLOBS as [Buffer]
    await put(one, bytes)
    other.hold({ algorithm: 'sha256', hex: digestOf(bytes) }, bytes)
    rot(one.folder, digestOf(bytes), bytes)
    one.start()
    await eventually('it is found', async () => {
      await one.clock.advance(5_000)
      return one.scrubber.status.bad === 1
    })
    await put(one, bytes)
    await one.clock.advance(MINUTE)
    expect(one.healer.status).toEqual({ healed: 1, lost: 0, waiting: 0 })
    expect(other.asked).toBe(0)
  })

  it('goes on after a restart where it was, and rests a week after it is through', async () => {
    const clock = new VirtualClock()
    const first = await scrubbing(undefined, clock)
    const blobs = Array.from({ length: 60 }, (_, at) => bytesOf(1_000 + at, at))
    for (const bytes of blobs) await put(first, bytes)
    first.start()
    await eventually('some are seen', async () => {
      await clock.advance(1_000)
      return first.scrubber.status.blobs >= 20
    })
    await first.scrubber.stop()
    const { blobs: seen, progress } = first.scrubber.status
    expect(seen).toBeLessThan(60)
    await first.healer.stop()
    await first.store.close()
    const second = await scrubbing(first.folder, clock)
    expect(second.scrubber.status).toMatchObject({ blobs: seen, progress })
    second.start()
    await second.pass()
    expect(second.scrubber.status).toMatchObject({ blobs: 60, bad: 0 })
    const ended = second.scrubber.status.lastEnded
    await clock.advance(5 * DAY)
    expect(second.scrubber.status).toMatchObject({ progress: null, lastEnded: ended })
    await eventually('the next one', async () => {
      await clock.advance(60 * MINUTE)
      return second.scrubber.status.lastEnded !== ended
    })
  })

  it('takes no note of itself that is none', async () => {
    const one = await scrubbing()
    await one.store.custody.keepProgress('{"v":1,"after":3}')
    const { scrubber } = await (async () => {
      await one.store.close()
      return scrubbing(one.folder)
    })()
    expect(scrubber.status).toEqual({ progress: null, lastEnded: null, blobs: 0, bad: 0 })
  })
})
