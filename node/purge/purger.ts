import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Digest } from '../digest.ts'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import type { Freed, Store } from '../store/store.ts'
import { disjoint } from './cache-search.ts'
import {
  COMPARED_AT_ONCE,
  LOOKED_AT_ONCE,
  MAX_KNOWN,
  MAX_SCOPES,
  MAX_TOLD,
  REMOVED_AT_ONCE,
  RETRY,
  ROOM_PATIENCE,
} from './constants.ts'
import { mayCover, type Purge, type PurgeBook } from './purge-book.ts'
import type { PurgeFile } from './purge-file.ts'
import { type KnownPurge, NOTHING_FREED, type PurgeRun, sumOf } from './purge-run.ts'
import type { PurgeScope } from './scope.ts'

export interface PurgerComponents {
  readonly book: PurgeBook
  readonly file: Pick<PurgeFile, 'begin' | 'end'>
  readonly store: Pick<Store, 'records' | 'remove'>
  /** Empties the whole store at once, where it can do that better than record by record. */
  readonly reset?: () => Promise<Freed>
  /** What is on its way, and what is remembered, of which a purge may be. */
  readonly cache: { detach(isMeant: (key: string, expected: readonly Digest[] | undefined) => boolean): void }
  /** Lets go of all else that is remembered of what is in the store. */
  forget(): void
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn'>
}

interface Run {
  known: KnownPurge
  looked: number
  trouble: string | null
  /** Set until it ends. */
  purge: Purge | undefined
  /** Resolves with whether it is written down, and why it is not. */
  written: Promise<WarrenError | undefined>
}

/**
 * Purges of this node. What one is about is out of sight at once, and whatever brings it back began before and is not kept (`Purged`);
 * then it is taken out of the store, beside the work. What was begun is done once, however often it is asked for and whatever the process
 * dies of.
 */
export class Purger {
  readonly #components: PurgerComponents
  /** By id, oldest first. */
  readonly #runs = new Map<string, Run>()
  /** Those that ended last, of which the scopes are remembered. */
  readonly #told: Run[] = []
  readonly #stopped = new AbortController()
  #sweeping: Promise<void> | undefined

  /** @param init.known what a former process has written down */
  constructor(components: PurgerComponents, init: { readonly known: readonly KnownPurge[] }) {
    this.#components = components
    for (const known of init.known) {
      const { id, scopes, generation, endedAt } = known
      const purge = endedAt === null ? components.book.restore(id, scopes, generation) : undefined
      components.book.generation = Math.max(components.book.generation, generation)
      const run = { known, looked: 0, trouble: null, purge, written: Promise.resolve(undefined) }
      this.#runs.set(id, run)
      if (!purge && scopes.length > 0) this.#told.push(run)
    }
  }

  /** Goes on with what did not end. */
  start(): void {
    this.#sweep()
  }

  /**
   * From the moment that it is called on, nothing that the scopes are about and that was here, or on its way, is served any more. Resolves
   * once that outlives a power cut; on a full disk, once it has made room. Of one id the first purge counts. Rejects with BAD_REQUEST for
   * too many scopes, and with STORE_UNUSABLE where it cannot be written down: it goes on all the same, and is written down when it is asked
   * for again.
   */
  async apply(id: string, scopes: readonly PurgeScope[]): Promise<PurgeRun> {
    if (scopes.length > MAX_SCOPES) throw new WarrenError('BAD_REQUEST', `a purge has at most ${MAX_SCOPES} scopes`)
    const known = this.#runs.get(id)
    const run = known ?? this.#begin(id, scopes)
    if (known && (await known.written)) known.written = this.#write(known)
    const failure = await run.written
    if (failure) throw failure
    return runOf(run)
  }

  run(id: string): PurgeRun | undefined {
    const run = this.#runs.get(id)
    return run && runOf(run)
  }

  /** The last ones, the latest first. */
  runs(): PurgeRun[] {
    return [...this.#runs.values()].slice(-MAX_TOLD).reverse().map(runOf)
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new WarrenError('DRAINING', 'this node is stopping'))
    await this.#sweeping
  }

