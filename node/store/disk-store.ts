import { randomUUID } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Sha256 } from '../digest.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import { ColdBlobs } from './cold-blobs.ts'
import { CommitQueue } from './commit-queue.ts'
import { CHANGES_AT_ONCE, HOUSEKEEPING_PAUSE, REOPEN_BYTES, SWEEP_PAUSE } from './constants.ts'
import { Custody } from './custody.ts'
import { DiskBlobs } from './disk-blobs.ts'
import { DiskStaging, type DiskStagingComponents, type Staged } from './disk-staging.ts'
import { Emptying } from './emptying.ts'
import { FreeSpace, type MinFree } from './free-space.ts'
import { Hasher } from './hasher.ts'
import type { IndexBatch } from './index-batch.ts'
import { type IndexComponents, IndexDb } from './index-db.ts'
import { IndexPlace } from './index-place.ts'
import { Journal } from './journal.ts'
import { knownDigests } from './known-digests.ts'
import { LastUse } from './last-use.ts'
import { NOTHING_PURGED, type Purged } from './purged.ts'
import { Purging } from './purging.ts'
import { RecordWatch } from './record-watch.ts'
import { Reserve } from './reserve.ts'
import { Room } from './room.ts'
import type { BlobStore, Freed, NameRecord, NewRecord, RecordStore, StageInit, Staging, Store, StoreStatus } from './store.ts'
import { sweep } from './sweep.ts'
import { TidyMark } from './tidy-mark.ts'

export interface DiskStoreInit {
  /** `<data>/store`; everything below it belongs to the store. */
  readonly folder: string
  readonly minFree: MinFree
  /** Bytes that small hot blobs may take in memory. */
  readonly hotBytes: number
  /** Ms between two times at which the store writes down what was used, and holds room back; five minutes if left out. */
  readonly housekeeping?: number
}

export interface DiskStoreComponents {
  /** Ms since the epoch. */
  now(): number
  /** Hears of what the store got over, but somebody should know. */
  trouble(what: string): void
  /** Nothing, if not set. */
  readonly purged?: Purged
}

/**
 * The store of a node in one folder: `blobs/` the files, `index/` LevelDB, `journal/` small blobs until their files are synced,
 * `tmp/` what is on its way, `tidy` that nobody has to look for what a crash left. LevelDB's lock makes sure that one process has it.
 */
export class DiskStore implements Store {
  readonly blobs: BlobStore
  readonly records: RecordStore
  readonly purged: Purged
  /** What may be evicted, and does so. */
  readonly cold: ColdBlobs
  readonly custody: Custody
  /** Whether blobs may take more of the disk. */
  readonly room: Room
  readonly #components: DiskStoreComponents
  readonly #index: IndexDb
  readonly #hasher = new Hasher()
  readonly #queue: CommitQueue
  readonly #files: DiskBlobs
  readonly #journal: Journal
  readonly #space: FreeSpace
  readonly #purging: Purging
  readonly #emptying: Emptying
  readonly #lastUse: LastUse
  #keeping: NodeJS.Timeout | undefined
  readonly #tmp: string
  readonly #staging: DiskStagingComponents
  readonly #stagings = new Set<DiskStaging>()
  readonly #stopping = new AbortController()
  readonly #mark: TidyMark
  readonly #sweeping: Promise<void> | undefined
  #closing: Promise<void> | undefined

