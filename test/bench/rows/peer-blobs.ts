import { statfsSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { get } from '../../harness/http.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { Downloader } from '../client.ts'
import { FetchingNode } from '../fetching-node.ts'
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
    // In each round two members, with small blobs twice as long as the journal has them too, and two bare readers.
    if (bavail * bsize < 5 * sizes.large + 6 * (bench.rounds + 1) * smallBytes + GIB)
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
    bench.say('filling both sides, and waiting a minute until all of it is synced')
    for (const one of Object.values(blobs).flat()) {
      await upstream.prepare(one)
      if (one.versions > 1) await fill(holder.url, tarballPaths(one), one.bytes, bench.signal)
      else await downloader.download(holder.url + tarballPath(one, 0), one.bytes)
      await writeArchives(folder, one)
    }
    await holder.settled(bench.signal)
    if (!bench.smoke) await holder.synced(bench.signal)
    const { listen } = (await holder.status()).mesh
    const values: Values = { large: none(), into: none(), small: none() }
    const part = { bench, wrk, upstream, blobs, values, kept: stack }
    for (let round = 0; round < bench.rounds; round++) {
      await measureInto(part, mesh.ticket(listen))
      await measureBareInto(part, folder)
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
type Sides = Record<'warren' | 'bare', number[]>
/** Of the large blob, of small ones that are fetched for the store, and of small ones that clients ask for. */
type Values = Record<'large' | 'into' | 'small', Sides>

const none = (): Sides => ({ warren: [], bare: [] })

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

/** Beside a node that has everything, one that has nothing yet. Each round has one of its own. */
async function measureInto({ bench, upstream, blobs, values, kept }: Part, ticket: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const node = await FetchingNode.start(stack, upstream, { ticket, folders: kept })
  await connected(node.warren)
  await learn(node.warren, [...blobs.small, ...blobs.smallWarmUp])
  await node.fetch(blobs.smallWarmUp.flatMap(tarballPaths), AT_ONCE)
  const { ms, sources } = await node.fetch(blobs.small.flatMap(tarballPaths), AT_ONCE)
  const count = countOf(blobs.small)
  checkSources(sources, count)
  bench.signal.throwIfAborted()
  values.into.warren.push((count * 1000) / ms)
}

async function measureBareInto({ blobs, values, kept }: Part, from: string): Promise<void> {
  const ms = await bareMs({ from, to: tempFolder(kept, 'bare-kept') }, [blobs.smallWarmUp, blobs.small], AT_ONCE)
  values.into.bare.push((countOf(blobs.small) * 1000) / ms)
}

async function measureSmall({ bench, wrk, upstream, blobs, values, kept }: Part, ticket: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const node = await Warren.start(stack, upstream, { ticket, folders: kept })
  await connected(node)
  await learn(node, [...blobs.small, ...blobs.smallWarmUp])
  await wrk.run(node.url, loadOf(blobs.smallWarmUp), 1)
  const before = (await node.status()).requests
  const { requests, seconds } = await wrk.run(node.url, loadOf(blobs.small), bench.seconds)
  const after = Object.entries((await node.status()).requests)
  checkSources(
    Object.fromEntries(after.map(([source, count]) => [source, count - before[source as keyof typeof before]])),
    requests,
  )
  values.small.warren.push(requests / seconds)
}

async function measureBareSmall({ bench, wrk, blobs, values, kept }: Part, from: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const { url } = await BareHttps.start(stack, { from, to: tempFolder(kept, 'bare-kept') })
  await wrk.run(url, loadOf(blobs.smallWarmUp), 1)
  const { requests, seconds } = await wrk.run(url, loadOf(blobs.small), bench.seconds)
  values.small.bare.push(requests / seconds)
}

function loadOf(packages: readonly Package[]) {
  return { paths: packages.flatMap(tarballPaths), connections: AT_ONCE, inOrder: true }
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

function checkSources(sources: Readonly<Record<string, number>>, requests: number): void {
  if ((sources.peer ?? 0) >= requests * (1 - MAX_STRAYS)) return
  throw new Error(`of ${requests} small blobs too few came from a peer: ${JSON.stringify(sources)}`)
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

function countOf(packages: readonly Package[]): number {
  return packages.reduce((sum, { versions }) => sum + versions, 0)
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

function report(bench: Bench, { large }: Sizes, values: Values): void {
  const bare = (given: readonly number[], name = 'bare https') => ({ name, values: given })
  const common = { row: ROW, compared: 'ratio', goal: { atLeast: 0.8 } } as const
  bench.report({
    ...common,
    work: `${large / 1e6} MB blob from a peer`,
    unit: 'bytes/s',
    warren: values.large.warren,
    rival: bare(values.large.bare),
  })
  const small = `16 KiB blobs from a peer, ${AT_ONCE} at once`
  const rate = { ...common, unit: 'requests/s' } as const
  bench.report({ ...rate, work: `${small}, into the store`, warren: values.into.warren, rival: bare(values.into.bare) })
  const handed = { ...rate, work: `${small}, handed to clients`, warren: values.small.warren }
  bench.report({ ...handed, rival: bare(values.small.bare, 'bare https that hands them on') })
  const { goal: _other, ...without } = handed
  bench.report({ ...without, rival: bare(values.into.bare, 'bare https that has no clients') })
}
