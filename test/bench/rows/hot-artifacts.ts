import { pushBlob } from '../../harness/docker-registry.ts'
import { blobOf } from '../../harness/oci-layers.ts'
import type { Bench, Row } from '../bench.ts'
import type { Goal } from '../figures.ts'
import { type Contender, figuresOf, WRK_MISSING, Wrk } from '../load.ts'
import { Packages, packageOf, tarballPaths } from '../packages.ts'
import { NGINX_MISSING, Nginx } from '../rivals/nginx.ts'
import { REGISTRY_MISSING, Registry } from '../rivals/registry.ts'
import { Verdaccio } from '../rivals/verdaccio.ts'
import { Upstream } from '../upstream.ts'
import { fill, Warren } from '../warren.ts'

const ROW = '1a'
const BYTES = 16 << 10
const CONNECTIONS = 64
const GOALS: Readonly<Record<string, Goal>> = {
  nginx: { atLeast: 0.9 },
  Verdaccio: { atLeast: 10 },
  'CNCF registry': { atLeast: 10 },
}
const SET = packageOf('hot', { bytes: BYTES, versions: 64 })

/** Warm 16 KiB artifacts that all fit in the memory cache. */
export const hotArtifacts: Row = {
  name: ROW,
  async run(bench) {
    await using stack = new AsyncDisposableStack()
    const wrk = Wrk.find(stack)
    if (!wrk) return bench.skip({ row: ROW, what: 'all of it', why: WRK_MISSING })
    const upstream = await Upstream.start(stack)
    const warren = await Warren.start(stack, upstream)
    const paths = tarballPaths(SET)
    await warren.warm(paths, BYTES, bench.signal)
    const rivals = await startRivals(bench, stack, upstream, paths)

    const single = Object.entries(rivals).map(([name, { target, paths }]) => [name, { target, paths: paths.slice(0, 1) }])
    const contenders = { warren: { target: warren, paths: paths.slice(0, 1) }, ...Object.fromEntries(single) }
    const one = await wrk.compare(bench, contenders, { connections: CONNECTIONS })
    for (const figure of figuresOf({ row: ROW, work: 'one hot 16 KiB artifact', unit: 'requests/s' }, one, GOALS))
      bench.report(figure)

    if (!rivals.nginx) return
    const several = await wrk.compare(
      bench,
      { warren: { target: warren, paths }, nginx: rivals.nginx },
      { connections: CONNECTIONS },
    )
    const work = `${SET.versions} hot 16 KiB artifacts`
    for (const figure of figuresOf({ row: ROW, work, unit: 'requests/s' }, several, GOALS)) bench.report(figure)
  },
}

/** All that are installed, each with the same artifacts. */
async function startRivals(
  bench: Bench,
  stack: AsyncDisposableStack,
  upstream: Upstream,
  paths: readonly string[],
): Promise<Record<string, Contender>> {
  const packages = new Packages()
  const rivals: Record<string, Contender> = {}
  const nginx = Nginx.find(stack)
  if (nginx) {
    for (const [version, path] of paths.entries()) nginx.write(path, packages.archive(SET, version))
    rivals.nginx = { target: await nginx.start(stack, bench.signal), paths }
  } else bench.skip({ row: ROW, what: 'nginx', why: NGINX_MISSING })

  const verdaccio = await Verdaccio.install(bench)
  if (typeof verdaccio !== 'string') {
    const target = await verdaccio.start(stack, upstream, bench.signal)
    await fill(target.url, paths.slice(0, 1), BYTES, bench.signal)
    rivals.Verdaccio = { target, paths }
  } else bench.skip({ row: ROW, what: 'Verdaccio', why: verdaccio })

  const registry = Registry.find()
  if (registry) {
    const target = await registry.start(stack, bench.signal)
    const blob = blobOf(packages.archive(SET, 0), 'application/octet-stream')
    rivals['CNCF registry'] = { target, paths: [await pushBlob(target.url, 'bench/blob', blob)] }
  } else bench.skip({ row: ROW, what: 'CNCF registry', why: REGISTRY_MISSING })
  return rivals
}
