import { get } from '../../harness/http.ts'
import { ScriptedDebian, sha256 } from '../../harness/scripted-debian.ts'
import { nginxRow } from '../contest.ts'
import { Packages, packageOf } from '../packages.ts'
import { compareWarm } from '../warm.ts'
import { fill, Warren } from '../warren.ts'

const ROW = '14'
const CONNECTIONS = 64
const GOALS = { nginx: { atLeast: 0.5 } }
/** So many that their list has 16 kB. */
const DEBS = 64
const SUITE = '/dists/stable'

/** The release file and the list of packages of an archive, against a server that has nothing but files. */
export const apt = nginxRow(ROW, async ({ bench, stack, wrk, rival: nginx }) => {
  const archive = stack.adopt(await new ScriptedDebian().start(), (started) => started.stop())
  const [packages, contents] = [new Packages(), packageOf('deb', { versions: DEBS, bytes: 1000 })]
  for (let at = 0; at < DEBS; at++) archive.add({ name: `bench${at}`, bytes: packages.archive(contents, at) })
  archive.publish()
  const fetched = async (path: string) => (await get(`${archive.base.slice(0, -1)}${path}`)).body
  const list = await fetched(`${SUITE}/main/binary-amd64/Packages`)
  const files = new Map([
    [`${SUITE}/main/binary-amd64/by-hash/SHA256/${sha256(list)}`, list],
    [`${SUITE}/InRelease`, await fetched(`${SUITE}/InRelease`)],
  ])
  for (const [path, bytes] of files) nginx.write(path, bytes)
  const warren = await Warren.startMirror(stack, { protocol: 'raw', path: '/raw/bench/', upstreams: [archive.base] })
  const target = await nginx.start(stack, bench.signal)

  for (const [path, bytes] of files) {
    const isFixed = path.includes('/by-hash/')
    // Of a release file nobody may say that it is still right without asking: it is no hit of the store alone.
    if (isFixed) await warren.warm([path], bytes.length, bench.signal)
    else await fill(warren.url, [path], bytes.length, bench.signal)
    const sides = {
      warren: { target: warren, paths: [path], asked: () => archive.tally.total.requests },
      nginx: { target, paths: [path] },
    }
    const size = `${(bytes.length / 1000).toFixed(1)} kB`
    const work = isFixed ? `warm by-hash Packages of ${size}` : `InRelease of ${size}, asked for anew`
    const goals = isFixed ? GOALS : {}
    await compareWarm(bench, wrk, { row: ROW, work, load: { connections: CONNECTIONS }, goals, isFixed }, sides)
  }
})
