import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { signAcknowledgement } from '../../../../node/ledger/acknowledgement.ts'
import { MAX_OPS } from '../../../../node/ledger/constants.ts'
import { LEDGER_FILE, Ledger } from '../../../../node/ledger/ledger.ts'
import { type Op, signOp } from '../../../../node/ledger/op.ts'
import { Host } from '../../../../node/mesh/host/host.ts'
import { ask, type Question } from '../../../../node/mesh/host/question.ts'
import { LedgerExchange } from '../../../../node/mesh/ledger/exchange.ts'
import { HASHES, OPS, SUMMARY, TAKEN } from '../../../../node/mesh/ledger/messages.ts'
import { generateKey } from '../../../../node/trust/keys.ts'
import { issueTicket, joinMesh } from '../../../../node/trust/membership.ts'
import { loadNodeKey } from '../../../../node/trust/node-key.ts'
import { decodeTicket } from '../../../../node/trust/ticket.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { type Member, type MemberInit, Members } from '../../../harness/members.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'
import { newKey } from '../stranger.ts'

useLeakCheck()
const temp = useTempFolders()

const NEVER = new AbortController().signal
/** Ms that a question takes at most on a busy machine, and looks that one thing may take. */
const LOOK_LIMIT_MS = 3_000
const LOOKS = 8

let members: Members
afterEach(() => members.close())

/** A mesh with so many members beside its seed, and a way to speak for the last one. */
async function meshOf(others: number, init: MemberInit = {}) {
  const create = vi.spyOn(Host, 'create')
  onTestFinished(() => create.mockRestore())
  members = new Members(temp)
  const seed = await members.open(init)
  const all = [seed]
  for (let at = 0; at < others; at++) all.push(await members.join(init))
  await eventually('all have met', () => all.every(({ mesh }) => mesh.status().peers === others))
  const last = await (create.mock.results.at(-1)?.value as Promise<Host>)
  const connectionTo = ({ id }: Member) => {
    const connection = last.libp2p.getConnections().find(({ remotePeer }) => remotePeer.toString() === id)
    if (!connection) throw new Error('it is not connected')
    return connection
  }
  // A member is answered one question at a time, and its own node asks as well.
  const asking = <Answer>(question: Question<Answer>, to: Member, details: Record<string, unknown>): Promise<Answer> =>
    eventually('it is answered', () => ask(connectionTo(to), question, NEVER, details).catch(() => undefined))
  const tell = (to: Member, ...ops: readonly string[]) => asking(TAKEN, to, { ask: 'take', ops })
  return { seed, all, last: all.at(-1) as Member, tell, asking, connectionTo }
}

const hashesOf = (ledger: Ledger) => ledger.all().map(({ hash }) => hash)
const know = (all: readonly Member[], op: Op) => all.every((one) => members.knows(one, ({ hash }) => hash === op.hash))
const quarantineOf = (at: Member, of: Member) => at.mesh.peers().find(({ id }) => id === of.id)?.quarantine?.reason

/** A signed op with some of its fields changed. */
function opWith(fields: Partial<Parameters<typeof signOp>[0]>, key = members.adminKey): Op {
  const { scope } = members.ledgerOf(members.all[0] as Member)
  const usual = {
    mesh: scope.mesh,
    seq: 1,
    prev: null,
    lamport: 1,
    issuedAt: 0,
    type: 'ticket.revoke',
    body: { ticket: 'a'.repeat(16) },
  }
  return signOp({ ...usual, ...fields }, key)
}

describe('a new op', () => {
  it('is with everybody at once, each keeps it, and it is told on by everybody once', async () => {
    const { seed, all } = await meshOf(4)
    const op = members.issue(seed, 'ticket.revoke', { ticket: 'b'.repeat(16) })
    await eventually('all know it', () => know(all, op))
    for (const member of all) expect(members.ledgerOf(member).all().length).toBe(1)
  })

  it('is told to everybody also where another one is handed in before the node has read it', async () => {
    const { seed } = await meshOf(1)
    const spread = vi.spyOn(LedgerExchange.prototype, 'spread')
    onTestFinished(() => spread.mockRestore())
    const written = members.ledgerOf(seed).issue('ticket.revoke', { ticket: 'b'.repeat(16) }, members.adminKey, Date.now())
    const later = opWith({ body: { ticket: 'c'.repeat(16) }, seq: 2, lamport: 2 })
    seed.mesh.ledger.relay(later.text, () => {})
    const told = spread.mock.calls.flatMap(([ops]) => ops.map(({ hash }) => hash))
    expect(told).toEqual([written.hash, later.hash])
  })

  it('of a type that nobody knows is kept and told on, and changes nothing', async () => {
    const { all, tell } = await meshOf(2)
    const [seed, between, last] = all as [Member, Member, Member]
    const op = opWith({ type: 'something.new', body: { of: ['a', 'later', { version: 2 }] } })
    await tell(between, op.text)
    await eventually('all but its author know it', () => know([seed, between], op))
    expect(quarantineOf(between, last)).toBe(undefined)
    const newcomer = await members.join()
    await eventually('whoever comes later has it as well', () => know([newcomer], op))
  })
})

