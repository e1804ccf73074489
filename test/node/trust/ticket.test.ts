import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { issueTicketCertificate } from '../../../node/trust/certificates.ts'
import { generateKey, keyFromSeed } from '../../../node/trust/keys.ts'
import { signStatement } from '../../../node/trust/statement.ts'
import { decodeTicket, encodeTicket, MAX_ADDRESSES, type Ticket, ticketFacts } from '../../../node/trust/ticket.ts'
import { DAY, NOW, refusal, reveals, shown, TrialMesh } from './fixture.ts'

const mesh = new TrialMesh()
const { encoded, ticket } = mesh
const PREFIX = 'warren-ticket-1.'

const reasonFor = (text: string) => refusal('TICKET_INVALID', () => decodeTicket(text)).message
/** A ticket that anybody could write, check sum and all. */
const written = (change: Partial<Ticket>) => encodeTicket({ ...ticket, ...change })
const encodedJson = (json: string) => PREFIX + Buffer.from(json).toString('base64url')
const json = Buffer.from(encoded.slice(PREFIX.length), 'base64url').toString()

describe('a ticket', () => {
  it('is one line that begins with its version, and comes back as it was', () => {
    expect(encoded).toMatch(/^warren-ticket-1\.[\w-]+$/)
    expect(encoded.length).toBeLessThan(1000)
    expect(encodeTicket(decodeTicket(encoded))).toBe(encoded)
    expect(ticket).toEqual({
      v: 1,
      adminKey: mesh.adminKey.publicKey,
      secret: mesh.membership.secret,
      addresses: ['/ip4/192.0.2.1/tcp/7471'],
      certificate: ticket.certificate,
      key: ticket.key,
    })
  })

  it('may have space around it, as files and pasted lines have', () => {
    for (const text of [`${encoded}\n`, `\r\n  ${encoded}\t\n\n`, `\ufeff${encoded}`])
      expect(decodeTicket(text)).toEqual(ticket)
  })

  it('tells mesh, id, role and end', () => {
    const facts = ticketFacts(ticket)
    expect(facts).toEqual({ mesh: mesh.membership.mesh, id: facts.id, role: 'member', notAfter: NOW + 30 * DAY })
    expect(facts.id).toMatch(/^[0-9a-f]{16}$/)
    expect(ticketFacts(decodeTicket(mesh.newTicket('seed')))).toMatchObject({ role: 'seed' })
  })

  it('has an id, a key and nothing in common with another but the mesh', () => {
    const other = decodeTicket(mesh.newTicket())
    expect(other.key).not.toBe(ticket.key)
    expect(ticketFacts(other).id).not.toBe(ticketFacts(ticket).id)
    expect([other.secret, other.adminKey]).toEqual([ticket.secret, ticket.adminKey])
  })

  it('takes as many and as long addresses as are allowed, and says so when there are more', () => {
    const longest = Array<string>(MAX_ADDRESSES).fill('/dns6/'.padEnd(400, 'x'))
    expect(decodeTicket(written({ addresses: longest })).addresses).toEqual(longest)
    const made = (addresses: readonly string[]) => refusal('TICKET_INVALID', () => written({ addresses })).message
    expect(made([...longest, 'seed.example:7471'])).toBe(
      'the ticket cannot be made: its field «addresses» is missing or malformed',
    )
    for (const odd of ['', 'a b', 'a\nb', 'ä', 'x'.repeat(401)]) expect(made([odd])).toMatch('«addresses.0»')
  })
})

describe('what is no ticket', () => {
  it.each([
    ['', 'this is no ticket: one begins with warren-ticket-1.'],
    [' \n', 'this is no ticket'],
    ['hello', 'this is no ticket'],
    ['null', 'this is no ticket'],
    [encoded.slice(1), 'this is no ticket'],
    [encoded.toUpperCase(), 'this is no ticket'],
    ['warren-ticket-x.AAAA', 'this is no ticket'],
    ['w'.repeat(1_000_000), 'longer than 12288 characters'],
    ['warren-tic', 'the ticket is cut off'],
    ['warren-ticket-1', 'the ticket is cut off'],
    [PREFIX, 'the ticket is cut off'],
    [`warren-ticket-2.${encoded.slice(PREFIX.length)}`, 'the ticket has version 2: another Warren made it'],
    [encodedJson(json.replace('"v":1', '"v":2')), 'the ticket is damaged: it has version 2: a newer Warren made it'],
    [`${encoded.slice(0, 80)}\n${encoded.slice(80)}`, 'the ticket has spaces or line breaks in it'],
    [`${encoded} ${encoded}`, 'the ticket has spaces or line breaks in it'],
    [`"${encoded}"`, 'this is no ticket'],
    [`${encoded}"`, 'the ticket has characters in it that no ticket has'],
    [`${encoded}=`, 'the ticket has characters in it that no ticket has'],
    [`${encoded}AAAA`, 'something is at its end that does not belong to it'],
    [encoded + encoded.slice(PREFIX.length), /cut off|damaged/],
    [encodedJson('{}'), 'its field «v» is missing or malformed'],
    [encodedJson('{{}'), 'it is not JSON'],
    [encodedJson(json.replace('{', '{"more":1,')), 'it has other fields than it should'],
    [encodedJson(json.replace('{', '{"__proto__":1,')), 'it has other fields than it should'],
    [encodedJson(json.replace(/,"check":"[^"]+"/, '')), 'its field «check» is missing or malformed'],
    [encodedJson(json.replace('192.0.2.1', '192.0.2.7')), 'the ticket is damaged: its check sum is wrong'],
  ])('is told what it is: %.40s', (text, reason) => {
    expect(reasonFor(text)).toMatch(reason)
  })

  it('is told to be cut off wherever it was cut', () => {
    for (let length = 1; length < encoded.length; length++) expect(reasonFor(encoded.slice(0, length))).toMatch('cut off')
  })

  it('is refused with any one character replaced, left out, doubled or swapped with the next', () => {
    for (let at = 0; at < encoded.length; at++) {
      const [before, char, rest] = [encoded.slice(0, at), encoded.charAt(at), encoded.slice(at + 1)]
      for (const other of ['A', 'z', '0', '_', '.']) if (other !== char) reasonFor(before + other + rest)
      reasonFor(before + rest)
      reasonFor(before + char + char + rest)
      const next = rest.charAt(0)
      if (next !== char && next !== '') reasonFor(before + next + char + rest.slice(1))
    }
  })

  it('is refused, and by that code only, whatever it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String().map((body) => PREFIX + body),
      fc.string({ unit: 'binary' }).map(encodedJson),
      fc.json().map(encodedJson),
      fc.json().map((value) => encodedJson(`{"v":1,"addresses":${value}}`)),
    )
    fc.assert(
      fc.property(text, (text) => void reasonFor(text)),
      { numRuns: 2000 },
    )
  })
})

