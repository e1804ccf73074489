import { setTimeout } from 'node:timers/promises'
import type { OpBodies, OpType } from '../../../node/ledger/effect.ts'
import { get } from '../../harness/http.ts'
import type { MemberProcess } from '../../harness/member-process.ts'
import { Operator } from '../../harness/operator.ts'
import { ReplayUpstream } from '../../harness/replay.ts'
import { SyntheticRegistry } from '../../harness/synthetic.ts'
import type { Bench, Row } from '../bench.ts'
import { quiet, startMesh } from '../many.ts'

const ROW = '15'
/** Ms that a change may take at most (issue «Run it»), and between two looks whether it is everywhere. */
const GOAL = 5_000
const BEAT = 20
const LIMIT = 60_000

/** A change of a whole mesh that an operator hands in at a member: until it holds everywhere. */
export const meshChange: Row = {
  name: ROW,
  async run(bench) {
    const sizes = bench.smoke ? { seeds: 1, members: 2 } : { seeds: 3, members: 22 }
    const nodes = sizes.seeds + sizes.members
    await using stack = new AsyncDisposableStack()
    const registry = new SyntheticRegistry({ packages: 4, odd: false })
    const replay = stack.adopt(await new ReplayUpstream(registry.recording).start(), (started) => started.stop())
    bench.say(`starting a mesh of ${nodes} nodes`)
    const mesh = await startMesh(stack, sizes, { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } })
    const operator = new Operator(mesh.founded)
    const [kept, blocked] = registry.latest
    const member = mesh.members.find(({ role }) => role === 'member')
    if (!kept || !blocked || !member) throw new Error('there is nobody to change anything for')
    const values = { blocked: [] as number[], refused: [] as number[], purged: [] as number[] }
    for (let round = 0; round < bench.rounds; round++) {
      await quiet(
        bench,
        mesh.members.map(({ process }) => process),
      )
      for (const { url } of mesh.members) await get(`${url}/npm${kept.tarball}`)
      const change = new Change(operator, member)
      values.blocked.push(await change.until('policy.block', { purl: `pkg:npm/${blocked.name}` }, (acks) => acks === nodes))
      values.refused.push(
        await change.since(() =>
          all(mesh.members, async ({ url }) => (await get(`${url}/npm${blocked.tarball}`)).status === 403),
        ),
      )
      await change.until('policy.unblock', { purl: `pkg:npm/${blocked.name}` }, (acks) => acks === nodes)
      values.purged.push(await change.until('purge', { scopes: [{ kind: 'all' }] }, (acks) => acks === nodes))
      // Hidden at once, and removed behind that.
      await change.since(() => all(mesh.members, async (node) => (await node.status()).store.records === 0))
    }
    report(bench, nodes, values)
  },
}

/** A change that is under way. */
class Change {
  readonly #operator: Operator
  readonly #at: MemberProcess
  #began = 0

  constructor(operator: Operator, at: MemberProcess) {
    this.#operator = operator
    this.#at = at
  }

  /** Ms from handing it in until so many nodes have acknowledged it, as the node says where it was handed in. */
  async until<Type extends OpType>(type: Type, body: OpBodies[Type], isDone: (acks: number) => boolean): Promise<number> {
    this.#began = performance.now()
    const { status, body: op } = await this.#operator.issue(this.#at, type, body)
    if (status !== 202) throw new Error(`${type} was answered ${status}: ${op.detail}`)
    return this.since(async () => isDone((await this.#at.api('GET', `ops/${op.hash}`)).body.appliedBy?.length ?? 0))
  }

  /** Ms from handing the last one in until that is so. */
  async since(isSo: () => Promise<boolean>): Promise<number> {
    while (!(await isSo())) {
      if (performance.now() - this.#began > LIMIT) throw new Error('a change does not get around')
      await setTimeout(BEAT)
    }
    return performance.now() - this.#began
  }
}

async function all(nodes: readonly MemberProcess[], isSo: (node: MemberProcess) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(nodes.map(isSo))).every(Boolean)
}

function report(bench: Bench, nodes: number, values: Record<'blocked' | 'refused' | 'purged', number[]>): void {
  const shared = { row: ROW, unit: 'ms', compared: 'value', goal: { atMost: GOAL } } as const
  const work = `an op handed in at a member of ${nodes}`
  bench.report({ ...shared, work: `${work}: a block is acknowledged by all`, warren: values.blocked })
  bench.report({ ...shared, work: `${work}: all refuse the package`, warren: values.refused })
  bench.report({ ...shared, work: `${work}: a purge is acknowledged by all`, warren: values.purged })
}
