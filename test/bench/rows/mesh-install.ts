import type { NodeProcess } from '../../harness/node.ts'
import { npmCi, succeeded } from '../../harness/npm.ts'
import { ReplayUpstream } from '../../harness/replay.ts'
import { SyntheticRegistry } from '../../harness/synthetic.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { quiet, startLone, startMesh } from '../many.ts'

const ROW = '7'
const LATENCY_MS = 20
/** Sizes of archives, as most of those in real lockfiles. */
const BYTES = [2_000, 150_000] as const

interface Sizes {
  readonly packages: number
  readonly seeds: number
  readonly members: number
  /** Members that install at once. */
  readonly atOnce: number
}

interface Values {
  readonly mesh: number[]
  readonly lone: number[]
  readonly meshCpu: number[]
  readonly loneCpu: number[]
  readonly together: number[]
  readonly archives: number[]
  readonly documents: number[]
  readonly bytes: number[]
  readonly oneCopy: number[]
}

/** An upstream with a registry of its own, and the mirror of it that all nodes have. */
interface Source {
  readonly registry: SyntheticRegistry
  readonly replay: ReplayUpstream
  /** With a slash at both ends. */
  readonly path: string
}

/** Cold installations by npm through a member of a mesh of processes: what being in a mesh costs, and what ten at once cost upstream. */
export const meshInstall: Row = {
  name: ROW,
  async run(bench) {
    const sizes = bench.smoke
      ? { packages: 5, seeds: 1, members: 2, atOnce: 2 }
      : { packages: 150, seeds: 3, members: 22, atOnce: 10 }
    const values: Values = {
      mesh: [],
      lone: [],
      meshCpu: [],
      loneCpu: [],
      together: [],
      archives: [],
      documents: [],
      bytes: [],
      oneCopy: [],
    }
    await using stack = new AsyncDisposableStack()
    const one = await startSource(stack, sizes, 1)
    const many = await startSource(stack, sizes, 2)
    const warmUp = await startSource(stack, sizes, 3)
    for (let round = 0; round < bench.rounds; round++) {
      await measureLone(bench, sizes, values, { warmUp, one })
      await measureMesh(bench, sizes, values, { warmUp, one, many })
    }
    report(bench, sizes, values)
  },
}

async function startSource(stack: AsyncDisposableStack, { packages }: Sizes, seed: number): Promise<Source> {
  const registry = new SyntheticRegistry({ packages, versions: 1, bytes: BYTES, odd: false, seed })
  const replay = stack.adopt(await new ReplayUpstream(registry.recording).start(), (started) => started.stop())
  replay.latencyMs = LATENCY_MS
  return { registry, replay, path: `/npm-${seed}/` }
}

function mirrorsOf(...sources: readonly Source[]) {
  return Object.fromEntries(
    sources.map(({ replay, path }) => [path.slice(1, -1), { protocol: 'npm', path, upstreams: [replay.url] }]),
  )
}

async function measureLone(
  bench: Bench,
  sizes: Sizes,
  values: Values,
  { warmUp, one }: Record<'warmUp' | 'one', Source>,
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  bench.say(`starting ${sizes.seeds + sizes.members} lone nodes`)
  const nodes = await startLone(stack, sizes.seeds + sizes.members, mirrorsOf(warmUp, one))
  const [node] = nodes
  if (!node) throw new Error('there is no node')
  // Nodes run for long: what is compared is not how fast their code gets fast.
  await install(stack, node.url, warmUp)
  await quiet(bench, nodes)
  const before = cpuSecondsOf(nodes)
  values.lone.push(await install(stack, node.url, one))
  values.loneCpu.push(cpuSecondsOf(nodes) - before)
}

async function measureMesh(
  bench: Bench,
  sizes: Sizes,
  values: Values,
  { warmUp, one, many }: Record<'warmUp' | 'one' | 'many', Source>,
): Promise<void> {
  await using stack = new AsyncDisposableStack()
  bench.say(`starting a mesh of ${sizes.seeds + sizes.members} nodes`)
  const mesh = await startMesh(stack, sizes, mirrorsOf(warmUp, one, many))
  const nodes = mesh.members.map((member) => member.process)
  const members = mesh.members.filter(({ role }) => role === 'member')
  const [member] = members
  if (!member) throw new Error('there is no member')
  await install(stack, member.url, warmUp)
  await quiet(bench, nodes)
  const before = cpuSecondsOf(nodes)
  values.mesh.push(await install(stack, member.url, one))
  values.meshCpu.push(cpuSecondsOf(nodes) - before)

  await quiet(bench, nodes)
  const { tally } = many.replay
  tally.reset()
  const began = performance.now()
  await Promise.all(members.slice(-sizes.atOnce).map(({ url }) => install(stack, url, many)))
  values.together.push(performance.now() - began)
  const installed = many.registry.installable
  const archives = tally.kind('tarball')
  values.archives.push(archives.requests / installed.length)
  values.documents.push((tally.total.requests - archives.requests) / installed.length)
  values.bytes.push(archives.bytes)
  values.oneCopy.push(installed.reduce((sum, { archive }) => sum + archive.length, 0))
}

function cpuSecondsOf(nodes: readonly NodeProcess[]): number {
  return nodes.reduce((sum, node) => sum + (node.cpuSeconds() ?? Number.NaN), 0)
}

/** How many ms `npm ci` takes with an empty cache, from a lockfile that names the archives, as lockfiles do. */
async function install(stack: AsyncDisposableStack, url: string, { registry, path }: Source): Promise<number> {
  const base = url + path
  const began = performance.now()
  succeeded(await npmCi({ project: registry.project(base), registry: base, work: tempFolder(stack, 'install') }))
  return performance.now() - began
}

function report(bench: Bench, { packages, seeds, members, atOnce }: Sizes, values: Values): void {
  const nodes = seeds + members
  const one = `npm ci of ${packages} packages through a member of ${nodes}`
  const lone = (given: readonly number[]) => ({ name: 'a lone node', values: given })
  const [ms, once] = [{ unit: 'ms' }, { row: ROW, compared: 'value', goal: { atMost: 1 } }] as const
  bench.report({
    row: ROW,
    work: one,
    ...ms,
    warren: values.mesh,
    rival: lone(values.lone),
    compared: 'ratio',
    goal: { atMost: 1.1 },
  })
  const seconds = { row: ROW, work: `${one}: CPU time of all nodes`, unit: 'CPU s', compared: 'ratio' } as const
  bench.report({ ...seconds, warren: values.meshCpu, rival: lone(values.loneCpu) })
  const many = `the same on ${atOnce} members at once`
  bench.report({ row: ROW, work: many, ...ms, warren: values.together, compared: 'value' })
  bench.report({ ...once, work: `${many}: requests for each archive at upstream`, unit: 'requests', warren: values.archives })
  bench.report({
    row: ROW,
    work: `${many}: bytes of archives from upstream`,
    unit: 'bytes',
    warren: values.bytes,
    rival: { name: 'one copy', values: values.oneCopy },
    compared: 'ratio',
    goal: { atMost: 1 },
  })
  bench.report({
    row: ROW,
    work: `${many}: requests for documents, for each package`,
    unit: 'requests',
    warren: values.documents,
    compared: 'value',
  })
}
