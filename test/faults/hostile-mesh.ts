import { expect, onTestFinished } from 'vitest'
import { HostileMember, type HostileMemberInit, LONG } from '../harness/hostile-member.ts'
import { get } from '../harness/http.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { MeshOfProcesses } from '../harness/process-mesh.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { type SyntheticInit, type SyntheticPackage, SyntheticRegistry } from '../harness/synthetic.ts'
import type { TempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

const SEEDS = 2
const MEMBERS = 3

export interface HostileMeshInit {
  /** By the name of the mirror before it, of which its path is made. */
  readonly registries: Readonly<Record<string, SyntheticInit>>
  /** What seeds do for each member. */
  readonly budget?: Readonly<Record<string, number>>
}

interface Upstream {
  readonly registry: SyntheticRegistry
  readonly replay: ReplayUpstream
}

/** Two seeds and three honest members, each in a process of its own, before registries of which everything is known. */
export class HostileMesh implements AsyncDisposable {
  readonly mesh: MeshOfProcesses
  readonly seeds: readonly MemberProcess[]
  readonly members: readonly MemberProcess[]
  /** Both, members first. */
  readonly honest: readonly MemberProcess[]
  readonly #temp: TempFolders
  readonly #upstreams: ReadonlyMap<string, Upstream>
  readonly #parts: AsyncDisposableStack

  private constructor(
    parts: Pick<HostileMesh, 'mesh'> & { readonly temp: TempFolders; readonly upstreams: ReadonlyMap<string, Upstream> },
    disposer: AsyncDisposableStack,
  ) {
    this.mesh = parts.mesh
    this.seeds = parts.mesh.seeds
    this.members = parts.mesh.members.filter(({ role }) => role === 'member')
    this.honest = [...this.members, ...this.seeds]
    this.#temp = parts.temp
    this.#upstreams = parts.upstreams
    this.#parts = disposer
  }

  static async start(temp: TempFolders, { registries, budget = {} }: HostileMeshInit): Promise<HostileMesh> {
    await using starting = new AsyncDisposableStack()
    const upstreams = new Map<string, Upstream>()
    const mirrors: Record<string, unknown> = {}
    for (const [name, init] of Object.entries(registries)) {
      const registry = new SyntheticRegistry({ versions: 1, odd: false, ...init })
      const replay = await new ReplayUpstream(registry.recording).start()
      starting.defer(() => replay.stop())
      upstreams.set(name, { registry, replay })
      mirrors[name] = { protocol: 'npm', path: `/${name}/`, upstreams: [replay.url] }
    }
    const mesh = starting.use(new MeshOfProcesses(temp, { config: { mirrors, mesh: { budget } } }))
    // One after the other, each once the one before knows everybody: whoever comes is told of all.
    for (let count = 0; count < SEEDS + MEMBERS; count++) {
      const node = await mesh.join({ role: count < SEEDS ? 'seed' : 'member' })
      await eventually(`${node.name} is connected with all`, async () => (await node.status()).mesh.peers >= count, LONG)
    }
    await mesh.connected()
    return new HostileMesh({ mesh, temp, upstreams }, starting.move())
  }

  packages(mirror: string): readonly SyntheticPackage[] {
    return this.#upstream(mirror).registry.latest
  }

  replay(mirror: string): ReplayUpstream {
    return this.#upstream(mirror).replay
  }

  /** A further identity of the attacker, which is connected with everybody; it leaves when the test is over. */
  async attacker(init: Omit<HostileMemberInit, 'ticket'> & { readonly role?: 'member' | 'seed' } = {}): Promise<HostileMember> {
    const { role = 'member', ...rest } = init
    const attacker = await HostileMember.join(this.#temp, { ticket: await this.mesh.ticket(role), ...rest })
    onTestFinished(() => attacker[Symbol.asyncDispose]())
    await attacker.meets(this.honest)
    return attacker
  }

  /** Installs a package through a node as a client does: both its document and its archive are right. Where the archive came from. */
  async install(node: MemberProcess, mirror: string, { name, tarball, integrity, archive }: SyntheticPackage): Promise<string> {
    const document = await get(`${node.url}/${mirror}/${name}`)
    const versions = JSON.parse(document.body.toString()).versions ?? {}
    const told = Object.values<{ dist: { integrity: string } }>(versions).map(({ dist }) => dist.integrity)
    expect([document.status, told], `${name} at ${node.name}`).toEqual([200, [integrity]])
    const reply = await get(`${node.url}/${mirror}${tarball}`)
    const what = `${tarball} at ${node.name}: ${reply.status} with ${reply.body.length} of ${archive.length} bytes`
    expect([reply.status, reply.complete, reply.body.equals(archive)], what).toEqual([200, true, true])
    return String(reply.headers['x-warren-source'])
  }

  /** Why a node leaves somebody alone; undefined while it does not. */
  async reason(at: MemberProcess, of: Pick<HostileMember, 'id'>): Promise<string | undefined> {
    return (await at.peers()).find(({ id }) => id === of.id)?.quarantine?.reason
  }

  /** Nobody blames whoever meant well. */
  async blamesNobodyHonest(): Promise<void> {
    const ids = new Set(this.honest.map(({ peer }) => peer))
    for (const node of this.honest) {
      const blamed = (await node.peers()).filter(({ id, quarantine }) => ids.has(id) && quarantine !== null)
      expect(blamed, `at ${node.name}`).toEqual([])
    }
  }

  /** Resolves once nobody fetches anything. */
  async atRest(): Promise<void> {
    for (const node of this.mesh.running) {
      await eventually(`${node.name} is at rest`, async () => (await node.status()).flights === 0, LONG)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync()
  }

  #upstream(mirror: string): Upstream {
    const upstream = this.#upstreams.get(mirror)
    if (!upstream) throw new RangeError(`there is no mirror «${mirror}»`)
    return upstream
  }
}