describe('two members that connect', () => {
  it('take from each other what they lack, also when both have more than fits into one message', async () => {
    members = new Members(temp)
    const seed = await members.open()
    const away = await members.join()
    await away.mesh.close()
    for (const [at, member] of [seed, away].entries()) {
      const ops = Array.from({ length: 150 }, (_, seq) =>
        opWith({ lamport: seq + 1, body: { ticket: `${at}`.padEnd(16, `${seq + 100}`) } }),
      )
      members.ledgerOf(member).add(ops.map(({ text }) => text))
    }
    seed.mesh.refresh()
    const back = await members.open({ again: away })
    const lines = ({ data }: Member) => readFileSync(join(data, 'mesh', LEDGER_FILE), 'latin1').split('\n').length - 1
    await eventually('they have the same', () => lines(seed) === 300 && lines(back) === 300)
    const hashes = hashesOf(members.ledgerOf(back))
    expect([hashes.length, hashes]).toEqual([300, hashesOf(members.ledgerOf(seed))])
  })

  it('look again later whether something was lost on its way', async () => {
    const clock = new VirtualClock(Date.now())
    const { seed, last } = await meshOf(1, { clock })
    const spread = vi.spyOn(LedgerExchange.prototype, 'spread').mockImplementation(() => {})
    onTestFinished(() => spread.mockRestore())
    const op = members.issue(last, 'ticket.revoke', { ticket: 'e'.repeat(16) })
    expect(spread).toHaveBeenCalledOnce()
    await clock.advance(30_000)
    await eventually('it has asked', () => know([seed], op))
  })
})

describe('a member that has another ledger', () => {
  const since = (at: Member, of: Member) => at.mesh.peers().find(({ id }) => id === of.id)?.ledgerDiffersSince

  it('is told apart, with the time, at the next look, and is not any more when it has the same', async () => {
    const clock = new VirtualClock(Date.now())
    const { seed, last } = await meshOf(1, { clock })
    // A look that comes while another question is under way comes to nothing, and is made up for by the next one.
    const looks = async (what: string, isSo: () => boolean) => {
      for (let tries = 1; tries < LOOKS && !isSo(); tries++) {
        await clock.advance(30_000)
        await eventually(what, isSo, LOOK_LIMIT_MS).catch(() => {})
      }
      await eventually(what, isSo)
    }
    expect(since(seed, last)).toBe(null)
    const ledger = members.ledgerOf(last)
    const took = vi.spyOn(Ledger.prototype, 'add').mockImplementation(() => ({ added: [] }))
    onTestFinished(() => took.mockRestore())
    const start = clock.now()
    members.issue(seed, 'ticket.revoke', { ticket: 'e'.repeat(16) })
    await looks('it is seen', () => since(seed, last) !== null)
    const seen = since(seed, last) ?? Number.NaN
    expect([seen > start, seen <= clock.now()]).toEqual([true, true])
    const times = took.mock.calls.length
    await looks('it was looked at again', () => took.mock.calls.length > times)
    expect([since(seed, last), ledger.all()]).toEqual([seen, []])
    took.mockRestore()
    await looks('it has it', () => members.ledgerOf(last).all().length === 1)
    await looks('both are the same', () => since(seed, last) === null)
  })
})

describe('a member that brings what is no op of the mesh', () => {
  it.each<[string, () => string]>([
    ['signed by itself', () => opWith({}, generateKey()).text],
    [
      'altered',
      () => {
        const [payload = '', signature] = opWith({}).text.split('.')
        const fields = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), seq: 2 }
        return `${Buffer.from(JSON.stringify(fields)).toString('base64url')}.${signature}`
      },
    ],
    ['of another mesh', () => opWith({ mesh: '0'.repeat(16) }).text],
    ['of a time that leaves none for others', () => opWith({ lamport: 2 ** 50 }).text],
    ['no op at all', () => 'a certificate'],
  ])('%s: nothing changes, nothing is told on, and it is in quarantine with the reason', async (_, forged) => {
    const { seed, all, last, tell } = await meshOf(2)
    const good = opWith({ body: { ticket: 'c'.repeat(16) } })
    const late = opWith({ body: { ticket: 'd'.repeat(16) } })
    await tell(seed, good.text, forged(), late.text)
    await eventually('it is left alone', () =>
      quarantineOf(seed, last)?.startsWith('it sent what is no op of this mesh: the op is not accepted: '),
    )
    // Whatever it says now.
    await tell(seed, late.text)
    await eventually('what came before counts', () => know(all.slice(0, 2), good))
    expect(members.ledgerOf(seed).all().length).toBe(1)
    expect(seed.mesh.peers().map(({ role }) => role)).toEqual(['member', 'member'])
  })
})

