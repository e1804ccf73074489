import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { cacheKey } from '../../node/cache/plan.ts'
import { systemClock } from '../../node/clock.ts'
import { PurgeBook } from '../../node/purge/purge-book.ts'
import { PurgeFile } from '../../node/purge/purge-file.ts'
import { Purger, type PurgerComponents } from '../../node/purge/purger.ts'
import type { PurgeScope } from '../../node/purge/scope.ts'
import { DiskStore } from '../../node/store/disk-store.ts'

const BASE = 'https://upstream.example.test/'

/** What a purge of half of it is about. */
export const PURGED: PurgeScope = { kind: 'path', ecosystem: 'test', base: BASE, pattern: 'gone/*' }

/** Every second one falls under the purge, and every fourth one shares its blob with one that does not. */
export function keyOf(at: number): string {
  return cacheKey({ ecosystem: 'test', base: BASE, path: `${at % 2 === 0 ? 'gone' : 'kept'}/${at}` })
}

export function bytesAt(at: number, size = 10): Buffer {
  return Buffer.alloc(size, `blob ${at % 4 === 1 ? at - 1 : at} `)
}

/** A store with its purges in a data folder, as a node has them. */
export async function openPurged(
  data: string,
  init: { readonly housekeeping?: number } = {},
): Promise<{ store: DiskStore; purger: Purger; close(): Promise<void> }> {
  const book: PurgeBook = new PurgeBook({ planOf: () => undefined, find: (digest) => store.blobs.find(digest) })
  mkdirSync(data, { recursive: true })
  const trouble = (what: string) => void process.stderr.write(`${what}\n`)
  const store: DiskStore = await DiskStore.open(
    { now: systemClock.now, trouble, purged: book },
    { folder: join(data, 'store'), minFree: { bytes: 0 }, hotBytes: 1 << 20, ...init },
  )
  const { file, known } = await PurgeFile.open(join(data, 'purges'))
  const log = { info() {}, warn: trouble } as PurgerComponents['log']
  const rest = { cache: { detach() {} }, forget() {}, clock: systemClock, log }
  const purger = new Purger({ book, file, store, reset: () => store.reset(), ...rest }, { known })
  return {
    store,
    purger,
    async close() {
      await purger.stop()
      await file.close()
      await store.close()
    },
  }
}

export async function put(store: DiskStore, at: number, size?: number): Promise<void> {
  const bytes = bytesAt(at, size)
  const staging = store.blobs.stage({ size: bytes.length, algorithms: ['sha512'] })
  staging.write(bytes)
  const { sha256: blob } = await staging.seal()
  const times = { fetchedAt: 1, checkedAt: 1, freshFor: null }
  await staging.commit(new Map([[keyOf(at), { v: 1, blob, size: bytes.length, headers: {}, ...times, verified: [] }]]))
  await staging.close()
}
