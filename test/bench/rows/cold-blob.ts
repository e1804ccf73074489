import { statfsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, Row } from '../bench.ts'
import { Downloader } from '../client.ts'
import { type Figure, summarize } from '../figures.ts'
import type { Target } from '../load.ts'
import { type Package, packageOf, tarballPath } from '../packages.ts'
import { HAS_PROC, peakBytesOf, resetPeak } from '../proc.ts'
import { startRelay } from '../rivals/relay.ts'
import { Upstream } from '../upstream.ts'
import { Warren } from '../warren.ts'

const ROW = '4'
const GIB = 2 ** 30
/** 1 Gbit/s. */
const LINE_BYTES_PER_SECOND = 125_000_000
/** A node that has just started compiles as it goes: this much passes before CPU time is counted, in node and relay alike. */
const WARM_UP_BYTES = 64_000_000
/** Long enough to go through a node's hash workers and its file, as the large blob does. */
const PROBE_BYTES = 2 << 20

interface Sizes {
  readonly bytes: number
  readonly probes: number
  readonly rate: number
}

interface Values {
  readonly held: { warren: number[]; direct: number[] }
  readonly open: { warren: number[]; relay: number[] }
  readonly cpu: { warren: number[]; relay: number[] }
  readonly growth: number[]
  readonly firstByte: { warren: number[]; direct: number[] }
}

/** A blob that nobody has yet, on its way through a node: what the node adds to the way. */
export const coldBlob: Row = {
  name: ROW,
  async run(bench) {
    if (!HAS_PROC)
      return bench.skip({ row: ROW, what: 'all of it', why: 'CPU time and memory of a process are read from Linux’s /proc' })
    const sizes = bench.smoke
      ? { bytes: 20_000_000, probes: 4, rate: 40_000_000 }
      : { bytes: 1_000_000_000, probes: 100, rate: LINE_BYTES_PER_SECOND }
    // Two blobs of a node and one of the relay lie on the disk at once.
    const { bavail, bsize } = statfsSync(tmpdir())
    if (bavail * bsize < 4 * sizes.bytes + GIB)
      return bench.skip({ row: ROW, what: 'all of it', why: `no room in ${tmpdir()}` })
    await using stack = new AsyncDisposableStack()
    const upstream = await Upstream.start(stack)
    const relay = await startRelay(stack, upstream)
    const values: Values = {
      held: { warren: [], direct: [] },
      open: { warren: [], relay: [] },
      cpu: { warren: [], relay: [] },
      growth: [],
      firstByte: { warren: [], direct: [] },
    }
    for (let round = 0; round < bench.rounds; round++) await measureRound({ bench, upstream, relay, sizes, values, round })
    for (const figure of figuresOf(values, sizes)) bench.report(figure)
  },
}

interface Part {
  readonly bench: Bench
  readonly upstream: Upstream
  readonly relay: Target
  readonly sizes: Sizes
  readonly values: Values
  readonly round: number
}

/** Each round has a node of its own, so that memory is what one blob takes and the disk holds one round's blobs. */
async function measureRound(part: Part): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { bench, upstream, relay, values } = part
  const warren = await Warren.start(stack, upstream)
  const client = stack.use(new Downloader(bench.signal))
  const { pid } = warren.process
  // The first large blob starts the thread that hashes them all: its 20 MB are the node's, not those of one blob.
  const first = await prepared(part, 'first', PROBE_BYTES)
  await client.download(warren.url + tarballPath(first, 0), first.bytes)
  await warren.settled(bench.signal)
  resetPeak(pid)
  const started = peakBytesOf(pid)
  await measureOpen(part, client, 'warren', warren, warren)
  values.growth.push(peakBytesOf(pid) - started)
  // Before the relay leaves as much that the system has still to write, which nobody waits for there.
  await measureFirstBytes(part, client, warren)
  await measureOpen(part, client, 'relay', relay, warren)
  await measureHeld(part, client, warren)
}

