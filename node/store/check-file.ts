import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Sha256 } from '../digest.ts'
import { CHECK_SLICE } from './constants.ts'
import { type Identity, READ_FLAGS } from './open-file.ts'

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
  const file = await open(path, READ_FLAGS)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw Object.assign(new Error(`${path} is not a file`), { code: 'EISDIR' })
    const { size, mtimeMs, ino } = stats
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(Math.min(CHECK_SLICE, size + 1))
    for (let position = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      position += bytesRead
      if (position < size) await setTimeout((bytesRead / rate) * 1_000)
    }
    return { sha256: hash.digest('hex'), size, mtimeMs, ino }
  } finally {
    await file.close()
  }
}
