import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { joinByTicket, joinedText, joinFromEnvironment } from '../../../admin/cli/joining.ts'
import { Ledger } from '../../../node/ledger/ledger.ts'
import type { SigningKey } from '../../../node/trust/keys.ts'
import { createMesh, issueTicket, type Membership } from '../../../node/trust/membership.ts'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../../node/trust/node-key.ts'
import type { Role } from '../../../node/trust/standing.ts'
import { decodeTicket, ticketFacts } from '../../../node/trust/ticket.ts'
import { useTempFolders } from '../../harness/temp.ts'

const folders = useTempFolders()
const NOW = 1_800_000_000_000
const DAY = 86_400_000

interface Mesh {
  readonly membership: Membership
  readonly adminKey: SigningKey
}

function meshOn(data: string): Mesh {
  const made = createMesh({ peer: loadNodeKey(data).peerId, addresses: ['/ip4/10.0.0.1/tcp/7471'], now: NOW })
  new MeshFolder(data).writeMembership(made.membership)
  return made
}

function ticketOf(mesh: Mesh, days: number, role: Role = 'member') {
  const text = issueTicket({ ...mesh, role, notAfter: NOW + days * DAY, now: NOW })
  return { text, where: 'stdin' }
}

function ledgerOn(data: string, { membership: { adminKey } }: Mesh): Ledger {
  const onTrouble = (message: string) => expect.fail(message)
  return new Ledger({ onTrouble }, { folder: new MeshFolder(data).path, adminKey })
}

function membershipText(data: string): string {
  return readFileSync(join(data, 'mesh/membership.json'), 'utf8')
}

test('a node in no mesh joins, and stays the peer that it is', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  const joined = joinByTicket(data, ticketOf(mesh, 7), NOW)
  const { peerId } = loadNodeKey(data)
  expect(joined).toEqual({
    outcome: 'joined',
    mesh: mesh.membership.mesh,
    peer: peerId,
    role: 'member',
    notAfter: NOW + 7 * DAY,
  })
  expect(new MeshFolder(data).membership()).toMatchObject({ mesh: joined.mesh, secret: mesh.membership.secret })
  expect(joinedText(joined)).toBe(`this node has joined mesh ${joined.mesh}; it is a member until 2027-01-22`)
})

test('a better ticket renews, the same and a shorter one change nothing', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  const week = ticketOf(mesh, 7)
  joinByTicket(data, week, NOW)
  const before = membershipText(data)
  for (const ticket of [week, ticketOf(mesh, 6)]) {
    expect(joinByTicket(data, ticket, NOW)).toMatchObject({ outcome: 'kept', notAfter: NOW + 7 * DAY })
    expect(membershipText(data)).toBe(before)
  }
  expect(joinByTicket(data, ticketOf(mesh, 8), NOW)).toMatchObject({ outcome: 'renewed', notAfter: NOW + 8 * DAY })
  expect(membershipText(data)).not.toBe(before)
})

test('a ticket that has expired keeps nobody out who got another one', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  const day = ticketOf(mesh, 1)
  joinByTicket(data, day, NOW)
  joinByTicket(data, ticketOf(mesh, 9), NOW)
  expect(joinByTicket(data, day, NOW + 2 * DAY)).toMatchObject({ outcome: 'kept', notAfter: NOW + 9 * DAY })
  expect(() => joinByTicket(data, day, NOW + 10 * DAY)).toThrowError(
    expect.objectContaining({ code: 'TICKET_INVALID', message: expect.stringMatching(/^stdin: the ticket expired at /) }),
  )
})

test('a member whose certificate has ended is let in again by any good ticket', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  joinByTicket(data, ticketOf(mesh, 1), NOW)
  expect(joinByTicket(data, ticketOf(mesh, 3), NOW + 2 * DAY)).toMatchObject({ outcome: 'renewed', notAfter: NOW + 3 * DAY })
})

test('certificates of a node key that is gone count for nothing', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  const ticket = ticketOf(mesh, 7)
  joinByTicket(data, ticket, NOW)
  rmSync(join(data, 'node.key'))
  expect(joinByTicket(data, ticket, NOW)).toMatchObject({ outcome: 'renewed', peer: loadNodeKey(data).peerId })
})

