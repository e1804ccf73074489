import { afterEach, describe, expect, it } from 'vitest'
import { decodeTicket, ticketFacts } from '../../../../node/trust/ticket.ts'
import { digestOf } from '../../../conformance/mesh.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { type Member, Members } from '../../../harness/members.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const NEVER = new AbortController().signal
/** More than all buffers on its way can take. */
const LARGE = Buffer.alloc(64 << 20, 'large')

let members: Members
afterEach(() => members.close())

/** A seed and, beside it, whoever joined by one ticket; `revoke` takes that back where the seed is. */
async function meshOf(sharing: number) {
  members = new Members(temp)
  const seed = await members.open()
  const ticket = members.ticket()
  const { id } = ticketFacts(decodeTicket(ticket))
  const many: Member[] = []
  for (let at = 0; at < sharing; at++) many.push(await members.join({ ticket }))
  return { seed, id, ticket, many, revoke: () => members.issue(seed, 'ticket.revoke', { ticket: id }) }
}

const connected = (member: Member) =>
  member.mesh
    .peers()
    .filter((peer) => peer.connected)
    .map(({ id }) => id)

const isRevoked = (member: Member, id: string) => member.mesh.status().trouble?.includes(`ticket ${id} was revoked`) === true

describe('when a ticket is revoked', () => {
  it('all who joined by it are cut off everywhere, and see why; all others stay', async () => {
    const { seed, id, many, revoke } = await meshOf(2)
    const other = await members.join()
    await eventually('all have met', () => [seed, other, ...many].every((member) => connected(member).length === 3))
    revoke()
    await eventually('they are gone', () => [seed, other].every((member) => connected(member).length === 1))
    await eventually('they know why they are alone', () =>
      many.every((one) => isRevoked(one, id) && connected(one).length === 0),
    )
    for (const member of [seed, other]) {
      const known = member.mesh.peers().map((peer) => peer.id)
      expect(many.filter((one) => known.includes(one.id))).toEqual([])
      expect(member.mesh.status().trouble).toBe(null)
    }
  })

  it('a blob that is on its way to one of them is cut', async () => {
    const { seed, many, revoke } = await meshOf(1)
    const [member] = many as [Member]
    seed.shelf.hold(LARGE)
    const source = await eventually('the blob is found', async () => {
      for await (const found of member.mesh.find(digestOf(LARGE), NEVER)) return found
      return undefined
    })
    const { body } = await source.open(0, NEVER)
    const bytes = body[Symbol.asyncIterator]()
    expect((await bytes.next()).value?.length).toBeGreaterThan(0)
    revoke()
    const rest = async () => {
      while (!(await bytes.next()).done);
    }
    await expect(rest()).rejects.toThrow()
    await eventually('the answer has ended', () => seed.sending === 0)
    await expect(source.open(0, NEVER)).rejects.toThrow()
  })

  it('a member that was away hears of it when it comes back, before it lets any of them in', async () => {
    const { seed, many, revoke } = await meshOf(1)
    const [revoked] = many as [Member]
    const away = await members.join()
    await away.mesh.close()
    revoke()
    await eventually('it is cut off', () => connected(seed).length === 0)
    const back = await members.open({ again: away })
    await eventually('it is connected', () => connected(back).includes(seed.id))
    // From now on it is refused by this one, too, whoever dials whom.
    const met = back.mesh.peers().map(({ id }) => id)
    await eventually('it knows the op', () => members.knows(back, (op) => op.type === 'ticket.revoke'))
    expect(connected(back)).not.toContain(revoked.id)
    expect(met).toContain(seed.id)
  })

  it('one of them that was away is not let in again, and sees why', async () => {
    const { seed, id, many, revoke } = await meshOf(1)
    const [away] = many as [Member]
    await away.mesh.close()
    revoke()
    const back = await members.open({ again: away })
    await eventually('it sees why', () => isRevoked(back, id))
    expect([connected(back), connected(seed)]).toEqual([[], []])
    await back.mesh.close()
    // It has written that down, so that it does not even try any more.
    await expect(members.open({ again: back })).rejects.toMatchObject({
      code: 'UNTRUSTED',
      message: `ticket ${id} was revoked`,
    })
  })

  it('a node that starts anew has not forgotten it', async () => {
    const { seed, id, many, revoke } = await meshOf(1)
    const [revoked] = many as [Member]
    await revoked.mesh.close()
    revoke()
    await seed.mesh.close()
    const again = await members.open({ again: seed })
    const before = await members.open({ again: revoked, mesh: { bootstrap: again.mesh.status().listen } })
    await eventually('it sees why', () => isRevoked(before, id))
    expect(again.mesh.peers()).toEqual([])
  })

  it('a seed that was certified by name stays, whatever it joined by', async () => {
    const { seed, many, revoke } = await meshOf(1)
    const [member] = many as [Member]
    members.certify(seed, member)
    await eventually('it is a seed', () => seed.mesh.peers()[0]?.role === 'seed' && member.mesh.status().role === 'seed')
    const other = await members.join()
    revoke()
    await eventually('the other one knows', () => members.knows(other, (op) => op.type === 'ticket.revoke'))
    await eventually('all are connected', () => [seed, member, other].every((one) => connected(one).length === 2))
  })
})

describe('a member that has lost its last connection by a revocation', () => {
  it('is a member again once it has joined by another ticket', async () => {
    const { seed, id, many, revoke } = await meshOf(1)
    const [member] = many as [Member]
    revoke()
    await eventually('it sees why', () => isRevoked(member, id))
    await member.mesh.close()
    const back = await members.open({ again: member, ticket: members.ticket() })
    await eventually('it is let in', () => connected(seed).includes(back.id))
    expect(back.mesh.status().trouble).toBe(null)
  })
})
