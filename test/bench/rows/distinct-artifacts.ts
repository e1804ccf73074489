import { nginxRow } from '../contest.ts'
import { figuresOf } from '../load.ts'
import { Packages, packageOf, tarballPath, tarballPaths } from '../packages.ts'
import { Upstream } from '../upstream.ts'
import { fill, Warren } from '../warren.ts'

const ROW = '1b'
const BYTES = 16 << 10
const HOT_BYTES = 64 << 20
const CONNECTIONS = 64
const PACKAGES = 200
const VERSIONS = 100

/** Warm 16 KiB artifacts, far more than fit in the memory cache, in random order. */
export const distinctArtifacts = nginxRow(ROW, async ({ bench, stack, wrk, rival: nginx }) => {
  const packages = new Packages()
  const count = bench.smoke ? 2 : PACKAGES
  const all = Array.from({ length: count }, (_, at) => packageOf(`distinct${at}`, { bytes: BYTES, versions: VERSIONS }))
  const paths = all.flatMap(tarballPaths)
  for (const one of all) {
    for (let version = 0; version < one.versions; version++)
      nginx.write(tarballPath(one, version), packages.archive(one, version))
  }
  const upstream = await Upstream.start(stack)
  const warren = await Warren.start(stack, upstream, { hotBytes: HOT_BYTES })
  bench.say(`filling the node with ${paths.length} artifacts`)
  await warren.warm(paths, BYTES, bench.signal)
  const target = await nginx.start(stack, bench.signal)
  // Once, so that nginx too finds all of its files in the page cache.
  await fill(target.url, paths, BYTES, bench.signal)

  const contenders = { warren: { target: warren, paths }, nginx: { target, paths } }
  const measured = await wrk.compare(bench, contenders, { connections: CONNECTIONS })
  const work = `${paths.length} distinct 16 KiB artifacts, 64 MiB of memory`
  for (const figure of figuresOf({ row: ROW, work, unit: 'requests/s' }, measured, { nginx: { atLeast: 0.3 } }))
    bench.report(figure)
})
