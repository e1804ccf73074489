import { AbortScope } from '../abort-scope.ts'
import type { Clock } from '../clock.ts'
import { isOfBytes, parseDigest } from '../digest.ts'
import type { BlobSource, Mesh } from '../mesh/mesh.ts'
import type { Custody, LostBlob } from '../store/custody.ts'
import type { BlobStore, Staging } from '../store/store.ts'

export interface HealComponents {
  readonly blobs: Pick<BlobStore, 'stage'>
  readonly custody: Pick<Custody, 'names' | 'isNamed'>
  readonly mesh: Pick<Mesh, 'find'>
  readonly clock: Clock
}

const OVER = new Error('nobody waits for it any more')

/**
 * Fetches a lost blob from a member that has it, unless it was purged; nothing is kept before the whole is seen to be right. Whether it is
 * back.
 *
 * @param patience ms that each of them gets
 */
export async function heal(
  components: HealComponents,
  lost: LostBlob,
  patience: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { sha256 } = lost
  const { custody, mesh } = components
  for await (const source of mesh.find({ algorithm: 'sha256', hex: sha256 }, signal)) {
    if (!(await custody.isNamed(sha256))) return false
    const staging = components.blobs.stage({ size: lost.entry.size, algorithms: algorithmsOf(lost) })
    const life = new AbortScope(signal)
    const late = () => {
      source.stalled()
      life.end(new Error(`member ${source.id} took more than ${patience} ms`))
    }
    components.clock.sleep(patience, life.signal).then(late, () => {})
    try {
      if (!staging.storing) return false
      if (!(await bring(source, lost, staging, life.signal))) continue
      // The digests of what is in it are known by its names only.
      const names = await custody.names(sha256)
      // It may have been purged while it came, and would be kept without any name.
      return (await custody.isNamed(sha256)) && (await staging.commit(names))
    } catch {
      // Another one may have it, or reach further.
      signal.throwIfAborted()
    } finally {
      life.end(OVER)
      await staging.close()
    }
  }
  return false
}

async function bring(source: BlobSource, { sha256, entry }: LostBlob, staging: Staging, signal: AbortSignal): Promise<boolean> {
  const { size, body } = await source.open(0, signal)
  if (size !== entry.size) return blame(source, `it says that sha256:${sha256} has ${size} bytes instead of ${entry.size}`)
  for await (const chunk of body) {
    signal.throwIfAborted()
    if (staging.written + chunk.length > size) return blame(source, `it sent more of sha256:${sha256} than it promised`)
    if (staging.write(chunk)) continue
    // Nobody reads it on the way.
    staging.release(staging.written)
    await staging.drained()
  }
  if (staging.written < size) return blame(source, `it sent less of sha256:${sha256} than it promised`)
  const digests = await staging.seal()
  return digests.sha256 === sha256 || blame(source, `it sent other bytes than those of sha256:${sha256}`)
}

function blame(source: BlobSource, reason: string): false {
  source.blame(reason)
  return false
}

function algorithmsOf({ entry }: LostBlob) {
  return Object.entries(entry.digests)
    .flatMap(([algorithm, hex]) => parseDigest(`${algorithm}:${hex}`)?.algorithm ?? [])
    .filter(isOfBytes)
}
