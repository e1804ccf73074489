import type { Clock } from '../clock.ts'
import type { BlobSource, Mesh } from '../mesh/mesh.ts'
import { MEMBER_PATIENCE, OVER } from './constants.ts'
import type { Plan } from './plan.ts'

/** Whether some member has an artifact: it begins to send it within two seconds. Who is only worth asking may have nothing. */
export async function isAtMember(
  { mesh, clock }: { mesh: Mesh; clock: Clock },
  plan: Plan,
  signal: AbortSignal,
): Promise<boolean> {
  if (!mesh.populated) return false
  const over = new AbortController()
  const asking = AbortSignal.any([signal, over.signal])
  const timeout = clock.sleep(MEMBER_PATIENCE, asking).then(
    () => false,
    () => false,
  )
  try {
    return await Promise.race([anyOf(mesh, plan, asking), timeout])
  } finally {
    // Also what a member has begun to send.
    over.abort(OVER)
  }
}

async function anyOf(mesh: Mesh, plan: Plan, signal: AbortSignal): Promise<boolean> {
  try {
    for (const digest of plan.digests ?? []) {
      for await (const source of mesh.find(digest, signal)) if (await has(source, signal)) return true
    }
  } catch {
    // Who cannot be asked does not have it.
  }
  return false
}

async function has(source: BlobSource, signal: AbortSignal): Promise<boolean> {
  try {
    await source.open(0, signal)
    return true
  } catch {
    return false
  }
}
