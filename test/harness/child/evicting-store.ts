/**
 * A store that is over its quota all the time, until it is killed. Arguments: its folder, the seed of its bytes, its quota. Prints a
 * line for each time that something was evicted.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../../node/clock.ts'
import { Evictor } from '../../../node/permanence/evictor.ts'
import { DiskStore } from '../../../node/store/disk-store.ts'
import { Random } from '../random.ts'

const [folder = '', seed, quota] = process.argv.slice(2)
const random = new Random(Number(seed))
const trouble = (what: string) => console.error(what)
const store = await DiskStore.open({ now: Date.now, trouble }, { folder, minFree: { bytes: 0 }, hotBytes: 1 << 20 })
store.room.quota = Number(quota)
const evictor = new Evictor({
  cold: store.cold,
  room: store.room,
  confirmed: async (blobs) => new Set(blobs),
  // Nobody is asked who would want to rest.
  clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(1, signal) },
  trouble,
  onEvicted: (digests) => console.log(digests.length),
})
evictor.start()

async function put(size: number, kind: number): Promise<void> {
  const bytes = random.bytes(size)
  const staging = store.blobs.stage({ size, algorithms: ['sha512'] })
  if (!staging.write(bytes)) await staging.drained()
  const { sha256 } = await staging.seal()
  const freshFor = kind === 0 ? 1_000 : null
  const record = { v: 1, blob: sha256, size, headers: {}, fetchedAt: 1, checkedAt: 1, freshFor, verified: [] } as const
  await staging.commit(new Map([[`key ${sha256}`, record]]))
  await staging.close()
}

for (;;) {
  const sizes = Array.from({ length: 8 }, () => random.between(1, random.between(0, 3) === 0 ? 90_000 : 3_000))
  await Promise.all(sizes.map((size) => put(size, random.between(0, 3))))
  // What a full store does not take waits for nothing, so that the evictor would never have its turn.
  await turn()
}
