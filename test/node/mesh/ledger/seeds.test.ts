import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openSeedCertificate } from '../../../../node/trust/certificates.ts'
import { MeshFolder } from '../../../../node/trust/mesh-folder.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { type Member, Members } from '../../../harness/members.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

const DAY = 24 * 60 * 60_000

let members: Members
afterEach(() => members.close())

const peersOf = (member: Member) => new Map(member.mesh.peers().map((peer) => [peer.id, peer]))
const chainIn = ({ data }: Member): string[] => JSON.parse(readFileSync(join(data, 'mesh/membership.json'), 'utf8')).chain

async function meet(...all: Member[]): Promise<void> {
  await eventually('all have met', () => all.every(({ mesh }) => mesh.status().peers === all.length - 1))
}

describe('a member that the admin makes a seed', () => {
  it('is one for everybody at once, keeps its connections, and keeps its certificate', async () => {
    members = new Members(temp)
    const seed = await members.open()
    const [member, other] = [await members.join(), await members.join()]
    await meet(seed, member, other)
    const closed = [...members.all].flatMap(({ mesh }) => mesh.peers().filter((peer) => !peer.connected))
    const notAfter = Date.now() + 300 * DAY
    members.certify(seed, member, notAfter)
    await eventually('all say so', () => [seed, other].every((one) => peersOf(one).get(member.id)?.role === 'seed'))
    expect([seed, other].map((one) => peersOf(one).get(member.id))).toMatchObject([
      { connected: true, notAfter },
      { connected: true, notAfter },
    ])
    expect(closed).toEqual([])
    await eventually('it says so', () => member.mesh.status().role === 'seed')
    expect(member.mesh.status()).toMatchObject({ notAfter, peers: 2, trouble: null })
    const [certificate = '', ...more] = chainIn(member)
    expect(more).toEqual([])
    expect(openSeedCertificate(certificate, members.adminKey.publicKey)).toMatchObject({ peer: member.id, notAfter })
    expect(member.mesh.membership.chain).toEqual([certificate])
    // Others are what they were.
    expect([other.mesh.status().role, peersOf(seed).get(other.id)?.role]).toEqual(['member', 'member'])
  })

  it('hands out blobs as one from then on, and is one after a restart', async () => {
    members = new Members(temp)
    const seed = await members.open()
    const member = await members.join()
    members.certify(seed, member)
    await eventually('it is a seed', () => member.mesh.status().role === 'seed')
    await member.mesh.close()
    const membership = new MeshFolder(member.data).membership()
    const back = await members.open({ again: member })
    expect([back.mesh.status().role, back.mesh.membership]).toEqual(['seed', membership])
    await eventually('the seed sees it so', () => {
      const peer = peersOf(seed).get(member.id)
      return peer?.connected && peer.role === 'seed'
    })
    expect(peersOf(seed).get(member.id)?.ticket).toBe(null)
  })

  it('becomes one when it comes back, if it was away', async () => {
    members = new Members(temp)
    const seed = await members.open()
    const away = await members.join()
    await away.mesh.close()
    members.certify(seed, away)
    const back = await members.open({ again: away })
    await eventually('it is a seed', () => back.mesh.status().role === 'seed' && chainIn(back).length === 1)
    expect(peersOf(seed).get(back.id)?.role).toBe('seed')
  })

  it('is cut off everywhere when that is revoked, and let in again when it is made one again', async () => {
    members = new Members(temp)
    const seed = await members.open()
    const [member, other] = [await members.join(), await members.join()]
    await meet(seed, member, other)
    members.certify(seed, member)
    await eventually('it is a seed', () => [seed, other].every((one) => peersOf(one).get(member.id)?.role === 'seed'))
    await eventually('it knows', () => member.mesh.status().role === 'seed')
    members.issue(seed, 'seed.revoke', { peer: member.id })
    await eventually('it is gone', () => [seed, other].every((one) => !peersOf(one).has(member.id)))
    await eventually('it sees why', () =>
      member.mesh.status().trouble?.startsWith(`${member.id} was revoked as a seed, so no member lets this node in;`),
    )
    members.certify(seed, member)
    await member.mesh.close()
    // It still has the old certificate, and is let in since there is a new one: by that it gets it.
    const back = await members.open({ again: member, ticket: members.ticket() })
    await eventually('it is a seed again', () => back.mesh.status().role === 'seed')
    expect(back.mesh.status().trouble).toBe(null)
  })
})

describe('the certificate of a seed', () => {
  it('is renewed where the admin key is once a third of its life is left, for everybody, and not before', {
    // Three hours of three nodes that look after things each second.
    timeout: 180_000,
  }, async () => {
    members = new Members(temp)
    const clock = new VirtualClock(Date.now())
    const seed = await members.open({ clock, keepsAdminKey: true })
    const { notAfter = 0 } = seed.mesh.status()
    const certified = await members.join({ clock, ticket: members.ticket({ notAfter: Date.now() + 360 * DAY }) })
    members.certify(seed, certified, Date.now() + 365 * DAY)
    members.certify(
      seed,
      await members.join({ clock, ticket: members.ticket({ notAfter: Date.now() + 360 * DAY }) }),
      Date.now() + 30 * DAY,
    )
    await eventually('both are seeds', () => seed.mesh.peers().filter(({ role }) => role === 'seed').length === 2)
    const renewals = () =>
      members
        .ledgerOf(seed)
        .all()
        .filter(({ type }) => type === 'seed.renew')
    clock.jump(240 * DAY)
    await clock.advance(60 * 60_000)
    expect([renewals(), seed.mesh.status().notAfter]).toEqual([[], notAfter])
    clock.jump(4 * DAY)
    await clock.advance(60 * 60_000)
    expect(seed.mesh.status().notAfter).toBeGreaterThan(clock.now() + 364 * DAY)
    // What was given an end by whoever made it is not among them.
    expect(renewals().length).toBe(2)
    await eventually('it has the new one', () => (certified.mesh.status().notAfter ?? 0) > clock.now() + 364 * DAY)
    await clock.advance(60 * 60_000)
    expect(renewals().length).toBe(2)
  })

  it('that has ended is renewed by an op that another process writes, and the seed is one again at its next start', async () => {
    members = new Members(temp)
    const clock = new VirtualClock(Date.now())
    const seed = await members.open({ clock })
    await seed.mesh.close()
    clock.jump(366 * DAY)
    await expect(members.open({ again: seed, clock })).rejects.toMatchObject({ code: 'UNTRUSTED' })
    members.certify(seed, seed, clock.now() + 365 * DAY)
    const back = await members.open({ again: seed, clock })
    expect(back.mesh.status()).toMatchObject({ role: 'seed', notAfter: clock.now() + 365 * DAY, trouble: null })
  })
})
