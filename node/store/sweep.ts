import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Sha256 } from '../digest.ts'
import { SWEEP_NAMES } from './constants.ts'

export interface SweepComponents {
  readonly index: { holds(sha256: Sha256): boolean }
  /** Runs `task` while nothing else changes index or files. */
  alone<T>(task: () => Promise<T>): Promise<T>
}

/**
 * Removes files that no index entry names: a crash between two steps leaves them behind, and nobody else would ever find
 * them. Goes folder by folder with pauses, so that a node with a million blobs can serve meanwhile. Anything that does not
 * have the name of a blob is left alone. Resolves with the number of files removed; rejects as soon as the index cannot tell
 * what belongs to it, or with the reason of `signal`.
 */
export async function sweep(
  components: SweepComponents,
  init: { folder: string; pause: number },
  signal: AbortSignal,
): Promise<number> {
  let removed = 0
  for (let shard = 0; shard < 256; shard++) {
    await setTimeout(init.pause, undefined, { signal, ref: false })
    const name = shard.toString(16).padStart(2, '0')
    const orphans = await orphansIn(components, join(init.folder, name), new RegExp(`^${name}[0-9a-f]{62}$`), signal)
    if (orphans.length === 0) continue
    await components.alone(async () => {
      for (const orphan of orphans) {
        // Once more: it may have been committed since.
        if (components.index.holds(orphan)) continue
        await rm(join(init.folder, name, orphan), { recursive: true, force: true })
        removed++
      }
    })
  }
  return removed
}

async function orphansIn({ index }: SweepComponents, folder: string, blob: RegExp, signal: AbortSignal): Promise<Sha256[]> {
  const names = await readdir(folder).catch(() => [])
  const orphans: Sha256[] = []
  for (const [at, name] of names.entries()) {
    if (at % SWEEP_NAMES === SWEEP_NAMES - 1) await setImmediate()
    signal.throwIfAborted()
    if (blob.test(name) && !index.holds(name)) orphans.push(name)
  }
  return orphans
}
