import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type IssuedTicket, IssuedTickets } from '../../../node/trust/issued-tickets.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { DAY, NOW, refusal } from './fixture.ts'

const temp = useTempFolders()

const ticket = (number: number): IssuedTicket => ({
  id: `${number}`.padStart(16, '0'),
  role: 'member',
  issuedAt: NOW + number,
  notAfter: NOW + DAY,
})

describe('the tickets that were issued here', () => {
  it('are there for whoever looks later, for this user alone', () => {
    const folder = temp.create()
    expect(new IssuedTickets(folder).all()).toEqual([])
    for (const number of [1, 2]) new IssuedTickets(folder).add(ticket(number))
    expect(new IssuedTickets(folder).all()).toEqual([ticket(1), ticket(2)])
    expect(statSync(join(folder, 'tickets.json')).mode & 0o777).toBe(0o600)
  })

  it('are five hundred at most, the last ones, and still fit into a file that can be read', () => {
    const folder = temp.create()
    const file = join(folder, 'tickets.json')
    const many = Array.from({ length: 500 }, (_, number) => ({
      ...ticket(number),
      notAfter: 8_640_000_000_000_000,
      issuedAt: 8_640_000_000_000_000,
    }))
    writeFileSync(file, JSON.stringify({ v: 1, tickets: many }), { mode: 0o600 })
    const tickets = new IssuedTickets(folder)
    tickets.add(ticket(500))
    expect([tickets.all().length, tickets.all()[0]?.id, tickets.all().at(-1)]).toEqual([500, ticket(1).id, ticket(500)])
  })

  it.each(['', '{}', '{"v":1}', '{"v":2,"tickets":[]}', '{"v":1,"tickets":[{"id":"x"}]}'])(
    'that stand in «%s» are not read and not replaced',
    (text) => {
      const folder = temp.create()
      writeFileSync(join(folder, 'tickets.json'), text, { mode: 0o600 })
      const tickets = new IssuedTickets(folder)
      refusal('MESH_UNREADABLE', () => tickets.all())
      refusal('MESH_UNREADABLE', () => tickets.add(ticket(1)))
    },
  )
})
