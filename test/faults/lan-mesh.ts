import type { TestContext } from 'vitest'
import { keepLogs } from '../harness/kept-logs.ts'
import { Lan } from '../harness/lan.ts'
import { MeshOfProcesses } from '../harness/process-mesh.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import type { TempFolders } from '../harness/temp.ts'

/** Machines whose wires can be cut, a registry that they reach, and a mesh that has no nodes yet. */
export class LanMesh implements AsyncDisposable {
  readonly lan: Lan
  readonly registry: SyntheticRegistry
  readonly replay: ReplayUpstream
  readonly mesh: MeshOfProcesses
  readonly #parts: AsyncDisposableStack

  private constructor(parts: Pick<LanMesh, 'lan' | 'registry' | 'replay' | 'mesh'>, disposer: AsyncDisposableStack) {
    this.lan = parts.lan
    this.registry = parts.registry
    this.replay = parts.replay
    this.mesh = parts.mesh
    this.#parts = disposer
  }

  /** As `Lan.create`. */
  static async create(
    context: TestContext,
    temp: TempFolders,
    { machines, packages }: { machines: number; packages: number },
  ): Promise<LanMesh> {
    await using starting = new AsyncDisposableStack()
    const lan = starting.use(Lan.create(context, machines))
    const registry = new SyntheticRegistry({ packages, odd: false })
    const replay = await new ReplayUpstream(registry.recording).start(lan.upstream)
    starting.defer(() => replay.stop())
    const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
    const mesh = starting.use(new MeshOfProcesses(temp, { config: { mirrors } }))
    keepLogs(() => mesh.members)
    return new LanMesh({ lan, registry, replay, mesh }, starting.move())
  }

  /** A node on each machine, every other one a seed; resolves when they are connected. */
  async joinAll(): Promise<void> {
    for (const [at, host] of this.lan.hosts.entries()) await this.mesh.join({ role: at % 2 === 0 ? 'seed' : 'member', host })
    await this.mesh.connected()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync()
  }
}
