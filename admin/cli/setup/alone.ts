import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Ms after which whoever has a file to itself must have been killed: it takes a few. */
const STALE = 10_000

/**
 * Does something to a file while no other `warren setup` does: of two at once one would keep the record of what the other has written,
 * and neither could be taken back. Throws Error while another one is at it.
 */
export function alone<T>(path: string, work: () => T): T {
  const lock = join(dirname(path), `${basename(path).replace(/^\.?/, '.')}.warren-lock.bak`)
  const stats = statSync(lock, { throwIfNoEntry: false })
  if (stats && Date.now() - stats.mtimeMs > STALE) rmSync(lock, { force: true })
  try {
    closeSync(openSync(lock, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Error(`another «warren setup» is about to change ${path}: run this again`, { cause: error })
  }
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}
