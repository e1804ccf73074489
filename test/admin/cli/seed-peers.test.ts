import { beforeEach, expect, test } from 'vitest'
import { generateKey, peerIdOf } from '../../../node/trust/keys.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { type FakeNode, LONE, startFakeNode } from '../fake-node.ts'
import { MeshMachine } from './mesh-machine.ts'

const folders = useTempFolders()
const TICKET = '0123456789abcdef'

let machine: MeshMachine
let node: FakeNode
let own: string
beforeEach(async () => {
  machine = new MeshMachine(folders.create('home'))
  own = (await machine.create()).peer
  node = await startFakeNode(machine.data)
  node.mesh = { ...LONE, state: 'member', role: 'seed', peer: own }
})

/** A member that the running node sees. */
function seen(role: 'member' | 'seed', ticket: string | null): string {
  const id = peerIdOf(generateKey().publicKey)
  node.peers = [
    ...node.peers,
    {
      id,
      role,
      ticket,
      version: '0.1.0',
      addresses: [],
      blobs: [],
      connected: true,
      lastSeen: 0,
      latency: null,
      bytesIn: 0,
      bytesOut: 0,
      quarantine: null,
      notAfter: Date.now(),
      inventory: null,
      ledgerDiffersSince: null,
      zone: null,
      budget: null,
    },
  ]
  return id
}

test('who makes a seed of a peer that nobody has seen is told to look again, and it is done', async () => {
  const peer = seen('member', TICKET)
  for (const known of [peer, own]) expect((await machine.warren(`seed add ${known}`)).stderr).toBe('')
  const unknown = peerIdOf(generateKey().publicKey)
  const { code, stdout, stderr } = await machine.warren(`seed add ${unknown}`)
  expect([code, stdout]).toEqual([0, expect.stringContaining(`${unknown} is a seed until`)])
  expect(stderr).toMatch(
    new RegExp(`^warren: warning: the running node has seen no member ${unknown} since it started; .*\\n$`),
  )
})

test('a seed for an hour can be made one for another hour of the same day', async () => {
  const peer = seen('member', TICKET)
  const endOf = async (expires: string) =>
    JSON.parse((await machine.warren(`seed add ${peer} --json --expires ${expires}`)).stdout)
  const [first, second, again] = [await endOf('1h'), await endOf('2h'), await endOf('30d')]
  expect([first, second, again]).toMatchObject([{ isNew: true }, { isNew: true }, { isNew: true }])
  expect(second.notAfter).toBeGreaterThan(first.notAfter)
  expect(await endOf('30d')).toEqual({ peer, notAfter: again.notAfter, isNew: false })
})

test('the end of a peer id, as it is shown, is not taken for one, and the whole is named', async () => {
  const peer = seen('member', TICKET)
  for (const command of ['add', 'renew', 'revoke']) {
    const { code, stderr } = await machine.warren(`seed ${command} ${peer.slice(-8)}`)
    expect([code, stderr]).toEqual([
      2,
      `warren: ${JSON.stringify(peer.slice(-8))} is only the end of a peer id: give all of ${peer}\n`,
    ])
  }
})

test('seeds by ticket are left out by a renewal of all with a word of it, until they have a certificate of their own', async () => {
  const seed = seen('seed', TICKET)
  seen('member', TICKET)
  const { code, stdout, stderr } = await machine.warren('seed renew --all')
  expect([code, stdout.split('\n').length]).toEqual([0, 3])
  expect(stderr).toBe(
    `warren: ${seed} is a seed by ticket ${TICKET} until that ends, and is left out: «warren seed renew ${seed}» gives it a certificate of its own\n`,
  )
  expect((await machine.warren(`seed renew ${seed}`)).stderr).toBe('')
  expect((await machine.warren('seed renew --all')).stderr).toBe('')
})

test('a revocation says what becomes of a member, of a seed by a ticket, and of nobody', async () => {
  const [member, seed] = [seen('member', TICKET), seen('seed', TICKET)]
  const textOf = async (peer: string) => (await machine.warren(`seed revoke ${peer}`)).stdout.split('\n')[0]
  expect(await textOf(member)).toBe(
    `${member} was no seed and cannot become one by a ticket now. It stays a member until its ticket is revoked («warren mesh revoke ${TICKET}», which cuts off all who joined by it).`,
  )
  expect(await textOf(seed)).toContain(
    `is no seed any more and is cut off. If it joined by a ticket, revoke that as well («warren mesh revoke ${TICKET}»`,
  )
  expect(await textOf(own)).toContain('is no seed any more and is cut off')
  expect(await textOf(peerIdOf(generateKey().publicKey))).toContain('is not known here as a seed')
})
