import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { identityCertificate, peerOfSocket } from '../../../../node/mesh/blobs/identity-certificate.ts'
import { MAX_CARD_BYTES } from '../../../../node/mesh/gate.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Random } from '../../../harness/random.ts'
import { until, using } from '../../http/fixture.ts'
import { asker, cardOf, framed, type Holder, holder, NEVER, type Party, party, stranger } from './fixture.ts'

useLeakCheck()

const BLOB = Buffer.from('only members may see this')
const REQUEST = Buffer.from('GET /blobs/v1/sha256:00 HTTP/1.1\r\nhost: blobs\r\n\r\n')

interface Attempt {
  readonly options?: (self: Party) => ConnectionOptions | Promise<ConnectionOptions>
  /** Sent as soon as that is possible. */
  readonly send?: (self: Party, server: Party) => Buffer
  /** How the server says it; undefined when its TLS already does. */
  readonly reason: string | undefined
}

const withIdentity = (self: Party) => self.identity

/** What a liar signs in the name of somebody else. */
async function forged(self: Party): Promise<ConnectionOptions> {
  const victim = await party(1)
  return identityCertificate({ ...self.key, publicKey: victim.key.publicKey, sign: (bytes) => self.key.sign(bytes) })
}

const ATTEMPTS: Record<string, Attempt> = {
  'no certificate, and the card of a member': {
    options: () => ({}),
    send: (_, server) => framed(cardOf(server.id)),
    reason: 'showed no certificate',
  },
  'a certificate in the name of a member that it did not sign': {
    options: forged,
    send: (_, server) => framed(cardOf(server.id)),
    reason: 'proves no peer id',
  },
  'an identity and a request instead of a card': { send: () => REQUEST, reason: 'is no card' },
  'an identity and nothing else, then it goes': { send: () => Buffer.alloc(0), reason: 'left before' },
  'the card of another member': { send: (_, server) => framed(cardOf(server.id)), reason: 'no card of' },
  'rubbish in the frame of a card': { send: () => framed(new Random(7).bytes(300)), reason: 'no card of' },
  'rubbish without a frame': { send: () => Buffer.alloc(5_000, 0xff), reason: 'is no card' },
  'an empty card': { send: () => framed(Buffer.alloc(0)), reason: 'not 0' },
  'a card that is too large': { send: () => framed(Buffer.alloc(MAX_CARD_BYTES + 1)), reason: `not ${MAX_CARD_BYTES + 1}` },
  'half a card, then it goes': { send: (self) => framed(cardOf(self.id)).subarray(0, 20), reason: 'left before' },
  'half a length, then it goes': { send: () => Buffer.of(0), reason: 'left before' },
  'no protocol': {
    options: (self) => ({ ...self.identity, ALPNProtocols: [] }),
    send: (self) => framed(cardOf(self.id)),
    reason: 'does not speak warren-blobs/1',
  },
  'another protocol': { options: (self) => ({ ...self.identity, ALPNProtocols: ['http/1.1'] }), reason: undefined },
  'TLS 1.2': {
    options: (self) => ({ ...self.identity, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
    send: (self) => framed(cardOf(self.id)),
    reason: undefined,
  },
}

async function attempt({ options = withIdentity, send }: Attempt, server: Holder) {
  const self = await party(9)
  const seen = stranger(server.port, await options(self))
  const bytes = send?.(self, server.party)
  if (bytes) {
    seen.socket.once('secureConnect', () => {
      if (bytes.length > 0) seen.socket.write(bytes)
      // Whoever promises more than it sends is asked to come to an end, so that this test does not wait for the limit.
      seen.socket.end()
    })
  }
  await seen.closed
  return seen
}

describe('a stranger', () => {
  it.each(Object.keys(ATTEMPTS))('gets not one byte with %s', async (name) => {
    const server = await holder()
    server.hold(BLOB)
    const { reason, ...rest } = ATTEMPTS[name] as Attempt
    const { received } = await attempt({ ...rest, reason }, server)
    expect(Buffer.concat(received).length).toBe(0)
    expect([server.asked, server.party.gate.shown]).toEqual([[], 0])
    if (reason === undefined) expect(server.refused).toEqual([])
    else await until(() => server.refused.length > 0)
    expect(server.refused.map(String)).toEqual(reason === undefined ? [] : [expect.stringContaining(reason)])
  })

  it.each([
    ['before TLS', undefined],
    ['with half a card', (self: Party) => framed(cardOf(self.id)).subarray(0, 20)],
    ['without a card', () => Buffer.alloc(0)],
  ])('that is silent %s is sent away when its time is up', async (_, send) => {
    const server = await holder(1, { admission: 150 })
    if (!send) {
      const socket = silent(server)
      await once(socket, 'close')
      expect(socket.bytesRead).toBe(0)
      return
    }
    const self = await party(9)
    const { socket, received, closed } = stranger(server.port, self.identity)
    socket.once('secureConnect', () => socket.write(send(self)))
    await closed
    expect([received.length, server.asked.length, server.party.gate.shown]).toEqual([0, 0, 0])
  })

  it('that speaks plain HTTP gets no answer in HTTP', async () => {
    const server = await holder()
    const socket = silent(server)
    socket.write(REQUEST)
    let received = ''
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1')
    })
    await once(socket, 'close')
    // At most the alert with which TLS takes its leave (RFC 8446 section 6): five bytes of header, two of alert.
    expect(received.length).toBeLessThanOrEqual(7)
    expect(server.asked).toEqual([])
  })

  it('is let in by no session of a member: each connection shows its certificate anew', async () => {
    const server = await holder()
    const self = await party(2)
    const sessions: Buffer[] = []
    for (const round of [1, 2, 3]) {
      const session = sessions.at(-1)
      const seen = stranger(server.port, { ...self.identity, ...(session ? { session } : {}) })
      seen.socket.on('session', (ticket) => sessions.push(ticket))
      await once(seen.socket, 'secureConnect')
      seen.socket.write(framed(cardOf(self.id)))
      await until(() => seen.received.length > 0)
      expect([seen.socket.isSessionReused(), await peerOfSocket(seen.socket)]).toEqual([false, server.party.id])
      expect(Buffer.concat(seen.received).toString()).toContain(`card of ${server.party.id}`)
      expect(server.party.gate.shown).toBe(round)
    }
    expect(server.refused).toEqual([])
  })
})

