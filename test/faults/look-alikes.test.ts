import { expect, it, onTestFinished } from 'vitest'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Members } from '../harness/members.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()
const NEVER = new AbortController().signal

it('makes nobody take back what it has to ask for digests that begin alike', { timeout: 60_000 }, async () => {
  const registry = new SyntheticRegistry({ packages: 2, versions: 1, bytes: [2_000, 3_000], odd: false, seed: 3 })
  const replay = await new ReplayUpstream(registry.recording).start()
  onTestFinished(() => replay.stop())
  const mesh = await TestMesh.create(temp, { upstream: replay.url })
  const addresses = mesh.membership.addresses
  const guests = new Members(temp, { ticket: (init) => mesh.ticket({ ...init, addresses }) })
  onTestFinished(() => guests.close())
  const [attacker, neighbour] = [await guests.join(), await guests.join()]

  const [first, second] = registry.latest.map(({ tarball, archive, integrity = '' }) => {
    const hex = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex')
    return { tarball, archive, digest: { algorithm: 'sha512', hex } as const }
  })
  if (!first || !second) throw new Error('there are two packages')
  const lists = async ({ digest }: typeof first) => {
    const { members } = await neighbour.mesh.whereabouts([digest], { metered: false }, NEVER)
    return members.some(({ peer, by }) => peer === mesh.seed.peer && by === 'inventory')
  }
  const fetch = async ({ tarball, archive }: typeof first) =>
    expect((await exchange(`${mesh.seed.url}/npm${tarball}`)).body.equals(archive)).toBe(true)
  await fetch(first)
  await eventually('the neighbour knows that the seed has it', () => lists(first))

  // An inventory is made of the first 32 bits of each digest.
  const alike = { ...first.digest, hex: first.digest.hex.slice(0, 8).padEnd(128, '0') }
  const asking = attacker.mesh.source(mesh.seed.peer, alike)?.open(0, NEVER)
  await expect(asking).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT' })
  await fetch(second)
  await eventually('the neighbour heard what was new since then', () => lists(second))
  expect(await lists(first)).toBe(true)
})
