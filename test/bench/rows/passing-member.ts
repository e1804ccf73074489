import { mkdirSync, readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { get } from '../../harness/http.ts'
import { startNodeProcess } from '../../harness/node.ts'
import { ReplayUpstream } from '../../harness/replay.ts'
import { SyntheticRegistry } from '../../harness/synthetic.ts'
import { eventually } from '../../harness/wait.ts'
import { type Bench, type Row, tempFolder } from '../bench.ts'
import { startMesh } from '../many.ts'

const ROW = '17'
/** Ms within which a member that is there for one job has joined and got something from another one (issue «Into people's hands»). */
const GOAL = 2_000
const LATENCY_MS = 20
const LIMIT_MS = 30_000

type Values = Record<'joined' | 'served' | 'forgotten', number[]>

/** A member for one job: started with a ticket, served by a seed, stopped, and forgotten. Its start is that of the command in a checkout. */
export const passingMember: Row = {
  name: ROW,
  async run(bench) {
    await using stack = new AsyncDisposableStack()
    const registry = new SyntheticRegistry({ packages: 1, versions: 1, odd: false })
    const replay = stack.adopt(await new ReplayUpstream(registry.recording).start(), (started) => started.stop())
    replay.latencyMs = LATENCY_MS
    const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
    bench.say('starting a seed and a member')
    const mesh = await startMesh(stack, { seeds: 1, members: 1 }, mirrors)
    const path = `/npm${registry.installable[0]?.tarball}`
    const [seed] = mesh.seeds
    if (!seed) throw new Error('there is no seed')
    if ((await get(seed.url + path)).status !== 200) throw new Error('the seed could not get it')
    const values: Values = { joined: [], served: [], forgotten: [] }
    for (let round = 0; round < bench.rounds; round++) {
      const data = tempFolder(stack, 'job')
      mkdirSync(data, { recursive: true })
      const config = {
        mirrors,
        store: { minFree: '1GiB' },
        mesh: { ephemeral: true, mdns: false, listen: '127.0.0.1:0', blobs: '127.0.0.1:0' },
      }
      const ticket = await mesh.ticket()
      const before = new Set((await seed.peers()).map(({ id }) => id))
      const began = performance.now()
      const node = await startNodeProcess({ data, config, env: { WARREN_TICKET: ticket } })
      try {
        const hasJoined = async () => (await node.status()).mesh.peers > 0
        await eventually('it has joined', hasJoined, LIMIT_MS)
        values.joined.push(performance.now() - began)
        const { status, headers } = await get(node.url + path)
        values.served.push(performance.now() - began)
        const source = headers['x-warren-source']
        if (status !== 200 || !['seed', 'peer'].includes(`${source}`)) throw new Error(`${status} came from ${source}`)
      } finally {
        await node.stop()
      }
      const stopped = performance.now()
      const isForgotten = async () => (await seed.peers()).every(({ id, connected }) => before.has(id) || !connected)
      await eventually('the seed has forgotten it', isForgotten, LIMIT_MS)
      values.forgotten.push(performance.now() - stopped)
      const left = readdirSync(data).filter((name) => !['store', 'test-config.yaml'].includes(name))
      if (left.length > 0) throw new Error(`it left ${left.join(', ')}`)
    }
    report(bench, values)
  },
}

function report(bench: Bench, { joined, served, forgotten }: Values): void {
  const shared = { row: ROW, unit: 'ms', compared: 'value' } as const
  const work = 'a member for one job, from its start'
  bench.report({ ...shared, work: `${work}: joined`, warren: joined })
  bench.report({ ...shared, work: `${work}: an artifact from a seed`, goal: { atMost: GOAL }, warren: served })
  bench.report({ ...shared, work: 'the same, from its end: nobody counts it any more', warren: forgotten })
}
