import { expect, it, onTestFinished } from 'vitest'
import { pinsSchema, placeSchema } from '../../admin/api/pins-schema.ts'
import { ApiClient } from '../../admin/cli/api-client.ts'
import { loadNodeToken } from '../../node/node-token.ts'
import { runWarren } from '../admin/cli/run-warren.ts'
import { get } from '../harness/http.ts'
import { keepLogs } from '../harness/kept-logs.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { succeeded } from '../harness/npm.ts'
import { MeshOfProcesses } from '../harness/process-mesh.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

const TIMEOUT_MS = 240_000
/** Ms in which seeds see who came, sweep, and bring what is missing. */
const HEALED_MS = 60_000

useLeakCheck()
const temp = useTempFolders()

const ask = (seed: MemberProcess, what: string) =>
  new ApiClient(seed.process.admin, { value: loadNodeToken(seed.data).value, proven: true }).get(`/admin/v1/${what}`)

/** Resolves once each seed has looked through all that it has, later than `since`, and misses nothing. */
async function complete(seeds: readonly MemberProcess[], since: number): Promise<void> {
  for (const seed of seeds) {
    const isComplete = async () => {
      const { own } = pinsSchema.parse(await ask(seed, 'pins'))
      const { endedAt, running } = own?.sweep ?? {}
      return own?.missing === 0 && own.wanted > 0 && !running && (endedAt ?? 0) > since
    }
    await eventually(`the pins of ${seed.name} are complete`, isComplete, HEALED_MS)
  }
}

it('gives everything back to a seed that was killed amid a transfer and has lost its disk', {
  timeout: TIMEOUT_MS,
}, async () => {
  const registry = new SyntheticRegistry({ packages: 6, versions: 1, odd: false })
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  const mirrors = { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } }
  await using mesh = new MeshOfProcesses(temp, { config: { mirrors } })
  keepLogs(() => mesh.members)
  // One after the other: tickets lead to those that are there.
  const seeds = [await mesh.join({ role: 'seed' }), ...(await mesh.joinAll(2, { role: 'seed' }))]
  await mesh.connected()
  const paths = registry.latest.map(({ tarball }) => `/npm${tarball}`)
  for (const [at, path] of paths.entries()) expect((await get(`${seeds[at % 3]?.url}${path}`)).status).toBe(200)
  await complete(seeds, 0)
  // With another port after its start it is not found by others: its ticket leads it to them.
  const [victim, ...others] = seeds.toReversed() as [MemberProcess, ...MemberProcess[]]

  // Its disk goes while others still bring and fetch.
  const burst = paths.map((path) => get(`${others[0]?.url}${path}`))
  await victim.kill()
  victim.loseStore()
  for (const reply of await Promise.all(burst)) expect(reply.status).toBe(200)
  await replay.gone()
  const since = Date.now()
  await victim.start()
  await mesh.connected()
  await complete(seeds, since)

  // One that has all, and so can tell of all where they are.
  const [holder] = others as [MemberProcess]
  const healed: string[] = []
  for (const path of paths) {
    const { place } = placeSchema.parse(await ask(holder, `pins/place?target=${encodeURIComponent(path)}`))
    const belongs = place?.seeds.filter((seed) => seed.belongs) ?? []
    expect(belongs.map(({ holds }) => holds)).toEqual([true, true])
    if (belongs.some(({ id }) => id === victim.peer)) healed.push(path)
  }
  expect(healed.length).toBeGreaterThan(0)
  expect((await victim.status()).store.records).toBeGreaterThanOrEqual(healed.length)
  const shown = succeeded(
    await runWarren(['pin', '--data', victim.data, healed[0] ?? ''], { home: temp.create('home') }),
  ).stdout
  expect(shown.split('\n')[1]).toMatch(/^\/npm\/\S+ +\S+ K?i?B +\w{8} \w{8} /)
})
