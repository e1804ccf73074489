import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats } from 'node:fs'
import type { Scratch } from '../body.ts'

/** What `fstat` said when the file was last hashed: a change of any of it calls for another hash. */
export interface Identity {
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
}

// No symbolic link, so that the path of a blob cannot lead out of the store; and no waiting for the writer of a pipe that
// somebody put there. Windows knows neither flag.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** An open file; reads go through the thread pool, so that the event loop copies nothing. */
export class OpenFile implements Identity {
  readonly fd: number
  readonly size: number
  readonly mtimeMs: number
  readonly ino: number
  #reading = 0
  #closed = false
  #freed = false

  private constructor(fd: number, stats: Stats) {
    this.fd = fd
    this.size = stats.size
    this.mtimeMs = stats.mtimeMs
    this.ino = stats.ino
  }

  /** Throws what the system says, also for anything that is not a regular file. */
  static open(path: string): OpenFile {
    const fd = openSync(path, READ_FLAGS)
    try {
      const stats = fstatSync(fd)
      if (!stats.isFile()) throw Object.assign(new Error(`${path} is not a file`), { code: 'EISDIR' })
      return new OpenFile(fd, stats)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** What is said of it now: it may have grown since it was opened. */
  get now(): Identity {
    const { size, mtimeMs, ino } = fstatSync(this.fd)
    return { size, mtimeMs, ino }
  }

  /** Whether the open file still looks as it did when it was opened. */
  get unchanged(): boolean {
    return isSame(this, this.now)
  }

  /** All bytes, in one go. */
  readNow(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.size)
    for (let length = 0; length < this.size; ) {
      const got = readSync(this.fd, bytes, length, this.size - length, length)
      if (got === 0) return bytes.subarray(0, length)
      length += got
    }
    return bytes
  }

  /** At most `max` bytes from `position`; rejects where there are none, since nobody asks beyond the end. */
  read(position: number, max: number, scratch: Scratch): Promise<Buffer> {
    if (this.#closed) return Promise.reject(new Error('read of a closed file'))
    const buffer = scratch(max)
    this.#reading++
    return new Promise((resolve, reject) => {
      read(this.fd, buffer, 0, Math.min(max, buffer.length), position, (error, bytes) => {
        this.#reading--
        if (this.#closed) this.#free()
        if (error) reject(error)
        else if (bytes === 0) reject(new Error(`the file ends before byte ${position}`))
        else resolve(buffer.subarray(0, bytes))
      })
    })
  }

  /** Idempotent; a read that is under way comes to its end. */
  close(): void {
    this.#closed = true
    this.#free()
  }

  #free(): void {
    // Closed under a running read, the number could name another file by the time that it is used.
    if (this.#reading > 0 || this.#freed) return
    this.#freed = true
    closeSync(this.fd)
  }
}

export function isSame(a: Identity, b: Identity | undefined): boolean {
  return b !== undefined && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino
}
