import { statfsSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Pool } from 'undici'
import { get } from '../../harness/http.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { Downloader } from '../client.ts'
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
/** Share of small blobs that may come from upstream after all, where a peer took longer than it is given. */
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
    const sizes = bench.smoke ? { large: 20_000_000, small: 1, warmUp: 1 } : { large: 1_000_000_000, small: 30, warmUp: 10 }
    const { bavail, bsize } = statfsSync(tmpdir())
    if (bavail * bsize < 5 * sizes.large + GIB)
      return bench.skip({ row: ROW, what: 'all of it', why: `no room in ${tmpdir()}` })
    await using stack = new AsyncDisposableStack()
    const upstream = await Upstream.start(stack)
    const mesh = new BenchMesh()
    const holder = await Warren.start(stack, upstream, { ticket: mesh.ticket() })
    const blobs = blobsOf(sizes)
    const folder = tempFolder(stack, 'bare-files')
    const downloader = stack.use(new Downloader(bench.signal))
    for (const one of Object.values(blobs).flat()) {
      bench.say(`filling both sides with ${one.versions} × ${one.bytes} bytes`)
      await upstream.prepare(one)
      if (one.versions > 1) await fill(holder.url, tarballPaths(one), one.bytes, bench.signal)
      else await downloader.download(holder.url + tarballPath(one, 0), one.bytes)
      await writeArchives(folder, one)
    }
    await holder.settled(bench.signal)
    const { listen } = (await holder.status()).mesh
    const values = { large: { warren: [], bare: [] }, small: { warren: [], bare: [] } } as Values
    for (let round = 0; round < bench.rounds; round++) {
      await measureWarren({ bench, upstream, blobs, values }, mesh.ticket(listen))
      await measureBare({ bench, upstream, blobs, values }, folder)
    }
    report(bench, sizes, values)
  },
}

type Blobs = ReturnType<typeof blobsOf>
type Values = Record<'large' | 'small', Record<'warren' | 'bare', number[]>>

interface Part {
  readonly bench: Bench
  readonly upstream: Upstream
  readonly blobs: Blobs
  readonly values: Values
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
async function measureWarren({ bench, upstream, blobs, values }: Part, ticket: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const node = await Warren.start(stack, upstream, { ticket })
  await connected(node)
  // The documents, so that the digests are known, as they are to a client that has resolved what it installs.
  for (const { name } of Object.values(blobs).flat()) await get(`${node.url}/${name}`)
  const client = stack.adopt(new Pool(new URL(node.url).origin, { connections: AT_ONCE }), (pool) => pool.destroy())
  const fetchAll = async (packages: readonly Package[], range?: string) => {
    const began = performance.now()
    const paths = packages.flatMap(tarballPaths)
    const strays: string[] = []
    let next = 0
    const worker = async () => {
      for (;;) {
        const path = paths[next++]
        if (path === undefined) return
        const headers = range === undefined ? {} : { range }
        const answer = await client.request({ method: 'GET', path: `/npm${path}`, headers, signal: bench.signal })
        const source = answer.headers['x-warren-source']
        await answer.body.dump({ limit: Number.POSITIVE_INFINITY })
        if (answer.statusCode > 206) throw new Error(`${path} was answered ${answer.statusCode}`)
        if (source !== 'peer') strays.push(`${path} (${source})`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    const ms = performance.now() - began
    if (strays.length > paths.length * MAX_STRAYS) throw new Error(`not from a peer: ${strays.slice(0, 5).join(', ')}`)
    return ms
  }
  await fetchAll(blobs.smallWarmUp)
  values.small.warren.push((blobs.small.length * VERSIONS * 1000) / (await fetchAll(blobs.small)))
  await node.settled(bench.signal)
  // Nothing of a peer's blob goes out before all of it is here, checked and written: the first byte tells when that is.
  await fetchAll(blobs.largeWarmUp, 'bytes=0-0')
  values.large.warren.push((bytesOf(blobs.large) / (await fetchAll(blobs.large, 'bytes=0-0'))) * 1000)
}

async function measureBare({ blobs, values }: Part, folder: string): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const bare = await BareHttps.start(stack, folder)
  const fetchAll = (packages: readonly Package[], at: number) => bare.fetch(packages.flatMap(tarballPaths), at)
  await fetchAll(blobs.smallWarmUp, AT_ONCE)
  values.small.bare.push((blobs.small.length * VERSIONS * 1000) / (await fetchAll(blobs.small, AT_ONCE)))
  await fetchAll(blobs.largeWarmUp, 1)
  values.large.bare.push((bytesOf(blobs.large) / (await fetchAll(blobs.large, 1))) * 1000)
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