describe('a member that plays with acknowledgements and ops', () => {
  it('forges what others have acknowledged: nothing is believed, and it is in quarantine with the reason', async () => {
    const { seed, all, last, asking } = await meshOf(2)
    const op = members.issue(seed, 'ticket.revoke', { ticket: 'e'.repeat(16) })
    await eventually('all have acknowledged it', () => seed.mesh.ledger.appliedBy(op.hash)?.length === 3)
    const other = all[1] as Member
    const { summary, scope } = seed.mesh.ledger.ledger
    const said = {
      mesh: scope.mesh,
      peer: other.id,
      issuedAt: Date.now() + 1_000,
      ...summary,
      digest: 'f'.repeat(64),
      recent: [],
    }
    const forged = signAcknowledgement(said, loadNodeKey(last.data))
    await asking(TAKEN, seed, { ask: 'heard', acks: [{ ack: forged, chain: other.mesh.membership.chain }] })
    expect(quarantineOf(seed, last)).toContain('it sent what no node has acknowledged: the acknowledgement is not accepted')
    expect(seed.mesh.ledger.appliedBy(op.hash)?.length).toBe(3)
  })

  it('makes up nodes by its ticket and acknowledges for them: nobody counts them', async () => {
    const { seed, asking } = await meshOf(2)
    const op = members.issue(seed, 'ticket.revoke', { ticket: 'e'.repeat(16) })
    await eventually('all have acknowledged it', () => seed.mesh.ledger.appliedBy(op.hash)?.length === 3)
    const { membership, ledger } = seed.mesh
    const now = Date.now()
    const text = issueTicket({ adminKey: members.adminKey, membership, role: 'member', notAfter: now + 60_000, now })
    const said = { mesh: membership.mesh, issuedAt: now, ...ledger.ledger.summary, recent: [] }
    const acks = [newKey(), newKey()].map((key) => ({
      ack: signAcknowledgement({ ...said, peer: key.peerId }, key),
      chain: joinMesh({ ticket: decodeTicket(text), peer: key.peerId, now }).chain,
    }))
    await asking(TAKEN, seed, { ask: 'heard', acks })
    expect(ledger.appliedBy(op.hash)?.length).toBe(3)
  })

  it('plays back what was replaced: what counts stays, and nobody is told of it again', async () => {
    const { seed, all, last, tell } = await meshOf(2)
    const revoke = members.issue(seed, 'seed.revoke', { peer: last.id })
    const certify = members.certify(seed, last)
    await eventually('all know what counts', () => know(all, certify))
    const spread = vi.spyOn(LedgerExchange.prototype, 'spread')
    onTestFinished(() => spread.mockRestore())
    for (let round = 0; round < 3; round++) await tell(seed, revoke.text, certify.text)
    expect(spread).not.toHaveBeenCalled()
    expect(all.map(({ mesh }) => mesh.ledger.ledger.state.isInEffect(certify))).toEqual([true, true, true])
    expect(quarantineOf(seed, last)).toBeUndefined()
  })
})

describe('the questions of a member', () => {
  it('are answered with what there is, in pages', async () => {
    const { seed, asking } = await meshOf(1)
    const ops = [1, 2, 3].map((lamport) => opWith({ lamport, body: { ticket: `${lamport}`.repeat(16) } }))
    members.ledgerOf(seed).add(ops.map(({ text }) => text))
    seed.mesh.refresh()
    expect(await asking(SUMMARY, seed, { ask: 'summary' })).toMatchObject({ count: 3 })
    const hashes = ops.map(({ hash }) => hash)
    expect(await asking(HASHES, seed, { ask: 'hashes', from: 1 })).toEqual({ v: 1, hashes: hashes.slice(1) })
    expect(await asking(HASHES, seed, { ask: 'hashes', from: MAX_OPS })).toEqual({ v: 1, hashes: [] })
    const asked = [hashes[2], 'f'.repeat(64), hashes[0]]
    expect((await asking(OPS, seed, { ask: 'ops', hashes: asked })).ops).toEqual([ops[2]?.text, ops[0]?.text])
  })

  it.each<[string, Record<string, unknown>]>([
    ['nothing', {}],
    ['something else', { ask: 'everything' }],
    ['a page before the first', { ask: 'hashes', from: -1 }],
    ['more ops than one message has', { ask: 'ops', hashes: Array.from({ length: 65 }, () => 'f'.repeat(64)) }],
    ['for more to be taken than one message has', { ask: 'take', ops: Array.from({ length: 65 }, () => 'x') }],
    ['for something endless to be taken', { ask: 'take', ops: ['x'.repeat(9_000)] }],
    ['with a megabyte', { ask: 'take', ops: [], more: 'x'.repeat(1 << 20) }],
  ])('are not answered when they ask %s', async (_, details) => {
    const { seed, asking, connectionTo } = await meshOf(1)
    await expect(ask(connectionTo(seed), TAKEN, NEVER, details)).rejects.toThrow()
    expect(await asking(SUMMARY, seed, { ask: 'summary' })).toMatchObject({ count: 0 })
  })
})
