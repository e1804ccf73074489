import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseMeshAddress } from '../../node/member-address.ts'
import { parseTcpAddress } from '../../node/tcp-address.ts'
import { answer } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { get, HttpClient } from '../harness/http.ts'
import { keepLogs } from '../harness/kept-logs.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { npmCi, succeeded } from '../harness/npm.ts'
import { MeshOfProcesses } from '../harness/process-mesh.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SlowLink } from '../harness/slow-link.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { differences } from '../harness/trees.ts'
import { eventually } from '../harness/wait.ts'

const TIMEOUT_MS = 300_000
/** A seed looks through its pins some seconds after another one came, and leaves those of one that is gone alone for minutes. */
const KEPT_LIMIT_MS = 120_000
/** `mesh.replicas`, by default. */
const REPLICAS = 2
/** An address of this machine to which no member listens. */
const FAR = '127.0.0.2'

useLeakCheck()
const temp = useTempFolders()

async function upstreamOf(registry: SyntheticRegistry): Promise<ReplayUpstream> {
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  return replay
}

function meshBefore(replay: ReplayUpstream): MeshOfProcesses {
  const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
  const mesh = new MeshOfProcesses(temp, { config: { mirrors } })
  keepLogs(() => mesh.members)
  return mesh
}

/** The seed that is fetching something; undefined while none is. */
async function busy(seeds: readonly MemberProcess[]): Promise<MemberProcess | undefined> {
  for (const seed of seeds) if ((await seed.status()).flights > 0) return seed
  return undefined
}

describe('a mesh that loses seeds', () => {
  it('gives a client its whole file though a seed is killed amid it and its disk is gone', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const registry = new SyntheticRegistry({ packages: 3, versions: 1, bytes: [4_000_000, 6_000_000], odd: false })
    const replay = await upstreamOf(registry)
    await using mesh = meshBefore(replay)
    const seeds = await mesh.joinAll(3, { role: 'seed' })
    const member = await mesh.join()
    await mesh.connected()
    for (const [round, { tarball, archive }] of registry.latest.entries()) {
      replay.limit(2_000_000)
      const client = new HttpClient()
      try {
        const reading = await client.open(`${member.url}/npm${tarball}`)
        const hash = createHash('sha256').update(await reading.take(500_000))
        const lost = (await busy(seeds)) ?? seeds[round]
        await lost?.kill()
        lost?.loseStore()
        replay.limit(0)
        hash.update(await reading.take(archive.length))
        expect([reading.status, reading.complete, reading.received]).toEqual([200, true, archive.length])
        expect(hash.digest('hex')).toBe(createHash('sha256').update(archive).digest('hex'))
        await lost?.start()
        await mesh.connected()
      } finally {
        client.close()
      }
    }
    const isKept = async (seed: MemberProcess) => {
      const {
        flights,
        mesh: { pins },
      } = await seed.status()
      return flights === 0 && pins?.counted && pins.wanted > 0 && pins.missing === 0
    }
    for (const seed of seeds) await eventually(`${seed.name} has all its pins`, () => isKept(seed), KEPT_LIMIT_MS)
    let copies = 0
    for (const seed of seeds) copies += (await seed.status()).store.records
    expect(copies).toBeGreaterThanOrEqual(REPLICAS * registry.latest.length)
  })

  it('installs what any member holds from there and the rest from upstream when all seeds are gone', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const registry = new SyntheticRegistry({ packages: 12, odd: false })
    const replay = await upstreamOf(registry)
    await using mesh = meshBefore(replay)
    const seeds = await mesh.joinAll(2, { role: 'seed' })
    const [holder, fresh] = await mesh.joinAll(2)
    if (!holder || !fresh) throw new Error('they did not start')
    await mesh.connected()
    const held = registry.installable.filter((_, at) => at % 2 === 0)
    for (const { tarball } of held) expect((await get(`${holder.url}/npm${tarball}`)).status).toBe(200)
    await eventually('all is stored', async () => (await holder.status()).flights === 0)
    for (const seed of seeds) await seed.kill()
    await mesh.connected([holder, fresh])

    const gone = new Set(held.map(({ tarball }) => tarball))
    replay.fail(({ path }) => gone.has(path), instead(answer(503, 'not today')))
    const install = async (base: string) =>
      succeeded(await npmCi({ project: registry.project(base), registry: base, work: temp.create('npm') }))
    const installed = await install(`${fresh.url}/npm/`)
    const { requests } = await fresh.status()
    expect([requests.peer, requests.error]).toEqual([held.length, 0])
    replay.heal()
    expect(differences((await install(replay.url)).nodeModules, installed.nodeModules)).toEqual([])
  })

  it('gives a client its whole file over a slow link, where there is no other way to it', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    if (process.platform !== 'linux') context.skip(`only Linux has ${FAR}`)
    const registry = new SyntheticRegistry({ packages: 1, versions: 1, bytes: [2_000_000, 2_000_000], odd: false })
    const replay = await upstreamOf(registry)
    await using mesh = meshBefore(replay)
    const far = await mesh.join({ config: { mesh: { announce: [FAR] } } })
    const { listen, blobs } = (await far.status()).mesh
    // Blobs are fetched where the connection goes, so that both have to take the long way.
    const wires = [parseMeshAddress(listen[0] ?? ''), parseTcpAddress(blobs ?? '')].map(async (address) => {
      if (!address) throw new Error(`the member listens at ${listen[0]} and ${blobs}`)
      const { port } = address
      return SlowLink.open({ host: FAR, port }, { host: '127.0.0.1', port }, 1_000_000)
    })
    await using stack = new AsyncDisposableStack()
    const links = (await Promise.all(wires)).map((link) => stack.use(link))
    const near = await mesh.join()
    await mesh.connected()
    const [one] = registry.latest
    if (!one) throw new Error('there is no package')
    for (const path of [`/npm/${one.name}`, `/npm${one.tarball}`]) expect((await get(far.url + path)).status).toBe(200)
    await eventually('it is stored', async () => (await far.status()).flights === 0)
    // The document tells its digest; the bytes are nowhere else.
    expect((await get(`${near.url}/npm/${one.name}`)).status).toBe(200)
    replay.fail(/\.tgz$/, instead(answer(503, 'not today')))
    const reply = await get(`${near.url}/npm${one.tarball}`)
    expect([reply.status, reply.headers['x-warren-source'], reply.body.equals(one.archive)]).toEqual([200, 'peer', true])
    expect(links[1]?.passed).toBeGreaterThan(one.archive.length)
  })
})
