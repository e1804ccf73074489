import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../../../node/errors.ts'
import { zipHash1 } from '../../../node/zip/digest.ts'
import type { ZipBytes } from '../../../node/zip/directory.ts'
import { type Check, type MakeCheck, sumMismatch } from './checks.ts'

/** Bytes that are read at a time. */
const PIECE_BYTES = 64 << 10

/** The hash of a module's zip in go.sum, which is of the files in it: what tells of them is at its end, so that all of it is kept aside. */
export function byModuleZip(h1: string): MakeCheck {
  return { id: h1, begin: () => new ZipCheck(h1) }
}

class ZipCheck implements Check, ZipBytes {
  readonly by = 'h1'
  readonly #h1: string
  readonly #file: number
  size = 0

  constructor(h1: string) {
    this.#h1 = h1
    const folder = mkdtempSync(join(tmpdir(), 'warren-'))
    try {
      this.#file = openSync(join(folder, 'zip'), 'wx+', 0o600)
    } finally {
      // Open as it is, it has no name any more that could be left behind.
      rmSync(folder, { recursive: true })
    }
  }

  update(part: Buffer): void {
    for (let done = 0; done < part.length; ) done += writeSync(this.#file, part, done, part.length - done, this.size + done)
    this.size += part.length
  }

  async verdict(): Promise<string | undefined> {
    try {
      return sumMismatch(this.#h1, await zipHash1(this))
    } catch (error) {
      return `it has no hash, where ${this.#h1} is wanted: ${reasonOf(error)}`
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  async at(position: number, length: number): Promise<Buffer> {
    if (position < 0 || position + length > this.size) throw new Error(`it ends before byte ${position + length}`)
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const read = readSync(this.#file, bytes, done, length - done, position + done)
      if (read === 0) throw new Error(`it ends before byte ${position + length}`)
      done += read
    }
    return bytes
  }

  async *pieces(start: number, end: number): AsyncGenerator<Buffer, void> {
    for (let at = start; at < end; at += PIECE_BYTES) yield await this.at(at, Math.min(PIECE_BYTES, end - at))
  }
}
