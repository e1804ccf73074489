import { expect, it } from 'vitest'
import { Placement } from '../../../node/pins/placement.ts'
import { Sweep } from '../../../node/pins/sweep.ts'
import { Tally } from '../../../node/pins/tally.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { VirtualClock } from '../../harness/clock.ts'

it('does not end as one that counted all when it is broken off while the last records are looked for', async () => {
  const seeds = { self: 'a', isSeed: true, others: [] }
  const placement = new Placement({ seeds, home: (key) => key }, { replicas: 2 })
  const store = new MemoryStore()
  const others = new Error('other seeds are there now')
  const abort = new AbortController()
  async function* entries() {
    yield* store.records.entries('')
    abort.abort(others)
  }
  const components = {
    store: { blobs: store.blobs, records: { ...store.records, entries } },
    placement,
    clock: new VirtualClock(),
    deliver: () => undefined,
  }
  const sweep = new Sweep(components, { self: 'a', tally: new Tally(placement.live) })
  await expect(sweep.run(abort.signal)).rejects.toBe(others)
})
