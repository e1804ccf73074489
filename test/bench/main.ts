import { cpus, loadavg, release, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench, Row } from './bench.ts'
import type { Figure, Skipped } from './figures.ts'
import { formatFigure, formatJson, formatTable } from './report.ts'
import { apt } from './rows/apt.ts'
import { coldBlob } from './rows/cold-blob.ts'
import { crates } from './rows/crates.ts'
import { crowd } from './rows/crowd.ts'
import { distinctArtifacts } from './rows/distinct-artifacts.ts'
import { fullStore } from './rows/full-store.ts'
import { goModules } from './rows/go-modules.ts'
import { hotArtifacts } from './rows/hot-artifacts.ts'
import { images } from './rows/images.ts'
import { largeBlob, largeLayer } from './rows/large-blob.ts'
import { maven } from './rows/maven.ts'
import { meshChange } from './rows/mesh-change.ts'
import { meshInstall } from './rows/mesh-install.ts'
import { packument } from './rows/packument.ts'
import { passingMember } from './rows/passing-member.ts'
import { peerBlobs } from './rows/peer-blobs.ts'
import { python } from './rows/python.ts'
import { reset } from './rows/reset.ts'
import { slowReaders } from './rows/slow-readers.ts'

const ROWS: readonly Row[] = [
  hotArtifacts,
  distinctArtifacts,
  images,
  largeBlob,
  largeLayer,
  packument,
  coldBlob,
  peerBlobs,
  crowd,
  meshInstall,
  fullStore,
  slowReaders,
  python,
  goModules,
  maven,
  crates,
  apt,
  meshChange,
  reset,
  passingMember,
]
const ROUNDS = 5
const SECONDS = 3
/** Load of others, in cores, from which on figures say more about the machine than about Warren. */
const BUSY_CORES = 0.5

const HELP = `npm run bench -- [options]
  --row N      only this row of the table, or all with that number (repeatable)
  --rounds N   rounds of each comparison (${ROUNDS})
  --json       print everything that was measured as JSON
  --smoke      tiny sizes and one round: proves that it runs, measures nothing`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      row: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: String(ROUNDS) },
      json: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(HELP)
  const rounds = values.smoke ? 1 : Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`--rounds takes a whole number above 0, not ${values.rounds}`)
  const chosen = ROWS.filter(
    ({ name }) => values.row.length === 0 || values.row.some((one) => name === one || /^\d+/.exec(name)?.[0] === one),
  )
  if (chosen.length === 0)
    throw new RangeError(`there is no row ${values.row.join(', ')}, only ${ROWS.map(({ name }) => name).join(', ')}`)

  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
  const figures: Figure[] = []
  const skipped: Skipped[] = []
  const say = (text: string) => console.error(`· ${text}`)
  const bench: Bench = {
    rounds,
    seconds: values.smoke ? 1 : SECONDS,
    smoke: values.smoke,
    signal: stop.signal,
    say,
    report(figure) {
      figures.push(figure)
      say(formatFigure(figure))
    },
    skip(one) {
      skipped.push(one)
      say(`skipped: ${one.row} ${one.what}: ${one.why}`)
    },
  }
  const machine = machineOf()
  if (Number(machine.load) > BUSY_CORES) say(`this machine is busy with other work (load ${machine.load}): figures will vary`)
  try {
    for (const row of chosen) {
      say(`row ${row.name}`)
      await row.run(bench)
    }
  } finally {
    const outcome = { machine, rounds, smoke: values.smoke, figures, skipped }
    if (figures.length + skipped.length > 0) console.log(values.json ? formatJson(outcome) : `\n${formatTable(outcome)}`)
  }
}

function machineOf() {
  const [load = 0] = loadavg()
  return {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    memory: totalmem(),
    system: `${process.platform} ${release()}`,
    node: process.version,
    load: load.toFixed(2),
  }
}

try {
  await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