  #begin(id: string, scopes: readonly PurgeScope[]): Run {
    const { book, cache, forget, clock } = this.#components
    const startedAt = clock.now()
    const purge = book.begin(id, scopes, startedAt)
    cache.detach((key, expected) => mayCover(purge, key, expected))
    forget()
    const known = { id, scopes, generation: purge.generation, startedAt, endedAt: null, freed: NOTHING_FREED }
    const run: Run = { known, looked: 0, trouble: null, purge, written: Promise.resolve(undefined) }
    this.#runs.set(id, run)
    this.#trim()
    this.#sweep()
    run.written = this.#write(run)
    return run
  }

  async #write(run: Run): Promise<WarrenError | undefined> {
    const { file } = this.#components
    try {
      await file.begin(run.known)
      return undefined
    } catch {
      // It may be what makes room for the line.
      await this.#sweptSoon()
    }
    try {
      await file.begin(run.known)
      return undefined
    } catch (error) {
      return isWarrenError(error) ? error : new WarrenError('STORE_UNUSABLE', reasonOf(error), { cause: error })
    }
  }

  async #sweptSoon(): Promise<void> {
    const over = new AbortController()
    const late = this.#components.clock.sleep(ROOM_PATIENCE, AbortSignal.any([this.#stopped.signal, over.signal]))
    await Promise.race([this.#sweeping, late]).catch(() => {})
    over.abort()
    late.catch(() => {})
  }

  #sweep(): void {
    this.#sweeping ??= this.#sweepAll(this.#stopped.signal)
  }

  async #sweepAll(signal: AbortSignal): Promise<void> {
    // Those that are asked for in the same turn go together.
    await Promise.resolve()
    for (let batch = this.#unfinished(); batch.length > 0 && !signal.aborted; batch = this.#unfinished()) {
      try {
        await this.#sweepOnce(batch, signal)
        await Promise.all(batch.map((run) => this.#end(run)))
      } catch (error) {
        if (signal.aborted) break
        for (const run of batch) run.trouble = reasonOf(error)
        this.#components.log.warn(`a purge does not get on: ${reasonOf(error)}; it goes on in ${RETRY / 1_000} s`)
        await this.#components.clock.sleep(RETRY, signal).catch(() => {})
      }
    }
    // In the turn in which none was left: later, there could be one.
    this.#sweeping = undefined
  }

  #unfinished(): Run[] {
    return [...this.#runs.values()].filter(({ purge }) => purge !== undefined)
  }

  async #sweepOnce(batch: readonly Run[], signal: AbortSignal): Promise<void> {
    const { store, reset } = this.#components
    for (const run of batch) {
      run.trouble = null
      for (const { blob } of matchersOf(run)) if (blob !== undefined) free(run, await store.remove([], blob))
    }
    const all = batch.find((run) => matchersOf(run).some(({ isAll }) => isAll))
    if (all && reset && (await this.#reset(all, reset))) return
    for (const prefix of prefixesOf(batch)) await this.#scan(prefix, batch, signal)
  }

  /** Whether that worked: a disk that is full may take no empty store either, before something is removed. */
  async #reset(all: Run, reset: () => Promise<Freed>): Promise<boolean> {
    try {
      free(all, await reset())
      return true
    } catch (error) {
      this.#components.log.warn(`the store cannot be emptied at once, and is emptied piece by piece: ${reasonOf(error)}`)
      return false
    }
  }

  /**
   * Looks through all records that begin with a prefix, whichever purges they fall under. What cannot be removed keeps nothing else: on a full
   * disk the files of many may have to go before the index takes anything. Rejects with the first trouble once it has seen all.
   */
  async #scan(prefix: string, batch: readonly Run[], signal: AbortSignal): Promise<void> {
    const { store, book } = this.#components
    const troubles: unknown[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const most = Math.min(LOOKED_AT_ONCE, Math.ceil(COMPARED_AT_ONCE / book.scopes))
      const page = await store.records.page(prefix, after, most)
      const byPurge = Map.groupBy(page.entries, ([key, record]) => book.purgeOf(key, record))
      for (const run of batch) {
        run.looked += page.entries.length
        const keys = (byPurge.get(run.purge) ?? []).map(([key]) => key)
        if (run.purge === undefined) continue
        for (let at = 0; at < keys.length; at += REMOVED_AT_ONCE) {
          await store.remove(keys.slice(at, at + REMOVED_AT_ONCE)).then(
            (freed) => free(run, freed),
            (error: unknown) => troubles.push(error),
          )
          signal.throwIfAborted()
        }
      }
      after = page.last
      await setImmediate()
      signal.throwIfAborted()
    }
    if (troubles.length > 0) throw troubles[0]
  }

  async #end(run: Run): Promise<void> {
    const { book, file, clock, log } = this.#components
    const { purge } = run
    if (!purge) return
    run.known = { ...run.known, endedAt: clock.now() }
    run.purge = undefined
    book.end(purge)
    this.#told.push(run)
    const [old] = this.#told.splice(0, this.#told.length - MAX_TOLD)
    if (old) old.known = { ...old.known, scopes: [] }
    const { records, blobs, bytes } = run.known.freed
    log.info({ purge: purge.id, records, blobs, bytes }, 'a purge has ended')
    // Otherwise the next start looks once more, and finds nothing.
    await file.end(run.known).catch((error: unknown) => log.warn(reasonOf(error)))
  }

  #trim(): void {
    for (const [id, { purge }] of this.#runs) {
      if (this.#runs.size <= MAX_KNOWN) return
      if (!purge) this.#runs.delete(id)
    }
  }
}

function matchersOf({ purge }: Run): Purge['matchers'] {
  return purge?.matchers ?? []
}

function prefixesOf(batch: readonly Run[]): string[] {
  return disjoint(batch.flatMap((run) => matchersOf(run).flatMap(({ blob, prefix }) => (blob === undefined ? [prefix] : []))))
}

function free(run: Run, freed: Freed): void {
  run.known = { ...run.known, freed: sumOf(run.known.freed, freed) }
}

function runOf({ known, looked, trouble }: Run): PurgeRun {
  const { id, scopes, startedAt, endedAt, freed } = known
  return { id, scopes, state: endedAt === null ? 'running' : 'done', startedAt, endedAt, looked, freed, trouble }
}
