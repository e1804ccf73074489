import { ScriptedGo } from '../../harness/scripted-go.ts'
import { contestRow } from '../contest.ts'
import { Packages, packageOf } from '../packages.ts'
import { Goproxy } from '../rivals/goproxy.ts'
import { compareWarm } from '../warm.ts'
import { fill, Warren } from '../warren.ts'

const ROW = '11'
const BYTES = 16 << 10
const CONNECTIONS = 64
const RIVAL = 'goproxy'
/** It sends files from its disk as they are, on all cores: ten times that is more than a connection carries. */
const FILE_GOALS = { [RIVAL]: { atLeast: 1 } }
/** It asks upstream about each list. */
const LIST_GOALS = { [RIVAL]: { atLeast: 10 } }
/** Versions of one module. */
const VERSIONS = 64
const MODULE = 'bench.test/hot'
const FILLER = 'filler.bin'

/** Warm files of a module, and the list of its versions. Both sides believe the checksum database of their upstream. */
export const goModules = contestRow(
  ROW,
  (bench) => Goproxy.build(bench),
  async ({ bench, stack, wrk, rival: goproxy }) => {
    const [own, rivals] = [await startProxy(stack), await startProxy(stack)]
    const mirror = { protocol: 'go', path: '/go/', upstreams: [own.url], sumdb: own.sumdb } as const
    const warren = await Warren.startMirror(stack, mirror)
    const target = await goproxy.start(stack, rivals, bench.signal)
    const load = { connections: CONNECTIONS }
    const sides = (paths: readonly string[]) => ({
      warren: { target: warren, paths, asked: () => own.tally.total.requests },
      [RIVAL]: { target, paths, asked: () => rivals.tally.total.requests },
    })
    const files = (ending: string) => Array.from({ length: VERSIONS }, (_, at) => `/${MODULE}/@v/${versionOf(at)}.${ending}`)

    for (const [work, paths, bytes] of [
      [`${VERSIONS} warm 16 KiB .zip`, files('zip'), BYTES],
      [`${VERSIONS} warm .info and .mod`, [...files('info'), ...files('mod')], undefined],
    ] as const) {
      await warren.warm(paths, bytes, bench.signal)
      await fill(target.url, paths, bytes, bench.signal)
      await compareWarm(bench, wrk, { row: ROW, work, load, goals: FILE_GOALS, isFixed: true }, sides(paths))
    }
    const list = [`/${MODULE}/@v/list`]
    await warren.warm(list, undefined, bench.signal)
    await fill(target.url, list, undefined, bench.signal)
    const work = `warm list of ${VERSIONS} versions`
    await compareWarm(bench, wrk, { row: ROW, work, load, goals: LIST_GOALS, isFixed: false }, sides(list))
  },
)

/** A module proxy whose archives have exactly so many bytes, with its own checksum database. */
async function startProxy(stack: AsyncDisposableStack): Promise<ScriptedGo> {
  const proxy = stack.adopt(await new ScriptedGo().start(), (started) => started.stop())
  const publish = (to: ScriptedGo, at: number, filler: Buffer) =>
    to.publish(MODULE, versionOf(at), { files: { [FILLER]: filler }, way: { stored: true } })
  const around = publish(new ScriptedGo(), 0, Buffer.alloc(0)).zip.length
  const contents = packageOf('filler', { versions: VERSIONS, bytes: BYTES - around })
  const packages = new Packages()
  for (let at = 0; at < VERSIONS; at++) publish(proxy, at, packages.archive(contents, at))
  return proxy
}

/** All of one length, so that archives are, too. */
function versionOf(at: number): string {
  return `v1.0.${100 + at}`
}
