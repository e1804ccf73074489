import { statfsSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { get } from '../../harness/http.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { Downloader } from '../client.ts'
import { WRK_MISSING, Wrk } from '../load.ts'
import { BenchMesh, connected } from '../mesh.ts'
import { type Package, Packages, packageOf, tarballPath, tarballPaths } from '../packages.ts'
import { BareHttps } from '../rivals/bare-https.ts'
import { Upstream } from '../upstream.ts'
import { fill, Warren } from '../warren.ts'

const ROW = '5'
const GIB = 2 ** 30
const SMALL_BYTES = 16 << 10
const AT_ONCE = 32
/** Versions of one package, as packages really have them: their digests are looked up in its documents. */
const VERSIONS = 100
/** Share of small blobs that may come from elsewhere after all: where a peer took longer than it is given. */
const MAX_STRAYS = 0.01

interface Sizes {
  readonly large: number
  /** Packages of small blobs that are measured, and that are fetched before. */
  readonly small: number
  readonly warmUp: number
}

/** Blobs that another member has: what it costs to find them there, to check them and to keep them. */
export const peerBlobs: Row = {
  name: ROW,
  async run(bench) {
    const sizes = bench.smoke ? { large: 20_000_000, small: 40, warmUp: 20 } : { large: 1_000_000_000, small: 200, warmUp: 50 }
    const { bavail, bsize } = statfsSync(tmpdir())
    const smallBytes = (sizes.small + sizes.warmUp) * VERSIONS * SMALL_BYTES
    // Small blobs twice at a member, as long as its journal has them too.
    if (bavail * bsize < 5 * sizes.large + 3 * (bench.rounds + 1) * smallBytes + GIB)
      return bench.skip({ row: ROW, what: 'all of it', why: `no room in ${tmpdir()}` })
    await using stack = new AsyncDisposableStack()
    const wrk = Wrk.find(stack)
    if (!wrk) return bench.skip({ row: ROW, what: 'all of it', why: WRK_MISSING })
    const upstream = await Upstream.start(stack)
    const mesh = new BenchMesh()
    const holder = await Warren.start(stack, upstream, { ticket: mesh.ticket() })
    const blobs = blobsOf(sizes)
    const folder = tempFolder(stack, 'bare-files')
    const downloader = stack.use(new Downloader(bench.signal))
    bench.say('filling both sides')
    for (const one of Object.values(blobs).flat()) {
      await upstream.prepare(one)
      if (one.versions > 1) await fill(holder.url, tarballPaths(one), one.bytes, bench.signal)
      else await downloader.download(holder.url + tarballPath(one, 0), one.bytes)
      await writeArchives(folder, one)
    }
    await holder.settled(bench.signal)
    const { listen } = (await holder.status()).mesh
    const values = { large: { warren: [], bare: [] }, small: { warren: [], bare: [] } } as Values
    const part = { bench, wrk, upstream, blobs, values, kept: stack }
    for (let round = 0; round < bench.rounds; round++) {
      await measureSmall(part, mesh.ticket(listen))
      await measureBareSmall(part, folder)
    }
    for (let round = 0; round < bench.rounds; round++) {
      await measureLarge(part, mesh.ticket(listen))
      await measureBareLarge(part, folder)
    }
    report(bench, sizes, values)
  },
}

type Blobs = ReturnType<typeof blobsOf>
type Values = Record<'large' | 'small', Record<'warren' | 'bare', number[]>>

interface Part {
  readonly bench: Bench
  readonly wrk: Wrk
  readonly upstream: Upstream
  readonly blobs: Blobs
  readonly values: Values
  /**
   * Of the folders with small files, which stay until all is measured: for minutes ext4 looks past each inode that was freed before it
   * makes a file, which took both sides half a millisecond.
   */
  readonly kept: AsyncDisposableStack
}

function blobsOf({ large, small, warmUp }: Sizes) {
  return {
    large: [packageOf('peerlarge', { bytes: large })],
    largeWarmUp: [packageOf('peerlargewarm', { bytes: 64_000_000 })],
    small: packagesOf('peersmall', small),
    smallWarmUp: packagesOf('peersmallwarm', warmUp),
  }
}

function packagesOf(label: string, count: number): Package[] {
  return Array.from({ length: count }, (_, at) => packageOf(`${label}${at}x`, { bytes: SMALL_BYTES, versions: VERSIONS }))
}

/** A node that has nothing yet, beside one that has everything. Each round has one of its own. */
async function measureSmall({ bench, wrk, upstream, blobs, values, kept }: Part, ticket: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const node = await Warren.start(stack, upstream, { ticket, folders: kept })
  await connected(node)
  await learn(node, [...blobs.small, ...blobs.smallWarmUp])
  const load = (packages: readonly Package[], seconds: number) =>
    wrk.run(node.url, { paths: packages.flatMap(tarballPaths), connections: AT_ONCE, inOrder: true }, seconds)
  await load(blobs.smallWarmUp, 1)
  const before = (await node.status()).requests
  const { requests, seconds } = await load(blobs.small, bench.seconds)
  checkSources(before, (await node.status()).requests, requests)
  values.small.warren.push(requests / seconds)
}

async function measureLarge({ bench, upstream, blobs, values }: Part, ticket: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const node = await Warren.start(stack, upstream, { ticket })
  await connected(node)
  await learn(node, [...blobs.large, ...blobs.largeWarmUp])
  const client = stack.use(new Downloader(bench.signal))
  const fetched = async ([one]: readonly Package[]) => {
    if (!one) throw new Error('there is no large blob')
    const began = performance.now()
    // Nothing of a peer's blob goes out before all of it is here, checked and written: the first byte tells when that is.
    const source = await client.firstByte(node.url + tarballPath(one, 0))
    if (source !== 'peer') throw new Error(`the large blob came from ${source}, not from a peer`)
    return (one.bytes / (performance.now() - began)) * 1000
  }
  await fetched(blobs.largeWarmUp)
  values.large.warren.push(await fetched(blobs.large))
}

/** Gets the documents, so that the digests are known, as they are to a client that has resolved what it installs. */
async function learn(node: Warren, packages: readonly Package[]): Promise<void> {
  for (const { name } of packages) await get(`${node.url}/${name}`)
}

type Requests = Awaited<ReturnType<Warren['status']>>['requests']

function checkSources(before: Requests, after: Requests, requests: number): void {
  const grown = Object.entries(after).filter(([source, count]) => count > before[source as keyof Requests])
  if (after.peer - before.peer >= requests * (1 - MAX_STRAYS)) return
  throw new Error(`of ${requests} small blobs too few came from a peer: ${JSON.stringify(Object.fromEntries(grown))}`)
}

async function measureBareSmall({ blobs, values, kept }: Part, from: string): Promise<void> {
  const ms = await bareMs({ from, to: tempFolder(kept, 'bare-kept') }, [blobs.smallWarmUp, blobs.small], AT_ONCE)
  values.small.bare.push((blobs.small.length * VERSIONS * 1000) / ms)
}

async function measureBareLarge({ blobs, values }: Part, from: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const ms = await bareMs({ from, to: tempFolder(stack, 'bare-kept') }, [blobs.largeWarmUp, blobs.large], 1)
  values.large.bare.push((bytesOf(blobs.large) / ms) * 1000)
}

/** Ms for all archives of the second packages, after those of the first, so many at a time. */
async function bareMs(
  folders: { from: string; to: string },
  [warmUp, measured]: [Package[], Package[]],
  at: number,
): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const bare = await BareHttps.start(stack, folders)
  await bare.fetch(warmUp.flatMap(tarballPaths), at)
  return await bare.fetch(measured.flatMap(tarballPaths), at)
}

function bytesOf(packages: readonly Package[]): number {
  return packages.reduce((sum, { bytes, versions }) => sum + bytes * versions, 0)
}

async function writeArchives(folder: string, one: Package): Promise<void> {
  const packages = new Packages()
  for (let version = 0; version < one.versions; version++) {
    const file = join(folder, tarballPath(one, version))
    await mkdir(dirname(file), { recursive: true })
    writeFileSync(file, packages.archive(one, version))
  }
}

function report(bench: Bench, { large }: Sizes, { large: one, small: many }: Values): void {
  const bare = (values: number[]) => ({ name: 'bare https', values })
  const goal = { atLeast: 0.8 }
  const common = { row: ROW, compared: 'ratio', goal } as const
  bench.report({
    ...common,
    work: `${large / 1e6} MB blob from a peer`,
    unit: 'bytes/s',
    warren: one.warren,
    rival: bare(one.bare),
  })
  bench.report({
    ...common,
    work: `16 KiB blobs from a peer, ${AT_ONCE} at once`,
    unit: 'requests/s',
    warren: many.warren,
    rival: bare(many.bare),
  })
}
