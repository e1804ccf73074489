import type { Row } from '../bench.ts'
import { figuresOf, WRK_MISSING, Wrk } from '../load.ts'
import { Packages, packageOf, tarballPaths } from '../packages.ts'
import { NGINX_MISSING, Nginx } from '../rivals/nginx.ts'
import { Upstream } from '../upstream.ts'
import { Warren } from '../warren.ts'

const ROW = '2'
const CONNECTIONS = 4

/** One warm blob, far larger than any buffer. */
export const largeBlob: Row = {
  name: ROW,
  async run(bench) {
    await using stack = new AsyncDisposableStack()
    const wrk = Wrk.find(stack)
    const nginx = Nginx.find(stack)
    if (!wrk || !nginx) return bench.skip({ row: ROW, what: 'all of it', why: wrk ? NGINX_MISSING : WRK_MISSING })
    const large = packageOf('large', { bytes: bench.smoke ? 5_000_000 : 100_000_000 })
    const paths = tarballPaths(large)
    const upstream = await Upstream.start(stack)
    const warren = await Warren.start(stack, upstream)
    await warren.warm(paths, large.bytes, bench.signal)
    for (const path of paths) nginx.write(path, new Packages().archive(large, 0))
    const target = await nginx.start(stack, bench.signal)

    const contenders = { warren: { target: warren, paths }, nginx: { target, paths } }
    const measured = await wrk.compare(bench, contenders, { connections: CONNECTIONS })
    const work = `one warm ${large.bytes / 1e6} MB blob`
    for (const figure of figuresOf({ row: ROW, work, unit: 'bytes/s' }, measured, { nginx: { atLeast: 1 } }))
      bench.report(figure)
  },
}
