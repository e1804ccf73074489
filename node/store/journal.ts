import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Sha256 } from '../digest.ts'
import { reasonOf, WarrenError } from '../errors.ts'
import { SEGMENT_BYTES, SEGMENTS_WAITING, SETTLE_AFTER, SETTLED_AT_ONCE } from './constants.ts'
import type { Hasher } from './hasher.ts'
import { decodeSegment, encodeGroup, type SmallFile } from './journal-format.ts'
import { OpenFile } from './open-file.ts'
import { place, type Written } from './small-files.ts'

export interface JournalComponents {
  readonly hasher: Hasher
  readonly index: { holds(sha256: Sha256): boolean }
  /** Where the file of a blob is. */
  path(sha256: Sha256): string
  trouble(what: string): void
}

export interface JournalInit {
  /** Its own. */
  readonly folder: string
  /** For files on their way to a place that is taken. */
  readonly tmp: string
  /** Ms after which small blobs are synced, if not a minute. */
  readonly settleAfter?: number
  /** Files that may wait for that, if not as many as usual. */
  readonly segmentsWaiting?: number
}

/** A file of the journal, and the files whose only durable copy may be in it. */
interface Segment {
  readonly path: string
  readonly files: Set<string>
  bytes: number
}

/**
 * Makes small blobs durable many at a time: their bytes go to the end of one file, which is synced once for all of them, and then to
 * files of their own, which are synced a minute later when the system has written them by itself, or after a crash from what stands
 * here. A sync for each of them would cost ten times as much, and its latency once for each instead of once for all.
 *
 * Invariant: a segment is removed only after each file that it holds is durable or gone.
 */
export class Journal {
  readonly #components: JournalComponents
  readonly #folder: string
  readonly #spare: string
  readonly #settleAfter: number
  readonly #segmentsWaiting: number
  #next = 0
  #active: (Segment & { readonly fd: number }) | undefined
  #waiting: Segment[] = []
  #timer: NodeJS.Timeout | undefined
  #settling: Promise<void> | undefined
  /** How many segments may stay when those that are being settled are. */
  #mayStay: number
  #isWriting = false
  /** Whether their time came while another group was being written. */
  #isDue = false
  #closed = false

  constructor(components: JournalComponents, init: JournalInit) {
    this.#components = components
    this.#settleAfter = init.settleAfter ?? SETTLE_AFTER
    this.#segmentsWaiting = init.segmentsWaiting ?? SEGMENTS_WAITING
    this.#mayStay = this.#segmentsWaiting
    this.#folder = init.folder
    this.#spare = join(init.tmp, 'spare')
  }

  /** Puts right what a crash left of the files that a former process wrote. Before anything is read or written. */
  replay(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    const numbers = readdirSync(this.#folder).filter((name) => /^\d{1,15}$/.test(name))
    for (const number of numbers.map(Number).sort((a, b) => a - b)) {
      this.#next = number + 1
      const segment = this.#replaySegment(join(this.#folder, String(number)))
      if (segment) this.#waiting.push(segment)
    }
    if (this.#waiting.length > 0) this.#wait()
  }

  /**
   * Resolves when each file is durable and in its place, or with what the disk refused. Called by one at a time. Rejects, with an
   * error that has the `code` of what the disk said, where none of them could be made durable.
   */
  async write(files: readonly SmallFile[]): Promise<Written[]> {
    const segment = this.#segment()
    const { group, extents } = encodeGroup(files)
    const at = segment.bytes
    segment.bytes += group.length
    for (const { path } of files) segment.files.add(path)
    const places = extents.map((extent, i) => ({ ...extent, path: files[i]?.path ?? '', spare: this.#spare }))
    this.#isWriting = true
    try {
      const written = await this.#components.hasher.writeGroup({ fd: segment.fd, at, group, files: places })
      if (segment.bytes >= SEGMENT_BYTES) this.#rotate()
      return written
    } catch (error) {
      // What would stand behind a torn entry would not be found again.
      this.#rotate()
      throw error
    } finally {
      this.#isWriting = false
      if (this.#closed) this.#rotate()
      else this.#wait()
    }
  }

  /** What was not settled is left to the next start. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    if (!this.#isWriting) this.#rotate()
  }

  #segment(): Segment & { readonly fd: number } {
    if (this.#closed) throw new WarrenError('DRAINING', 'this node is stopping')
    if (!this.#active) {
      const path = join(this.#folder, String(this.#next++))
      this.#active = { path, files: new Set(), bytes: 0, fd: openSync(path, 'wx', 0o600) }
    }
    return this.#active
  }

  #rotate(): void {
    if (!this.#active) return
    closeSync(this.#active.fd)
    this.#waiting.push(this.#active)
    this.#active = undefined
  }

  #wait(): void {
    if (this.#waiting.length > this.#segmentsWaiting) this.#settle(this.#segmentsWaiting)
    if (this.#isDue) this.#settleAll()
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#settleAll()
    }, this.#settleAfter).unref()
  }

  /** Not amid a write: a descriptor that is closed under it may be another file's a moment later. */
  #settleAll(): void {
    this.#isDue = this.#isWriting
    if (this.#isDue) return
    this.#rotate()
    this.#settle(0)
  }

  /** The oldest first, which the system may have written by now: of the others a sync has to wait for the disk. */
  #settle(mayStay: number): void {
    this.#mayStay = Math.min(this.#mayStay, mayStay)
    this.#settling ??= this.#settleOldest().finally(() => {
      this.#settling = undefined
      this.#mayStay = this.#segmentsWaiting
    })
  }

  async #settleOldest(): Promise<void> {
    while (this.#waiting.length > this.#mayStay && !this.#closed) {
      const segment = this.#waiting.shift()
      if (!segment) return
      try {
        const files = [...segment.files]
        // That a file is there is written in its folder.
        const paths = [...files, ...new Set(files.map((file) => dirname(file)))]
        for (let at = 0; at < paths.length; at += SETTLED_AT_ONCE) {
          await this.#components.hasher.settle(paths.slice(at, at + SETTLED_AT_ONCE))
        }
        rmSync(segment.path, { force: true })
      } catch (error) {
        // It stays where it is, and the next start tries again.
        if (!this.#closed) this.#components.trouble(`small blobs could not be synced: ${reasonOf(error)}`)
      }
    }
  }

  /** Undefined for one that has to stay for the next start: some of it could not be put right. */
  #replaySegment(path: string): Segment | undefined {
    const files = new Set<string>()
    try {
      for (const { sha256, bytes } of decodeSegment(read(path))) {
        if (!this.#components.index.holds(sha256)) continue
        const file = this.#components.path(sha256)
        files.add(file)
        if (!holdsBytes(file, bytes)) place(file, this.#spare, bytes)
      }
      return { path, files, bytes: 0 }
    } catch (error) {
      this.#components.trouble(`${path} could not be replayed: ${reasonOf(error)}`)
      return undefined
    }
  }
}

/** Throws what the system says. */
function read(path: string): Buffer {
  const file = OpenFile.open(path)
  try {
    return file.readNow()
  } finally {
    file.close()
  }
}

function holdsBytes(file: string, bytes: Buffer): boolean {
  try {
    return read(file).equals(bytes)
  } catch {
    return false
  }
}
