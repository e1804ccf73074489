import type { Clock } from '../clock.ts'
import type { Mesh } from '../mesh/mesh.ts'
import { MEMBER_PATIENCE, OVER } from './constants.ts'
import type { Plan } from './plan.ts'

/** Whether some member says within two seconds that it has an artifact. */
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
    over.abort(OVER)
  }
}

async function anyOf(mesh: Mesh, plan: Plan, signal: AbortSignal): Promise<boolean> {
  try {
    for (const digest of plan.digests ?? []) {
      for await (const _ of mesh.find(digest, signal)) return true
    }
  } catch {
    // Who cannot be asked does not have it.
  }
  return false
}
