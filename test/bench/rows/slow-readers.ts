import { setTimeout } from 'node:timers/promises'
import type { Bench, Row } from '../bench.ts'
import { Downloader } from '../client.ts'
import { packageOf, tarballPath } from '../packages.ts'
import { HAS_PROC, peakBytesOf, resetPeak } from '../proc.ts'
import { SlowReaders } from '../slow-readers.ts'
import { Upstream } from '../upstream.ts'
import { Warren } from '../warren.ts'

const ROW = '9'
const READERS = 499
/** How long the slow ones go on after the fast one has everything. */
const AFTERWARDS_MS = 500

interface Values {
  readonly alone: number[]
  readonly among: number[]
  readonly growth: number[]
  readonly gets: number[]
}

/** One flight with hundreds of readers that take little or nothing of it, and one that wants it as fast as it comes. */
export const slowReaders: Row = {
  name: ROW,
  async run(bench) {
    if (!HAS_PROC) return bench.skip({ row: ROW, what: 'all of it', why: 'memory of a process is read from Linux’s /proc' })
    const [bytes, rate, count] = bench.smoke ? [4_000_000, 8_000_000, 20] : [200_000_000, 20_000_000, READERS]
    const values: Values = { alone: [], among: [], growth: [], gets: [] }
    for (let round = 0; round < bench.rounds; round++) await measureRound(bench, { bytes, rate, count, values })
    const work = `one flight of ${bytes / 1e6} MB at ${rate / 1e6} MB/s, ${count} slow readers`
    bench.report({
      row: ROW,
      work: `${work}: one that is not`,
      unit: 'bytes/s',
      warren: values.among,
      rival: { name: 'the same alone', values: values.alone },
      compared: 'ratio',
      goal: { atLeast: 0.97 },
    })
    bench.report({
      row: ROW,
      work: `${work}: growth of memory`,
      unit: 'bytes',
      warren: values.growth,
      compared: 'value',
      goal: { atMost: 64e6 },
    })
    bench.report({
      row: ROW,
      work: `${work}: asked of upstream`,
      unit: 'requests',
      warren: values.gets,
      compared: 'value',
      goal: { atMost: 1 },
    })
  },
}

interface Part {
  readonly bytes: number
  readonly rate: number
  readonly count: number
  readonly values: Values
}

/** Each round has a node of its own: memory that one crowd made it take is there for the next. */
async function measureRound(bench: Bench, { bytes, rate, count, values }: Part): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const upstream = await Upstream.start(stack)
  const warren = await Warren.start(stack, upstream)
  const client = stack.use(new Downloader(bench.signal))
  const [alone, among] = [packageOf('alone', { bytes }), packageOf('among', { bytes })]
  for (const one of [alone, among]) await upstream.prepare(one)
  await upstream.limit(rate)

  const before = await client.download(warren.url + tarballPath(alone, 0), bytes)
  values.alone.push((bytes / before.totalMs) * 1000)
  await warren.settled(bench.signal)

  const { pid } = warren.process
  resetPeak(pid)
  const idle = peakBytesOf(pid)
  const asked = await upstream.tarballs()
  const fast = client.download(warren.url + tarballPath(among, 0), bytes)
  const readers = stack.use(new SlowReaders(warren.url + tarballPath(among, 0), count))
  await readers.reading()
  values.among.push((bytes / (await fast).totalMs) * 1000)
  await setTimeout(AFTERWARDS_MS, undefined, { signal: bench.signal })
  readers.check()
  values.growth.push(peakBytesOf(pid) - idle)
  values.gets.push((await upstream.tarballs()) - asked)
}