/** As fast as it goes: how fast that is, and what CPU time it takes. */
async function measureOpen(
  part: Part,
  client: Downloader,
  name: 'warren' | 'relay',
  target: Target,
  warren: Warren,
): Promise<void> {
  const { bench, sizes, values } = part
  const [warmUp, blob] = [await prepared(part, 'warm', WARM_UP_BYTES), await prepared(part, 'open', sizes.bytes)]
  await touchPages(sizes.bytes)
  await client.download(target.url + tarballPath(warmUp, 0), warmUp.bytes)
  await warren.settled(bench.signal)
  const before = target.cpuSeconds() ?? Number.NaN
  const { totalMs } = await client.download(target.url + tarballPath(blob, 0), blob.bytes)
  await warren.settled(bench.signal)
  values.cpu[name].push((((target.cpuSeconds() ?? Number.NaN) - before) * GIB) / blob.bytes)
  values.open[name].push((blob.bytes / totalMs) * 1000)
}

/** Over a line of so many bytes a second. */
async function measureHeld(part: Part, client: Downloader, warren: Warren): Promise<void> {
  const { upstream, sizes, values } = part
  const blob = await prepared(part, 'held', sizes.bytes)
  await upstream.limit(sizes.rate)
  for (const [name, url] of [
    ['warren', warren.url],
    ['direct', upstream.url],
  ] as const) {
    const { totalMs } = await client.download(url + tarballPath(blob, 0), blob.bytes)
    values.held[name].push((blob.bytes / totalMs) * 1000)
  }
  await upstream.limit(0)
}

/** A package of this round whose digest upstream has worked out before anybody waits for it. */
async function prepared({ upstream, round }: Part, label: string, bytes: number, versions = 1): Promise<Package> {
  const made = packageOf(`${label}${round}`, { bytes, versions })
  await upstream.prepare(made)
  return made
}

/**
 * Writes and removes a file, so that what is written next goes to pages of memory that were in use before. In a virtual machine
 * the first use of a page costs its writer several times as much as the write, and would be charged to whoever happens on it.
 */
async function touchPages(bytes: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-bench-pages-'))
  try {
    await writeFile(join(folder, 'file'), blocks(bytes))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function* blocks(bytes: number): Iterable<Buffer> {
  const block = Buffer.alloc(1 << 20, 1)
  for (let at = 0; at < bytes; at += block.length) yield block
}

/** From the request to the first byte of the body, for many blobs that nobody had before. */
async function measureFirstBytes(part: Part, client: Downloader, warren: Warren): Promise<void> {
  const { bench, upstream, sizes, values } = part
  const probe = await prepared(part, 'probe', PROBE_BYTES, sizes.probes)
  const delays = { warren: [] as number[], direct: [] as number[] }
  for (let version = 0; version < probe.versions; version++) {
    bench.signal.throwIfAborted()
    for (const [name, url] of [
      ['warren', warren.url],
      ['direct', upstream.url],
    ] as const) {
      delays[name].push((await client.download(url + tarballPath(probe, version), probe.bytes)).firstByteMs)
    }
  }
  values.firstByte.warren.push(summarize(delays.warren).median)
  values.firstByte.direct.push(summarize(delays.direct).median)
}

function figuresOf({ held, open, cpu, growth, firstByte }: Values, { bytes, rate }: Sizes): Figure[] {
  const size = `${bytes / 1e6} MB`
  const direct = (values: number[]) => ({ name: 'direct', values })
  const relay = (values: number[]) => ({ name: 'relay', values })
  return [
    {
      row: ROW,
      work: `cold ${size} blob, upstream held to ${rate / 1e6} MB/s`,
      unit: 'bytes/s',
      warren: held.warren,
      rival: direct(held.direct),
      compared: 'ratio',
      goal: { atLeast: 0.97 },
    },
    {
      row: ROW,
      work: `cold ${size} blob, CPU time of the process`,
      unit: 'CPU s/GiB',
      warren: cpu.warren,
      rival: relay(cpu.relay),
      compared: 'ratio',
      goal: { atMost: 1.3 },
    },
    {
      row: ROW,
      work: `cold ${size} blob, as fast as it goes`,
      unit: 'bytes/s',
      warren: open.warren,
      rival: relay(open.relay),
      compared: 'ratio',
    },
    {
      row: ROW,
      work: 'cold blob, first byte later than direct',
      unit: 'ms',
      warren: firstByte.warren,
      rival: direct(firstByte.direct),
      compared: 'difference',
      goal: { atMost: 3 },
    },
    {
      row: ROW,
      work: `cold ${size} blob, growth of resident memory`,
      unit: 'bytes',
      warren: growth,
      compared: 'value',
      goal: { atMost: 64e6 },
    },
  ]
}
