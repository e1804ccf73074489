import { readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { DiskStore } from '../../../node/store/disk-store.ts'
import { get } from '../../harness/http.ts'
import { type NodeProcess, startNodeProcess } from '../../harness/node.ts'
import { Random } from '../../harness/random.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { Downloader } from '../client.ts'
import type { Figure } from '../figures.ts'
import { artifact, artifactKey, artifactPath, fillStore } from '../full-store.ts'
import { WRK_MISSING, Wrk } from '../load.ts'
import { HAS_PROC } from '../proc.ts'

const ROW = '8'
/** Nobody is asked there: everything is held. */
const BASE = 'http://127.0.0.1:1/'
/** Artifacts that are asked for: more than a measurement gets through, so that none is in the node's memory. */
const ASKED = 120_000
/** The share of these that is for the node to warm up with, and as many for a client that waits for each answer. */
const SHARE = 1 / 6
/** What a tiny file and its entries take of a disk. */
const BYTES_A_BLOB = 6_000
/** How long a node has nothing to do before its memory is read. */
const IDLE_MS = 10_000
/** By then the search for what a crash left is over, at 50 ms for each of 256 folders and some more for what is in them. */
const SWEPT_MS = 40_000

type Values = Record<'ready' | 'idle' | 'overHttp' | 'underLoad' | 'inProcess' | 'absent', number[]>

/** A million blobs: whether a node with them starts, answers and waits like one with a handful. */
export const fullStore: Row = {
  name: ROW,
  async run(bench) {
    if (!HAS_PROC) return bench.skip({ row: ROW, what: 'all of it', why: 'memory of a process is read from Linux’s /proc' })
    await using stack = new AsyncDisposableStack()
    const wrk = Wrk.find(stack)
    if (!wrk) return bench.skip({ row: ROW, what: 'all of it', why: WRK_MISSING })
    const blobs = bench.smoke ? 2_000 : 1_000_000
    const { bavail, bsize, ffree } = statfsSync(tmpdir())
    if (bavail * bsize < blobs * BYTES_A_BLOB || ffree < blobs)
      return bench.skip({ row: ROW, what: 'all of it', why: `no room in ${tmpdir()}` })

    const data = tempFolder(stack, 'full')
    bench.say(`making a store of ${blobs} blobs`)
    await fillStore({ data, base: BASE, blobs }, bench.signal)
    const random = new Random(8)
    const asked = Array.from({ length: Math.min(ASKED, blobs) }, () => random.between(0, blobs - 1))
    const share = Math.ceil(asked.length * SHARE)
    const [warmUp, many, oneAfterOther] = [asked.slice(0, share), asked.slice(share, -share), asked.slice(-share)]
    // What the disk takes to find a file that nobody has read for long is not the node's to answer for.
    for (const at of asked) readFileSync(join(data, 'store', 'blobs', artifact(at).sha256.slice(0, 2), artifact(at).sha256))

    const values: Values = { ready: [], idle: [], overHttp: [], underLoad: [], inProcess: [], absent: [] }
    for (let round = 0; round < bench.rounds; round++) {
      const { node, readyMs } = await start(data)
      stack.defer(() => node.stop())
      values.ready.push(readyMs)
      values.idle.push(await memoryAfter(bench, node, IDLE_MS))
      const ask = async (some: readonly number[], seconds: number) =>
        wrk.run(`${node.url}/npm`, { paths: some.map(artifactPath), connections: 1, inOrder: true }, seconds)
      await ask(warmUp, 1)
      // wrk takes it that whoever waits would have asked for others meanwhile: a pause counts as many late answers.
      values.underLoad.push((await ask(many, bench.seconds)).p99)
      values.overHttp.push(await oneByOne(bench, node, oneAfterOther))
      await node.stop()
      await lookUp(data, asked, values)
    }
    const killed = await start(data)
    await killed.node.kill()
    const after = await start(data)
    stack.defer(() => after.node.stop())
    const swept = await memoryAfter(bench, after.node, SWEPT_MS)
    report(bench, blobs, values, { ready: after.readyMs, swept })
  },
}

async function start(data: string): Promise<{ node: NodeProcess; readyMs: number }> {
  const npm = { protocol: 'npm', path: '/npm/', upstreams: [BASE] }
  const began = performance.now()
  const node = await startNodeProcess({ data, config: { mirrors: { npm }, store: { minFree: '1GiB' } } })
  const { status } = await get(`${node.url}/readyz`)
  if (status !== 200) throw new Error(`a node that says where it is answers /readyz with ${status}`)
  return { node, readyMs: performance.now() - began }
}

async function memoryAfter({ signal, smoke }: Bench, node: NodeProcess, ms: number): Promise<number> {
  await setTimeout(smoke ? 0 : ms, undefined, { signal })
  return node.rss() ?? Number.NaN
}

async function oneByOne(bench: Bench, node: NodeProcess, asked: readonly number[]): Promise<number> {
  using client = new Downloader(bench.signal)
  const took: number[] = []
  for (const at of asked) {
    const { totalMs } = await client.download(`${node.url}/npm${artifactPath(at)}`, artifact(at).bytes.length)
    took.push(totalMs)
  }
  return p99(took)
}

/** Look-ups by name and then by digest, and those of a digest that nobody has, in a store that was just opened. */
async function lookUp(data: string, asked: readonly number[], { inProcess, absent }: Values): Promise<void> {
  const trouble = (what: string) => {
    throw new Error(what)
  }
  const store = await DiskStore.open(
    { now: Date.now, trouble },
    { folder: join(data, 'store'), minFree: { bytes: 0 }, hotBytes: 1 << 20 },
  )
  const took: number[] = []
  const tookAbsent: number[] = []
  try {
    for (const at of asked) {
      const { sha256, sha512 } = artifact(at)
      const key = artifactKey(BASE, at)
      const began = performance.now()
      const record = store.records.get(key)
      const found = store.blobs.find({ algorithm: 'sha512', hex: sha512 })
      const between = performance.now()
      const nothing = store.blobs.find({ algorithm: 'sha512', hex: sha512.slice(64) + sha512.slice(0, 64) })
      took.push(between - began)
      tookAbsent.push(performance.now() - between)
      if (record?.blob !== sha256 || found !== sha256 || nothing) throw new Error(`the store has lost artifact ${at}`)
    }
  } finally {
    await store.close()
  }
  inProcess.push(p99(took))
  absent.push(p99(tookAbsent))
}

function p99(values: number[]): number {
  values.sort((one, other) => one - other)
  return values[Math.floor(values.length * 0.99)] ?? Number.NaN
}

function report(bench: Bench, blobs: number, values: Values, after: { ready: number; swept: number }): void {
  const ready = { unit: 'ms', goal: { atMost: 1_500 } } as const
  const lookup = { unit: 'ms', goal: { atMost: 1 } } as const
  const memory = { unit: 'bytes', goal: { atMost: 200e6 } } as const
  const lines: readonly Pick<Figure, 'work' | 'unit' | 'goal' | 'warren'>[] = [
    { work: 'ready after its start', ...ready, warren: values.ready },
    { work: 'ready after a kill', ...ready, warren: [after.ready] },
    { work: 'look-up over HTTP, 99th percentile', ...lookup, warren: values.overHttp },
    { work: 'the same as wrk counts it', unit: 'ms', warren: values.underLoad },
    { work: 'look-up by name and by digest, 99th percentile', ...lookup, warren: values.inProcess },
    { work: 'look-up of what is not there, 99th percentile', ...lookup, warren: values.absent },
    { work: 'resident memory, idle', ...memory, warren: values.idle },
    { work: 'the same after a kill, once it has looked for what that left', unit: 'bytes', warren: [after.swept] },
  ]
  for (const line of lines) bench.report({ ...line, row: ROW, work: `${blobs} blobs: ${line.work}`, compared: 'value' })
}