test('a member may become a seed, a seed is not made a member by a ticket', () => {
  const seed = folders.create()
  const mesh = meshOn(seed)
  const data = folders.create()
  joinByTicket(data, ticketOf(mesh, 7), NOW)
  expect(joinByTicket(data, ticketOf(mesh, 5, 'seed'), NOW)).toMatchObject({ outcome: 'renewed', role: 'seed' })
  const before = membershipText(seed)
  // With such a ticket in its settings it starts every day, since it was a member.
  expect(joinByTicket(seed, ticketOf(mesh, 366), NOW)).toMatchObject({ outcome: 'kept', role: 'seed' })
  expect(membershipText(seed)).toBe(before)
  expect(joinByTicket(seed, ticketOf(mesh, 366, 'seed'), NOW)).toMatchObject({ outcome: 'renewed', notAfter: NOW + 366 * DAY })
})

test('a ticket that was revoked is of no use, and another one takes its place, however soon that ends', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  const ticket = ticketOf(mesh, 7)
  joinByTicket(data, ticket, NOW)
  const before = membershipText(data)
  const { id } = ticketFacts(decodeTicket(ticket.text))
  ledgerOn(data, mesh).issue('ticket.revoke', { ticket: id }, mesh.adminKey, NOW)
  expect(() => joinByTicket(data, ticket, NOW)).toThrowError(
    expect.objectContaining({
      code: 'TICKET_INVALID',
      message: `stdin: ticket ${id} was revoked: ask the mesh's admin for a new one`,
    }),
  )
  expect(membershipText(data)).toBe(before)
  expect(joinByTicket(data, ticketOf(mesh, 1), NOW)).toMatchObject({ outcome: 'renewed', notAfter: NOW + DAY })
})

test('a seed that was revoked may become a member, and a seed only when it is made one again', () => {
  const mesh = meshOn(folders.create())
  const data = folders.create()
  const ticket = ticketOf(mesh, 7, 'seed')
  const { peer } = joinByTicket(data, ticket, NOW)
  ledgerOn(data, mesh).issue('seed.revoke', { peer }, mesh.adminKey, NOW)
  expect(() => joinByTicket(data, ticket, NOW)).toThrowError(expect.objectContaining({ code: 'MESH_CONFLICT' }))
  expect(joinByTicket(data, ticketOf(mesh, 5), NOW)).toMatchObject({ outcome: 'renewed', role: 'member' })
})

test('a ticket of another mesh changes nothing and says how to change', () => {
  const [one, other] = [meshOn(folders.create()), meshOn(folders.create())]
  const data = folders.create()
  joinByTicket(data, ticketOf(one, 7), NOW)
  const before = membershipText(data)
  expect(() => joinByTicket(data, ticketOf(other, 7), NOW)).toThrowError(
    expect.objectContaining({
      code: 'MESH_CONFLICT',
      message: `this node is in mesh ${one.membership.mesh}, and the ticket is for mesh ${other.membership.mesh}; «warren mesh leave» takes it out of the one that it is in`,
    }),
  )
  expect(membershipText(data)).toBe(before)
})

test('what is no ticket leaves nothing behind', () => {
  const data = folders.path('data')
  expect(() => joinByTicket(data, { text: 'hunter2', where: 'WARREN_TICKET' }, NOW)).toThrowError(
    expect.objectContaining({
      code: 'TICKET_INVALID',
      message: 'WARREN_TICKET: this is no ticket: one begins with warren-ticket-1.',
    }),
  )
  expect(existsSync(data)).toBe(false)
})

test('a secret that a system does not have arrives empty, and is told to be no ticket', () => {
  const data = folders.path('data')
  const file = join(folders.create(), 'ticket')
  writeFileSync(file, '\n')
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('WARREN_TICKET', '')
  expect(joinFromEnvironment(data)).toEqual({ outcome: 'none', where: 'WARREN_TICKET' })
  vi.stubEnv('WARREN_TICKET_FILE', file)
  expect(joinFromEnvironment(data)).toEqual({ outcome: 'none', where: `WARREN_TICKET_FILE (${file})` })
  expect(existsSync(data)).toBe(false)
  writeFileSync(file, 'hunter2')
  expect(() => joinFromEnvironment(data)).toThrow(`WARREN_TICKET_FILE (${file}): this is no ticket`)
})
