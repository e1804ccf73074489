import { closeSync, constants, existsSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { reasonOf, WarrenError } from '../errors.ts'
import { createSecretFile, syncFolder, writeSecretFile } from '../trust/secret-file.ts'
import { MAX_OP_CHARS } from '../trust/statement.ts'
import { MAX_HISTORY, MAX_OPS } from './constants.ts'

/** Bytes that are read of a file: twice as many ops as a ledger keeps, each as long as it may be. */
const MAX_BYTES = 2 * (MAX_OPS + MAX_HISTORY) * (MAX_OP_CHARS + 1)

const NEWLINE = 0x0a

/** Neither follows a link nor waits for the other end of a pipe; Windows has neither. */
const SAFE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/**
 * Lines in a file that grows. The node and the command line append to the same one: each writes its lines at once and at the
 * end, and reads what the other has written. A line without an end is one whose write was broken off, or is under way.
 */
export class LedgerFile {
  readonly path: string
  #inode: bigint | undefined
  /** Bytes that were read: whole lines only. */
  #offset = 0

  constructor(path: string) {
    this.path = path
  }

  /** Bytes of the lines that were read. */
  get size(): number {
    return this.#offset
  }

  /** Lines that were not read yet; none while there is no file. Throws STORE_UNUSABLE. */
  read(): string[] {
    return (
      this.#with('read', constants.O_RDONLY | SAFE, (descriptor) => {
        const { ino, size } = fstatSync(descriptor, { bigint: true })
        // Another file took its place.
        if (ino !== this.#inode || size < this.#offset) this.#offset = 0
        this.#inode = ino
        const bytes = readBetween(descriptor, this.#offset, Math.min(Number(size), MAX_BYTES))
        const end = bytes.lastIndexOf(NEWLINE) + 1
        this.#offset += end
        return bytes
          .subarray(0, end)
          .toString('latin1')
          .split('\n')
          .filter((line) => line !== '')
      }) ?? []
    )
  }

  /**
   * They are there after a power cut once this returns. What was broken off before them becomes a line of its own, and is not cut: it may
   * be what another process is just writing. Throws STORE_UNUSABLE.
   */
  append(lines: readonly string[]): void {
    // Another process may be first with this, and neither write is lost then.
    if (!existsSync(this.path)) createSecretFile(this.path, '')
    this.#with('written', constants.O_RDWR | constants.O_APPEND | SAFE, (descriptor) => {
      const { size } = fstatSync(descriptor)
      const isBroken = readBetween(descriptor, Math.max(0, size - 1), size).some((last) => last !== NEWLINE)
      const bytes = Buffer.from(`${isBroken ? '\n' : ''}${lines.map((line) => `${line}\n`).join('')}`, 'latin1')
      if (writeSync(descriptor, bytes) < bytes.length) throw new Error('the disk takes no more')
      fsyncSync(descriptor)
    })
    syncFolder(dirname(this.path))
  }

  /** Puts the lines in the place of all that there is. Throws STORE_UNUSABLE. */
  replace(lines: readonly string[]): void {
    writeSecretFile(this.path, lines.map((line) => `${line}\n`).join(''))
  }

  /** Undefined when it is to be read and not there. */
  #with<T>(what: 'read' | 'written', flags: number, act: (descriptor: number) => T): T | undefined {
    let descriptor: number | undefined
    try {
      descriptor = openSync(this.path, flags)
      if (!fstatSync(descriptor).isFile()) throw new Error('it is no regular file')
      return act(descriptor)
    } catch (error) {
      if (what === 'read' && error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw new WarrenError('STORE_UNUSABLE', `${this.path} cannot be ${what}: ${reasonOf(error)}`, { cause: error })
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }
}

/** The bytes from `start` to `end`; fewer where the file ends before. */
function readBetween(descriptor: number, start: number, end: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, end - start))
  let length = 0
  while (length < bytes.length) {
    const read = readSync(descriptor, bytes, length, bytes.length - length, start + length)
    if (read === 0) break
    length += read
  }
  return bytes.subarray(0, length)
}
