import { setTimeout } from 'node:timers/promises'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { MeshOfProcesses, startSome } from '../harness/process-mesh.ts'
import { type Bench, tempFolder } from './bench.ts'

/** Part of a core that many nodes together may use when they are said to have nothing to do. */
const IDLE_CORES = 0.2
/** Over which it is counted: a mesh that is settling down, or shares what it has just got among its seeds, does so in bursts. */
const WINDOW_MS = 5_000
const QUIET_LIMIT_MS = 60_000
const READY_LIMIT_MS = 60_000

/** Settings of many nodes on one machine, whose disks are one. */
function settingsOf(mirrors: Readonly<Record<string, unknown>>) {
  return { mirrors, store: { minFree: '1GiB' } }
}

/** So many nodes that know nothing of each other. */
export function startLone(
  stack: AsyncDisposableStack,
  count: number,
  mirrors: Readonly<Record<string, unknown>>,
): Promise<NodeProcess[]> {
  return startSome(count, async () => {
    const init = { data: tempFolder(stack, 'lone'), config: settingsOf(mirrors), readyLimitMs: READY_LIMIT_MS }
    return stack.adopt(await startNodeProcess(init), (node) => node.stop())
  })
}

/** A mesh whose members have found each other. */
export async function startMesh(
  stack: AsyncDisposableStack,
  { seeds, members }: { seeds: number; members: number },
  mirrors: Readonly<Record<string, unknown>>,
): Promise<MeshOfProcesses> {
  // Of their own, so that none is removed while its node still writes there.
  const folders = stack.use(new AsyncDisposableStack())
  const create = (name = 'node') => tempFolder(folders, name)
  const mesh = stack.use(new MeshOfProcesses({ create }, { config: settingsOf(mirrors) }))
  await mesh.joinAll(seeds, { role: 'seed' })
  await mesh.joinAll(members)
  await mesh.connected()
  return mesh
}

/** Resolves when the nodes have nothing to do any more; after a minute in any case, and says so. */
export async function quiet(bench: Bench, nodes: readonly NodeProcess[]): Promise<void> {
  const used = () => nodes.reduce((sum, node) => sum + (node.cpuSeconds() ?? 0), 0)
  const end = performance.now() + QUIET_LIMIT_MS
  for (let before = used(); ; ) {
    const began = performance.now()
    await setTimeout(WINDOW_MS, undefined, { signal: bench.signal })
    const now = used()
    const cores = ((now - before) * 1000) / (performance.now() - began)
    if (cores < IDLE_CORES) return
    if (performance.now() > end) return bench.say(`${nodes.length} nodes still use ${cores.toFixed(2)} cores`)
    before = now
  }
}
