import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Secret } from '../../node/secret.ts'
import { answer } from '../harness/answer.ts'
import { cutOff } from '../harness/cut-off.ts'
import { delay, headers, instead } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { parseMetrics, sumOf } from '../harness/prometheus.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const registry = new SyntheticRegistry({ packages: 12, odd: false })
const PACKAGES = registry.latest.slice(0, 12)
/** As npm asks for documents when it installs. */
const ABBREVIATED = { accept: 'application/vnd.npm.install-v1+json' }

async function replayed(): Promise<ReplayUpstream> {
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  return replay
}

/** Gets the document and the tarball of each package, and looks at every byte of the latter. */
async function install({ url }: MeshNode, packages = PACKAGES): Promise<void> {
  await Promise.all(
    packages.map(async ({ name, tarball, integrity }) => {
      const document = await exchange(`${url}/npm/${name.replace('/', '%2f')}`, { headers: ABBREVIATED })
      expect([name, document.status]).toEqual([name, 200])
      expect(JSON.parse(document.body.toString()).name).toBe(name)
      const { status, body } = await exchange(`${url}/npm${tarball}`)
      expect([name, status]).toEqual([name, 200])
      expect(`sha512-${createHash('sha512').update(body).digest('base64')}`).toBe(integrity)
    }),
  )
}

/** Resolves once each knows so many seeds besides itself. */
async function connected(nodes: readonly MeshNode[], seeds: number): Promise<void> {
  for (const node of nodes) {
    await eventually('all know the seeds', async () => {
      const others = (await node.peers()).filter(({ connected, role }) => connected && role === 'seed')
      return others.length >= seeds
    })
  }
}

