import { afterAll, beforeAll, expect, it } from 'vitest'
import { signAcknowledgement } from '../../node/ledger/acknowledgement.ts'
import { SUMMARY, TAKEN } from '../../node/mesh/ledger/messages.ts'
import { LONG } from '../harness/hostile-member.ts'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { Operator } from '../harness/operator.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { HostileMesh } from './hostile-mesh.ts'

const TIMEOUT_MS = 300_000

useLeakCheck()
const temp = useTempFolders('file')

let all: HostileMesh
beforeAll(async () => {
  all = await HostileMesh.start(temp, { registries: { npm: { packages: 3, bytes: [2_000, 4_000], seed: 84 } } })
}, TIMEOUT_MS)
afterAll(() => all?.[Symbol.asyncDispose]())

const appliedBy = async (at: MemberProcess, hash: string): Promise<readonly string[]> =>
  (await at.api('GET', `ops/${hash}`)).body.appliedBy ?? []

const opsOf = async (at: MemberProcess): Promise<readonly string[]> =>
  (await at.api('GET', 'ops')).body.ops.map(({ hash }: { hash: string }) => hash).sort()

const peersOf = (members: readonly MemberProcess[]) => members.map(({ peer }) => peer).sort()

it('a member that records all, holds ops back from a newcomer, replays them and forges acknowledgements changes nothing, and is named', {
  timeout: TIMEOUT_MS,
}, async () => {
  const [one] = all.packages('npm')
  const [member, other] = all.members
  if (!one || !member || !other) throw new Error('it is too small')
  const attacker = await all.attacker({ deafTo: [SUMMARY.protocol] })
  const before = await attacker.say(member, SUMMARY, { ask: 'summary' })
  const seen: string[] = []
  const heard: { ack: string; chain: readonly string[] }[] = []
  const answer = ({ ask, ops, acks }: Record<string, unknown>) => {
    if (ask === 'summary') return { v: 1, count: before.count, digest: before.digest }
    if (ask === 'take') seen.push(...(ops as string[]))
    if (ask === 'heard') heard.push(...(acks as typeof heard))
    return { v: 1, hashes: [], ops: [], acks: [], serial: 0, start: 'x' }
  }
  await attacker.answers(SUMMARY, answer)

  const operator = new Operator(all.mesh.founded)
  const purl = `pkg:npm/${one.name}`
  const { hash } = (await operator.issue(member, 'policy.block', { purl, reason: 'it steals tokens' })).body
  for (const at of all.honest) await eventually('it is told', async () => (await opsOf(at)).includes(hash), LONG)
  await eventually('the attacker has heard of it', () => seen.length > 0, LONG)

  // Whoever comes hears of it all the same, and says so once a seed has.
  const newcomer = await all.mesh.join()
  await attacker.meets([newcomer])
  await eventually('it refuses it', async () => (await get(`${newcomer.url}/npm/${one.name}`)).status === 403, LONG)
  const honest = [...all.honest, newcomer]
  for (const at of honest) {
    await eventually(
      `${at.name} knows who has put it into effect`,
      async () => {
        // The attacker's own node may have it by now as well, and says so.
        const applied = new Set(await appliedBy(at, hash))
        return honest.every(({ peer }) => applied.has(peer))
      },
      LONG,
    )
    const known = new Set([...peersOf(honest), attacker.id])
    expect((await appliedBy(at, hash)).filter((peer) => !known.has(peer))).toEqual([])
  }

  // Again and again, and taken back with the old op in between.
  const undone = (await operator.issue(other, 'policy.unblock', { purl })).body.hash
  for (const at of honest) await eventually('it is told', async () => (await opsOf(at)).includes(undone), LONG)
  const ledgers = await Promise.all(honest.map(opsOf))
  for (const at of honest) for (let times = 0; times < 2; times++) await attacker.say(at, TAKEN, { ask: 'take', ops: seen })
  expect(await Promise.all(honest.map(opsOf))).toEqual(ledgers)
  for (const at of honest) expect((await get(`${at.url}/npm/${one.name}`)).status).toBe(200)

  await eventually(
    'it is told apart as one that holds ops back',
    async () => {
      for (const at of honest) {
        const known = (await at.peers()).find(({ id }) => id === attacker.id)
        if (known?.ledgerDiffersSince) return true
      }
      return false
    },
    LONG,
  )
  for (const at of honest) {
    const ids = new Set(peersOf(honest))
    const unequal = async () => (await at.peers()).filter((peer) => ids.has(peer.id) && peer.ledgerDiffersSince !== null)
    await eventually(`${at.name} tells none of those apart who mean well`, async () => (await unequal()).length === 0, LONG)
  }

  // What a node is said to have put into effect is its own to say.
  const { summary, said } = { summary: await attacker.say(member, SUMMARY, { ask: 'summary' }), said: heard.at(-1) }
  if (!said) throw new Error('it has heard of nothing')
  const forged = signAcknowledgement(
    {
      ...{ mesh: all.mesh.founded.mesh, peer: newcomer.peer, issuedAt: Date.now() + 1, count: summary.count },
      ...{ digest: summary.digest, recent: [], freed: [] },
    },
    attacker.key,
  )
  await attacker.say(member, TAKEN, { ask: 'heard', acks: [{ ack: forged, chain: said.chain }] })
  expect(await all.reason(member, attacker)).toContain('it sent what no node has acknowledged')
  await all.blamesNobodyHonest()
})
