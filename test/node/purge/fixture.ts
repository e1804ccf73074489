import { afterEach } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import type { Digest } from '../../../node/digest.ts'
import { PurgeBook } from '../../../node/purge/purge-book.ts'
import { PurgeFile } from '../../../node/purge/purge-file.ts'
import type { KnownPurge } from '../../../node/purge/purge-run.ts'
import { Purger, type PurgerComponents } from '../../../node/purge/purger.ts'
import type { PurgeScope } from '../../../node/purge/scope.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { eventually } from '../../harness/wait.ts'
import { BASE } from '../cache/plans.ts'

export const HERE: PurgeScope = { kind: 'upstream', ecosystem: 'test', base: BASE }
export const path = (pattern: string): PurgeScope => ({ kind: 'path', ecosystem: 'test', base: BASE, pattern })

/** Says that nothing was written down and that nothing fails. */
const UNWRITTEN: PurgerComponents['file'] = { begin: async () => {}, end: async () => {} }

const stops: (() => Promise<unknown>)[] = []

/** Call at the top of a test file: stops what `purgerOf` made. */
export function usePurgers(): void {
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })
}

export interface Bought {
  readonly find?: (digest: Digest) => string | undefined
  readonly planOf?: (key: string) => Plan | undefined
}

/** What was purged, and a store that heeds it. */
export function purgedStore(bought: Bought = {}): { book: PurgeBook; store: MemoryStore } {
  const book: PurgeBook = new PurgeBook({ planOf: () => undefined, find: (digest) => store.blobs.find(digest), ...bought })
  const store: MemoryStore = new MemoryStore({ purged: book })
  return { book, store }
}

/** A purger of a store, and of a cache where there is one. */
export function purgerOf(
  parts: Pick<PurgerComponents, 'book' | 'store'> & Partial<PurgerComponents>,
  known: readonly KnownPurge[] = [],
): Purger {
  const log = { info() {}, warn() {} } as PurgerComponents['log']
  const rest = { file: UNWRITTEN, cache: { detach() {} }, forget() {}, clock: new VirtualClock(), log }
  const purger = new Purger({ ...rest, ...parts }, { known })
  stops.push(() => purger.stop())
  return purger
}

export async function openFile(at: string): ReturnType<typeof PurgeFile.open> {
  const opened = await PurgeFile.open(at)
  stops.push(() => opened.file.close())
  return opened
}

/** Resolves once a purge has ended. */
export async function ended(purger: Purger, id: string): Promise<void> {
  await eventually(`the purge ${id} ends`, () => purger.run(id)?.state === 'done')
}
