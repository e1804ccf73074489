import { ScriptedCargo } from '../../harness/scripted-cargo.ts'
import { nginxRow } from '../contest.ts'
import { Packages, packageOf } from '../packages.ts'
import { compareWarm } from '../warm.ts'
import { Warren } from '../warren.ts'

const ROW = '13'
const CONNECTIONS = 64
const GOALS = { nginx: { atLeast: 0.5 } }
/** So many that their index file has 4 kB. */
const VERSIONS = 27
const SET = packageOf('hot', { versions: VERSIONS, bytes: 16 << 10 })
const CRATE = 'benched'
const INDEX = '/be/nc/benched'

/** A warm index file and the warm archives that it names, against a server that has nothing but files. */
export const crates = nginxRow(ROW, async ({ bench, stack, wrk, rival: nginx }) => {
  const registry = stack.adopt(await new ScriptedCargo().start(), (started) => started.stop())
  const packages = new Packages()
  const archives = Array.from({ length: VERSIONS }, (_, at) => {
    const archive = packages.archive(SET, at)
    const { version, sha256 } = registry.publish(CRATE, `1.0.${at}`, { archive })
    const path = `/crates/${CRATE}/${version}/${sha256}.crate`
    nginx.write(path, archive)
    return path
  })
  const index = registry.indexFile(CRATE)
  nginx.write(INDEX, index)
  const warren = await Warren.startMirror(stack, { protocol: 'cargo', path: '/cargo/', upstreams: [registry.index] })
  const target = await nginx.start(stack, bench.signal)

  const asked = () => registry.tally.total.requests + registry.files.tally.total.requests
  for (const { work, paths, bytes, isFixed } of [
    {
      work: `warm index file of ${(index.length / 1000).toFixed(1)} kB`,
      paths: [INDEX],
      bytes: index.length,
      isFixed: false,
    },
    { work: `${VERSIONS} warm 16 KiB crates`, paths: archives, bytes: SET.bytes, isFixed: true },
  ]) {
    await warren.warm(paths, bytes, bench.signal)
    const sides = { warren: { target: warren, paths, asked }, nginx: { target, paths } }
    await compareWarm(bench, wrk, { row: ROW, work, load: { connections: CONNECTIONS }, goals: GOALS, isFixed }, sides)
  }
})
