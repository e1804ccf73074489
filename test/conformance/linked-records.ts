import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../node/store/store.ts'
import { bytesOf, feed, keep, recordOf } from './store.ts'

/** What every store does with records of what a document names. */
export function linkedRecordsConformance(name: string, make: () => Promise<{ store: Store; stop(): Promise<void> }>): void {
  describe(`${name} keeps what a document names beside what was asked for`, () => {
    let one: Awaited<ReturnType<typeof make>>
    let store: Store

    beforeEach(async () => {
      one = await make()
      store = one.store
    })
    afterEach(() => one.stop())

    it('lets a link take the place of no record of the same bytes, whichever of both was begun first', async () => {
      const bytes = bytesOf(100)
      const link = recordOf(bytes, { link: true })
      await store.records.put('name', link)
      await keep(store, bytes, 'name')
      await store.records.put('name', link)
      const staging = store.blobs.stage({ algorithms: [] })
      await feed(staging, bytesOf(50))
      await staging.commit(
        new Map([
          ['document', recordOf(bytesOf(50))],
          ['name', link],
        ]),
      )
      await staging.close()
      expect(store.records.get('name')?.link).toBeUndefined()
      // What was purged meanwhile is not brought back by its record, nor is what others may not have shown to them.
      for (const held of [recordOf(bytes), recordOf(bytes, { private: true })]) {
        await store.records.put('other', held)
        const other = held.private ? link : { ...link, generation: 1 }
        await store.records.put('other', other)
        expect(store.records.get('other')).toEqual(other)
        await store.records.delete('other')
      }
    })
  })
}
