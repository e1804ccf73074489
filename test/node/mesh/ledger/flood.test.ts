import { multiaddr } from '@multiformats/multiaddr'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { Ledger } from '../../../../node/ledger/ledger.ts'
import { type Op, signOp } from '../../../../node/ledger/op.ts'
import { answerWith, ask } from '../../../../node/mesh/host/question.ts'
import { Acknowledgements } from '../../../../node/mesh/ledger/acknowledgements.ts'
import { LedgerExchange } from '../../../../node/mesh/ledger/exchange.ts'
import { SUMMARY, TAKEN } from '../../../../node/mesh/ledger/messages.ts'
import { issueOperatorCertificate } from '../../../../node/trust/certificates.ts'
import { generateKey } from '../../../../node/trust/keys.ts'
import { createMesh, issueTicket, joinMesh } from '../../../../node/trust/membership.ts'
import { decodeTicket } from '../../../../node/trust/ticket.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { HonestHost, newKey } from '../stranger.ts'

useLeakCheck()
const temp = useTempFolders()

const NOW = Date.UTC(2026, 0, 1)
const NEVER = new AbortController().signal

/** A node that exchanges its ledger, a member that is connected to it and does as it pleases, and a key that an operator had. */
async function attacked(init: ConstructorParameters<typeof LedgerExchange>[1] = {}) {
  const clock = new VirtualClock(NOW)
  const [seed, other] = [newKey(), newKey()]
  const { membership, adminKey } = createMesh({ peer: seed.peerId, addresses: [], now: NOW })
  const ticket = decodeTicket(issueTicket({ adminKey, membership, role: 'member', notAfter: NOW + 1, now: NOW }))
  const honest = await HonestHost.open(seed, membership, NOW)
  onTestFinished(() => honest.close())
  const hostile = await HonestHost.open(other, joinMesh({ ticket, peer: other.peerId, now: NOW }), NOW)
  onTestFinished(() => hostile.close())
  const ledger = new Ledger({ onTrouble: () => {} }, { folder: temp.create(), adminKey: membership.adminKey })
  const judge = () => 'member' as const
  const acks = new Acknowledgements(
    { ledger, key: seed, clock, chain: () => [], freed: () => [], judge },
    { self: seed.peerId },
  )
  const [{ libp2p }, book, log] = [honest.host, honest.book, pino({ level: 'silent' })]
  const rest = { isSeed: () => true, onAdded: () => {}, onHeard: () => {} }
  const exchange = new LedgerExchange({ libp2p, ledger, acks, book, clock, log, ...rest }, init)
  await exchange.start()
  onTestFinished(() => exchange.stop())
  const connection = await hostile.host.libp2p.dial(multiaddr(honest.host.multiaddrs[0]))
  const { mesh } = membership
  const key = generateKey()
  const certificate = { mesh, key: key.publicKey, name: 'ada', scope: ['policy' as const], issuedAt: NOW, notAfter: NOW + 1e9 }
  const cert = issueOperatorCertificate(certificate, adminKey)
  const opAt = (lamport: number, isAdmin = false): Op => {
    const body = { purl: `pkg:npm/p${lamport}` }
    const fields = { mesh, seq: lamport, prev: null, lamport, issuedAt: NOW, type: 'policy.block', body }
    return isAdmin ? signOp(fields, adminKey) : signOp({ ...fields, cert }, key)
  }
  return { clock, ledger, exchange, connection, hostile, hostileId: other.peerId, opAt }
}

it('of questions is answered so much a minute, and then no more until the next one', async () => {
  const { clock, connection } = await attacked({ answersAMinute: 20 })
  let answered = 0
  const flood = async () => {
    for (; answered < 100; answered++) await ask(connection, SUMMARY, NEVER, { ask: 'summary' })
  }
  await expect(flood()).rejects.toThrow()
  expect(answered).toBe(20)
  clock.jump(60_000)
  await expect(flood()).rejects.toThrow()
  expect(answered).toBe(40)
})

it('of ops by a stolen key is taken so much a minute, whoever brings it, and what the admin issues all the same', async () => {
  const { clock, ledger, connection, opAt } = await attacked({ ofOperator: { most: 3, aMinute: 2 } })
  const tell = (...ops: readonly Op[]) => ask(connection, TAKEN, NEVER, { ask: 'take', ops: ops.map(({ text }) => text) })
  const known = () => ledger.all().map(({ lamport }) => lamport)
  for (let lamport = 1; lamport <= 6; lamport++) await tell(opAt(lamport))
  await tell(opAt(7), opAt(8, true))
  expect(known()).toEqual([1, 2, 3, 8])
  clock.jump(60_000)
  for (let lamport = 4; lamport <= 7; lamport++) await tell(opAt(lamport))
  expect(known()).toEqual([1, 2, 3, 4, 5, 8])
})

it('of what nobody has asked for ends a comparison', async () => {
  const { exchange, hostile, hostileId, ledger, opAt } = await attacked()
  const { text } = opAt(1)
  const asked: string[] = []
  await answerWith(hostile.host.libp2p, SUMMARY, (_peer, _signal, question) => {
    const { ask: what, from = 0 } = JSON.parse(question)
    asked.push(what)
    if (what === 'summary') return { v: 1, count: 20_000, digest: 'a'.repeat(64) }
    if (what === 'ops') return { v: 1, ops: [text] }
    return { v: 1, hashes: Array.from({ length: 1_000 }, (_, at) => (from + at).toString(16).padStart(64, '0')) }
  })
  await exchange.level(hostileId, [])
  expect([asked, ledger.all()]).toEqual([['summary', 'hashes', 'ops'], []])
})