describe('a flood of connections that are not admitted', () => {
  it('is bounded for each address, and keeps no member out that shares it, as containers of one machine do', async () => {
    const server = await holder(1, { admission: 60_000, halfOpenPerAddress: 4 })
    const flood = Array.from({ length: 40 }, () => silent(server))
    await until(() => flood.filter((socket) => socket.destroyed).length === 36)
    const { client } = await asker()
    expect(await client.reach(server.peer, NEVER)).toBe(server.address)
    await until(() => flood.filter((socket) => socket.destroyed).length === 37)
  })

  it('is bounded in all', async () => {
    const server = await holder(1, { admission: 60_000, halfOpen: 6, halfOpenPerAddress: 100 })
    const flood = Array.from({ length: 40 }, () => silent(server))
    await until(() => flood.filter((socket) => socket.destroyed).length === 34)
  })

  it('lets a member in all the same: who has stood in the door for longest has to go', async () => {
    const server = await holder(1, { admission: 60_000, halfOpen: 6, halfOpenPerAddress: 100 })
    const digest = server.hold(BLOB)
    const flood = Array.from({ length: 6 }, () => silent(server))
    await until(() => flood.every((socket) => socket.readyState === 'open'))
    const { client } = await asker(2)
    const { body } = await client.open(server.peer, digest, 0, NEVER)
    expect(Buffer.concat(await Array.fromAsync(body))).toEqual(BLOB)
    await until(() => flood[0]?.destroyed === true)
  })

  it('does not count those that were admitted', async () => {
    const server = await holder(1, { admission: 60_000, halfOpenPerAddress: 2 })
    const digest = server.hold(BLOB)
    for (const number of [2, 3, 4, 5]) {
      const { client } = await asker(number)
      const { body } = await client.open(server.peer, digest, 0, NEVER)
      expect(Buffer.concat(await Array.fromAsync(body))).toEqual(BLOB)
    }
    expect(new Set(server.asked).size).toBe(4)
  })
})

function silent(server: Holder): Socket {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  using({ close: () => void socket.destroy() })
  return socket
}
