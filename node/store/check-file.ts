import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Sha256 } from '../digest.ts'
import { CHECK_SLICE } from './constants.ts'
import { type Identity, OpenFile } from './open-file.ts'

/** A file that is to be read again, slowly. */
export interface CheckFile {
  readonly path: string
  /** Bytes a second. */
  readonly rate: number
}

export interface Checked extends Identity {
  readonly sha256: Sha256
}

/**
 * Hashes a file slice by slice, with pauses between them. Runs in a worker, since also to open a file that nobody has read lately may take
 * a disk some ms. Rejects with what the system says, also for anything that is not a regular file.
 */
export async function checkFile({ path, rate }: CheckFile): Promise<Checked> {
  // Opened in one call: a worker that is ended while the thread pool opens a file would leave it open for good.
  const file = OpenFile.open(path)
  try {
    const { size, mtimeMs, ino } = file
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(Math.min(CHECK_SLICE, size))
    for (let position = 0; position < size; ) {
      const bytes = await file.read(position, size - position, () => buffer)
      hash.update(bytes)
      position += bytes.length
      if (position < size) await setTimeout((bytes.length / rate) * 1_000)
    }
    return { sha256: hash.digest('hex'), size, mtimeMs, ino }
  } finally {
    file.close()
  }
}