describe('a ticket whose parts do not belong together', () => {
  const facts = ticketFacts(ticket)
  const certificateFor = (key: string, adminKey = mesh.adminKey, id = facts.mesh) =>
    issueTicketCertificate({ mesh: id, id: facts.id, key, role: 'seed', issuedAt: NOW, notAfter: NOW + DAY }, adminKey)

  it('is refused with the admin key of another mesh', () => {
    const reason = 'the ticket certificate is not accepted: its signature is wrong'
    expect(reasonFor(written({ adminKey: generateKey().publicKey }))).toMatch(reason)
  })

  it('is refused with a certificate that its holder signed itself', () => {
    const own = keyFromSeed(Buffer.from(ticket.key, 'base64url'))
    expect(reasonFor(written({ certificate: certificateFor(own.publicKey, own) }))).toMatch('its signature is wrong')
  })

  it('is refused with a key that its certificate does not name', () => {
    expect(reasonFor(written({ key: generateKey().seed.toString('base64url') }))).toBe(
      'the key in the ticket is not the one that its certificate names',
    )
    expect(reasonFor(written({ certificate: certificateFor(generateKey().publicKey) }))).toMatch('the key in the ticket')
  })

  it('is refused with a certificate for another mesh', () => {
    const own = keyFromSeed(Buffer.from(ticket.key, 'base64url'))
    expect(reasonFor(written({ certificate: certificateFor(own.publicKey, mesh.adminKey, '0123456789abcdef') }))).toBe(
      'the certificate in the ticket is for another mesh than the ticket',
    )
  })

  it('is refused with the certificate of a seed or of a member in place of its own', () => {
    for (const certificate of [mesh.membership.chain[0] ?? '', mesh.joined.chain[1] ?? '', 'x', ''])
      expect(reasonFor(written({ certificate }))).toMatch('the ticket certificate is not accepted')
  })

  it('is refused with a certificate of a newer version, and says so', () => {
    const certificate = signStatement('ticket', { v: 2 }, mesh.adminKey)
    expect(reasonFor(written({ certificate }))).toMatch('it has version 2: a newer Warren made it, this one knows version 1')
  })

  it.each(['secret', 'key', 'adminKey'] as const)('cannot be made with anything but 32 bytes as %s', (field) => {
    for (const value of ['', 'AAAA', 'A'.repeat(42), `${'A'.repeat(42)}B`, 'A'.repeat(44), `${'A'.repeat(42)}=`]) {
      expect(refusal('TICKET_INVALID', () => written({ [field]: value })).message).toMatch(`its field «${field}»`)
    }
  })
})

describe('no error about a ticket', () => {
  // The middle of a text, since what all tickets begin with is no secret.
  const secrets = [ticket.secret, ticket.key, encoded.slice(60)]
  const silent = (text: string) => {
    const error = shown(refusal('TICKET_INVALID', () => decodeTicket(text)))
    for (const secret of secrets) expect(reveals(error, secret), error).toBe(false)
  }

  it('shows a part of it, wherever it was cut or damaged', () => {
    for (let at = 0; at < encoded.length; at++) {
      silent(encoded.slice(0, at))
      silent(encoded.slice(at + 1))
      silent(`${encoded.slice(0, at)}!${encoded.slice(at + 1)}`)
      silent(encoded.slice(0, at) + (encoded.charAt(at) === 'A' ? 'B' : 'A') + encoded.slice(at + 1))
    }
  })

  it('shows a part of it, wherever the JSON in it was damaged', () => {
    for (let at = 0; at < json.length - 1; at++) {
      silent(encodedJson(json.slice(0, at)))
      silent(encodedJson(`${json.slice(0, at)}}`))
      for (const put of ['"', '\\', '}', ',', '\0']) {
        if (put !== json.charAt(at)) silent(encodedJson(json.slice(0, at) + put + json.slice(at + 1)))
      }
    }
  })

  it('shows a field that was named like a secret', () => {
    silent(encodedJson(json.replace('{', `{"${ticket.secret}":1,`)))
    silent(encodedJson(json.replace('"key"', `"${ticket.key}"`)))
  })
})
