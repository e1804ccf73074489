import { type Finding, note, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

/** Files that a node should be able to open: connections of clients, of members, and blobs. */
const ENOUGH = 4_096
/** Share of the limit that is too much. */
const FULL = 0.8

const RAISE = 'raise it: LimitNOFILE=65536 in its unit, or ulimit -n before it starts'

/** Whether the system lets the node open as many files and connections as it needs. */
export function checkLimits({ node }: Scene): readonly Finding[] {
  const { descriptors = null, maxDescriptors = null } = node?.examination?.process ?? {}
  if (maxDescriptors === null) return []
  const text = `${descriptors ?? 'some'} of ${maxDescriptors} files open`
  if (descriptors !== null && descriptors > maxDescriptors * FULL) return [wrong(text, RAISE)]
  return [maxDescriptors < ENOUGH ? note(text, RAISE) : ok(text)]
}