/** Most requests that any one path was asked for. */
function copies({ tally }: ReplayUpstream): number {
  const counts = new Map<string, number>()
  for (const { path } of tally.log) counts.set(path, (counts.get(path) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}

describe('a mesh with seeds', () => {
  it('asks upstream once for everything that any number of members want at once', async () => {
    const replay = await replayed()
    replay.latencyMs = 20
    const init = { upstream: replay.url }
    const mesh = await TestMesh.create(temp, init)
    const seeds = [mesh.seed, await mesh.join({ ...init, role: 'seed' }), await mesh.join({ ...init, role: 'seed' })]
    const members = await Promise.all(Array.from({ length: 5 }, () => mesh.join(init)))
    await connected(seeds, 2)
    await connected(members, 3)

    await Promise.all(members.map((member) => install(member)))
    expect(replay.tally.kind('tarball').requests).toBe(PACKAGES.length)
    expect(copies(replay)).toBe(1)
    for (const member of members) {
      const { requests } = await member.status()
      expect([requests.upstream, requests.error, requests.negative]).toEqual([0, 0, 0])
      expect(requests.seed).toBeGreaterThan(0)
    }
    // A seed’s own clients come by the same way.
    for (const seed of seeds) await install(seed)
    expect(copies(replay)).toBe(1)
  })

  it.each([
    ['by name, for nothing else', undefined, 1],
    ['after its document, by a member in another zone', 'there', 2],
  ])('is asked for an archive of which no digest is known %s', async (_, zone, questions) => {
    const replay = await replayed()
    const init = { upstream: replay.url }
    const mesh = await TestMesh.create(temp, { ...init, config: { mesh: { zone: 'here' } } })
    const member = await mesh.join({ ...init, ...(zone === undefined ? {} : { config: { mesh: { zone } } }) })
    for (const { tarball, integrity } of PACKAGES) {
      const { status, body } = await exchange(`${member.url}/npm${tarball}`)
      expect([status, `sha512-${createHash('sha512').update(body).digest('base64')}`]).toEqual([200, integrity])
    }
    const page = parseMetrics(await mesh.seed.metrics())
    expect(sumOf(page, 'warren_member_requests_total', { service: 'artifacts' })).toBe(questions * PACKAGES.length)
    await storeAtRest(member)
    const { digests, held } = await member.explain(`/npm${PACKAGES[0]?.tarball}`)
    expect([digests.length, digests[0]?.startsWith('sha512:'), held?.private]).toEqual([1, true, false])
    expect([copies(replay), (await member.peers()).some(({ quarantine }) => quarantine)]).toEqual([1, false])
  })

  it('gives a fresh member names and artifacts, whose own way to upstream is cut', async () => {
    const replay = await replayed()
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    await install(mesh.seed)
    await storeAtRest(mesh.seed)
    await replay.gone()
    const member = await mesh.join({ upstream: replay.url, overrides: cutOff() })
    await install(member)
    const { requests } = await member.status()
    expect([requests.seed, requests.upstream]).toEqual([2 * PACKAGES.length, 0])
    // What it has now it has for itself.
    await mesh.seed.node.stop()
    await install(member)
  })

  it('serves what it holds while upstream is gone, and says what upstream said', async () => {
    const replay = await replayed()
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const member = await mesh.join({ upstream: replay.url, overrides: cutOff() })
    const absent = await exchange(`${member.url}/npm/no-such-package`)
    expect([absent.status, JSON.parse(absent.body.toString()).error]).toEqual([404, expect.stringContaining('404')])
    await replay.gone()
    const unknown = await exchange(`${member.url}/npm/${PACKAGES[0]?.name}`)
    expect([unknown.status, unknown.headers['retry-after']]).toEqual([503, expect.any(String)])
  })

  it('takes the next seed when one is gone amid an installation, and upstream when all are', async () => {
    const replay = await replayed()
    const init = { upstream: replay.url }
    const mesh = await TestMesh.create(temp, init)
    const second = await mesh.join({ ...init, role: 'seed' })
    const member = await mesh.join(init)
    await connected([mesh.seed, second], 1)
    await connected([member], 2)
    await install(member, PACKAGES.slice(0, 4))
    const stopping = mesh.seed.node.stop()
    await install(member, PACKAGES.slice(4, 8))
    await stopping
    expect((await member.status()).requests.error).toBe(0)
    await second.node.stop()
    await install(member, PACKAGES.slice(8))
    const { requests } = await member.status()
    expect([requests.error, requests.upstream]).toEqual([0, 8])
  })

  it('hands over what a member fetched alone, which the seed looks up itself', async () => {
    const replay = await replayed()
    const init = { upstream: replay.url }
    const mesh = await TestMesh.create(temp, init)
    const member = await mesh.join(init)
    await mesh.seed.node.stop()
    await install(member, PACKAGES.slice(0, 3))
    expect((await member.status()).requests.upstream).toBe(6)
    const late = await mesh.join({ ...init, role: 'seed', addresses: (await member.status()).mesh.listen })
    await connected([member], 1)
    // To a question for headers alone nothing is fetched.
    const isHeld = async (path: string) =>
      (await exchange(`${late.url}/npm${path}`, { method: 'HEAD' })).headers['x-warren-source'] === 'local'
    await eventually('the seed has it all', async () => {
      for (const { tarball } of PACKAGES.slice(0, 3)) if (!(await isHeld(tarball))) return false
      return (await late.status()).store.records >= 6
    })
    await storeAtRest(late)
    await replay.gone()
    await member.node.stop()
    await install(late, PACKAGES.slice(0, 3))
  })

  it('shares the pause that an upstream wants', async () => {
    const replay = await replayed()
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const member = await mesh.join({ upstream: replay.url })
    replay.fail(/./, instead(answer(429, 'later', { 'retry-after': '60' })))
    const answered = await exchange(`${member.url}/npm/${PACKAGES[0]?.name}`)
    expect([answered.status, Number(answered.headers['retry-after']) > 30]).toEqual([429, true])
    const asked = replay.tally.total.requests
    await exchange(`${member.url}/npm/${PACKAGES[1]?.name}`)
    expect(replay.tally.total.requests).toBe(asked)
  })

  it('waits for a seed that waits for a slow upstream', async () => {
    const replay = await replayed()
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const member = await mesh.join({ upstream: replay.url, overrides: cutOff() })
    replay.fail(/./, delay(1_500))
    await install(member, PACKAGES.slice(0, 2))
  })

  it('fetches for members also from an upstream whose headers no member could take', async () => {
    const replay = await replayed()
    replay.fail(
      /./,
      headers({ etag: `"${'x'.repeat(9_000)}"`, 'content-disposition': `inline; filename=${'y'.repeat(9_000)}` }),
    )
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const member = await mesh.join({ upstream: replay.url })
    await install(member, PACKAGES.slice(0, 2))
    const { requests } = await member.status()
    expect([requests.seed, requests.upstream]).toEqual([4, 0])
  })

  it('goes on to fetch from an upstream of which it may not be asked for some names', async () => {
    const replay = await replayed()
    const bound = { pattern: '@corp/*', upstream: undefined, levels: '/' }
    const npm = { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: [new URL(replay.url).href], local: false }
    const mesh = await TestMesh.create(temp, { upstream: replay.url, mirrors: [{ ...npm, routes: [bound] }] })
    const member = await mesh.join({ upstream: replay.url, overrides: cutOff() })
    const told = await exchange(`${member.url}/npm/@corp%2fsecret`)
    expect(told.status).toBe(503)
    await install(member, PACKAGES.slice(0, 1))
    expect(replay.tally.log.filter(({ path }) => path.includes('corp'))).toEqual([])
  })

  it('knows nothing of what a member has a login for, and has nothing of it for others', async () => {
    const replay = await replayed()
    const origin = new URL(replay.url).origin
    const mesh = await TestMesh.create(temp, { upstream: replay.url })
    const credentials = [{ origin, username: 'ann', password: new Secret('hunter2') }]
    const member = await mesh.join({ upstream: replay.url, config: { credentials } })
    await install(member, PACKAGES.slice(0, 3))
    await storeAtRest(member)
    const { requests } = await member.status()
    expect([requests.upstream, requests.seed]).toEqual([6, 0])
    expect((await mesh.seed.status()).store.records).toBe(0)
    // And the other way round: a seed's login is for its own clients.
    const closed = await TestMesh.create(temp, { upstream: replay.url, config: { credentials } })
    await install(closed.seed, PACKAGES.slice(0, 2))
    const other = await closed.join({ upstream: replay.url })
    await install(other, PACKAGES.slice(0, 2))
    expect((await other.status()).requests).toMatchObject({ seed: 0, upstream: 4 })
  })
})
