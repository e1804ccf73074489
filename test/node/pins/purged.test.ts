import { expect, it } from 'vitest'
import { cacheKey } from '../../../node/cache/plan.ts'
import { Intake } from '../../../node/pins/intake.ts'
import { bytesOf, recordOf } from '../../conformance/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { BASE } from '../cache/plans.ts'
import { ended, HERE, purgedStore, purgerOf, usePurgers } from '../purge/fixture.ts'

usePurgers()

const BYTES = bytesOf(10_000)
const PIN = { key: cacheKey({ ecosystem: 'test', base: BASE, path: 'a' }), record: recordOf(BYTES) }

it('a pin that is on its way when a purge comes is not kept; one that is sent later is', async () => {
  const { book, store } = purgedStore()
  const purger = purgerOf({ book, store })
  const gate = Promise.withResolvers<void>()
  let asked = 0
  const open = async () => {
    if (++asked === 1) await gate.promise
    return {
      size: BYTES.length,
      body: (async function* () {
        yield BYTES
      })(),
    }
  }
  const announced: unknown[] = []
  const intake = new Intake(
    {
      store,
      seeds: { open },
      clock: new VirtualClock(),
      isPrivate: () => false,
      announce: (digests) => announced.push(...digests),
    },
    { signal: new AbortController().signal },
  )
  const taking = intake.take('seed', [PIN])
  while (asked === 0) await new Promise((resolve) => setImmediate(resolve))
  await purger.apply('one', [HERE])
  await ended(purger, 'one')
  gate.resolve()
  expect(await taking).toMatchObject([{ state: 'failed' }])
  expect([store.records.get(PIN.key), announced, (await store.status()).blobs]).toEqual([undefined, [], 0])
  expect(await intake.take('seed', [PIN])).toEqual([{ state: 'held' }])
  expect(store.records.get(PIN.key)).toMatchObject({ blob: PIN.record.blob, generation: book.generation })
})