  private constructor(
    components: DiskStoreComponents & {
      index: IndexDb
      place: IndexPlace
      mark: TidyMark
      watch: RecordWatch
      reserve: Reserve
    },
    init: DiskStoreInit & { isTidy: boolean },
  ) {
    const { index, place, mark, watch, trouble, purged = NOTHING_PURGED } = components
    this.purged = purged
    this.#mark = mark
    this.#components = components
    this.#index = index
    this.#tmp = join(init.folder, 'tmp')
    this.#space = new FreeSpace({ folder: init.folder, minFree: init.minFree, now: components.now })
    const journal = new Journal(
      { hasher: this.#hasher, index, trouble, path: (sha256) => files.path(sha256) },
      { folder: join(init.folder, 'journal'), tmp: this.#tmp },
    )
    const queue = new CommitQueue({ index, journal, trouble, remove: (unused) => this.#removeUnused(unused) })
    const alone = <T>(task: () => Promise<T>) => queue.alone(task)
    const blobFolder = join(init.folder, 'blobs')
    const lastUse = new LastUse({ now: components.now, onMany: () => void this.#note() })
    this.#lastUse = lastUse
    const files = new DiskBlobs(
      { index, hasher: this.#hasher, lastUse, alone, trouble, lost: (blob) => this.custody.onLost(blob) },
      { folder: blobFolder, hotBytes: init.hotBytes },
    )
    this.#queue = queue
    this.#files = files
    this.#journal = journal
    this.room = new Room({
      space: this.#space,
      taken: () => this.#taken(),
    })
    this.#staging = {
      hasher: this.#hasher,
      trouble,
      mayGrow: (bytes) => this.room.mayGrow(bytes),
      refused: (code) => this.#space.refused(code),
      place: (staged, records) => this.#place(staged, records),
      closed: (staging) => this.#stagings.delete(staging),
    }
    this.cold = new ColdBlobs({ index, lastUse, files, alone })
    this.custody = new Custody({ index, files, queue, purged, busy: () => this.#stagings.size > 0 })
    const purging = new Purging({ index, files, custody: this.custody, purged })
    this.#purging = purging
    this.#emptying = new Emptying(
      { index, place, files, custody: this.custody, reserve: components.reserve, trouble },
      { folder: init.folder, signal: this.#stopping.signal },
    )
    this.blobs = {
      find: (digest) => index.find(digest),
      open: (sha256) => (purged.pending ? purging.open(sha256) : files.open(sha256)),
      isPrivate: (sha256) => index.blob(sha256)?.private === true,
      stage: (stageInit) => this.#stage(stageInit),
      delete: (sha256) => alone(() => files.remove(sha256, true)),
    }
    const putAll = (records: Iterable<readonly [string, NameRecord]>) => {
      const apply = (batch: IndexBatch) => {
        for (const [key, record] of records) if (!purged.covers(key, record)) batch.putRecord(key, record)
      }
      return queue.add({ sync: false, apply })
    }
    this.records = {
      get: (key) => (purged.pending ? purging.record(key) : index.record(key)),
      put: (key, record) => putAll([[key, record]]),
      putAll,
      delete: (key) => queue.add({ sync: true, apply: (batch) => batch.deleteRecord(key) }),
      entries: (prefix) => purging.records(prefix),
      page: (prefix, after, most) => index.page(prefix, after, most),
      parsed: (parser, sha256) => index.parsed(parser, sha256),
      putParsed: (parser, sha256, json) =>
        queue
          .add({ sync: false, apply: (batch) => batch.putParsed(parser, sha256, json) })
          // It can be computed again: nobody is kept from an answer for that.
          .catch((error: unknown) => trouble(`what was parsed could not be kept: ${reasonOf(error)}`)),
      watch: (listener) => watch.add(listener),
    }
    if (!init.isTidy) this.#sweeping = this.#sweep(blobFolder)
  }

  /** Opens or makes the store. Throws STORE_LOCKED, STORE_UNKNOWN or STORE_UNUSABLE. */
  static async open(components: DiskStoreComponents, init: DiskStoreInit): Promise<DiskStore> {
    const { folder } = init
    const tmp = join(folder, 'tmp')
    const place = new IndexPlace(folder)
    await usable(folder, async () => {
      for (const name of ['blobs', place.current]) await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    })
    const mark = new TidyMark(folder)
    const trouble = (what: string) => {
      mark.spoil()
      components.trouble(what)
    }
    const watch = new RecordWatch()
    const reserve = new Reserve(join(folder, 'reserve'))
    const probing = () => reserve.behind(() => probe(tmp))
    const indexParts = { trouble, probe: probing, onNews: (news: Iterable<NewRecord>) => watch.tell(news) }
    const index = await reserve.behind(() => openIndex(indexParts, folder, place))
    try {
      const isTidy = await mark.take()
      await usable(folder, async () => {
        // Only after the lock is held: what lies here belongs to a process that is gone.
        await rm(tmp, { recursive: true, force: true })
        await mkdir(tmp, { mode: 0o700 })
      })
      const store = new DiskStore({ ...components, trouble, index, place, mark, watch, reserve }, { ...init, isTidy })
      await usable(folder, async () => store.#journal.replay())
      store.#keeping = setInterval(() => void store.#keepHouse(reserve), init.housekeeping ?? HOUSEKEEPING_PAUSE).unref()
      return store
    } catch (error) {
      await index.close()
      throw error
    }
  }

  remove(keys: readonly string[], blob?: Sha256): Promise<Freed> {
    return this.#queue.alone(() => this.#purging.remove(keys, blob))
  }

  /** Empties the store at once, of whatever was purged or not; what was in it is removed behind. Readers of opened blobs go on. */
  reset(): Promise<Freed> {
    return this.#queue.alone(() => this.#emptying.run())
  }

  async status(): Promise<StoreStatus> {
    return { ...this.#index.usage, free: this.#space.free, storing: this.room.shortage === undefined }
  }

  /** Bytes of all blobs. */
  get bytes(): number {
    return this.#index.usage.bytes
  }

  get hotBytes(): number {
    return this.#files.hotBytes
  }

  /** Commits under way come to their end; transfers are given up. Readers of opened blobs are not disturbed. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#stopping.abort(new WarrenError('DRAINING', 'this node is stopping'))
      await Promise.all([...this.#stagings].map((staging) => staging.close()))
      clearInterval(this.#keeping)
      await this.#note()
      await this.#queue.idle()
      this.#journal.close()
      await this.#hasher.close()
      await this.#sweeping
      await this.#emptying.settled()
      // While the lock is held: the next one may open it as soon as that is free.
      await this.#mark.leave()
      await this.#index.close()
    })()
    return this.#closing
  }

  /** Asked several times for each blob, hundreds of which may be on their way: a loop makes no garbage. */
  #taken(): number {
    let sum = this.#index.usage.bytes
    for (const { pending } of this.#stagings) sum += pending
    return sum
  }

  async #sweep(folder: string): Promise<void> {
    const { trouble } = this.#components
    const alone = <T>(task: () => Promise<T>) => this.#queue.alone(task)
    try {
      await sweep({ index: this.#index, alone }, { folder, pause: SWEEP_PAUSE }, this.#stopping.signal)
    } catch (error) {
      if (this.#closing) this.#mark.spoil()
      else trouble(`the search for orphaned files ended early: ${reasonOf(error)}`)
    }
  }

  #stage(init: StageInit): Staging {
    if (this.#closing) throw new WarrenError('DRAINING', 'this node is stopping')
    const storing = this.room.mayBegin(init.size ?? 0)
    const staging = new DiskStaging(this.#staging, { ...init, folder: this.#tmp, storing })
    this.#stagings.add(staging)
    return staging
  }

  async #place({ content, ...staged }: Staged, records: ReadonlyMap<string, NameRecord>): Promise<boolean> {
    const { purged } = this
    const taken = () => [...records].filter(([key, record]) => !purged.covers(key, record))
    const isPurged = () => records.size > 0 && taken().length === 0
    if (isPurged()) return false
    const { size } = staged
    const digests = knownDigests(staged.digests, records.values())
    const { sha256 } = digests
    let isTaken = true
    await this.#queue.add({
      sync: true,
      move: { content, to: this.#files.path(sha256), sha256, moved: (identity) => this.#files.markSeen(sha256, identity) },
      apply: (batch) => {
        // A purge came while others were written.
        isTaken = !isPurged()
        if (!isTaken) return
        // Public if any record says so: `putRecord` sees to that.
        const isPrivate = [...records.values()].some((record) => record.private)
        batch.putBlob(isPrivate ? { size, digests, private: true } : { size, digests })
        batch.putLastUse(sha256, this.#lastUse.hour)
        for (const [key, record] of taken()) batch.putRecord(key, record)
      },
    })
    if (!isTaken) await this.#queue.alone(() => this.#files.removeUnheld(sha256))
    return isTaken
  }

  async #removeUnused(sha256: Sha256): Promise<void> {
    const entry = this.#index.blob(sha256)
    await this.#files.remove(sha256, false)
    if (entry) this.custody.onUnused({ sha256, entry })
  }

  async #keepHouse(reserve: Reserve): Promise<void> {
    await this.#note()
    if (!this.#closing) await reserve.take(this.#space.free)
  }

  /** Writes down which blobs were used. That it could not be is told of by those who have something better to write. */
  async #note(): Promise<void> {
    const hour = this.#lastUse.hour
    const used = this.#lastUse.take()
    for (let at = 0; at < used.length; at += CHANGES_AT_ONCE) {
      const some = used.slice(at, at + CHANGES_AT_ONCE)
      const apply = (batch: IndexBatch) => {
        for (const sha256 of some) batch.putLastUse(sha256, hour)
      }
      await this.#queue.add({ sync: false, apply }).catch(() => {})
    }
  }
}

/** The index that is in its place once this process has the lock: another one may have replaced it just before. */
async function openIndex(components: IndexComponents, folder: string, place: IndexPlace): Promise<IndexDb> {
  for (;;) {
    const { current } = place
    const index = await IndexDb.open(components, join(folder, current))
    if (place.current === current) return index
    await index.close()
  }
}

async function usable(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw new WarrenError('STORE_UNUSABLE', `the folder ${folder} cannot be made or written: ${reasonOf(cause)}`, { cause })
  }
}

/** Whether bytes reach the disk: statistics do not tell of quotas or of a file system that turned read-only. */
async function probe(folder: string): Promise<void> {
  const path = join(folder, randomUUID())
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(Buffer.alloc(REOPEN_BYTES, 1))
      await file.datasync()
    } finally {
      await file.close()
    }
  } finally {
    await rm(path, { force: true })
  }
}
