import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { MessageStream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { identityCertificate } from '../../../node/mesh/blobs/identity-certificate.ts'
import { MAX_CARD_BYTES } from '../../../node/mesh/gate.ts'
import { createMesh, issueTicket, joinMesh } from '../../../node/trust/membership.ts'
import type { NodeKey } from '../../../node/trust/node-key.ts'
import { decodeTicket } from '../../../node/trust/ticket.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { RawConnection } from '../../harness/raw.ts'
import { eventually } from '../../harness/wait.ts'
import { asMember, cardOf, HonestHost, newKey, Relay, type Script, Stranger, VERSION } from './stranger.ts'

useLeakCheck()

const DAY = 24 * 60 * 60_000
const NOW = Date.UTC(2026, 0, 1)
const NEVER = new AbortController().signal

/** A mesh with its seed, a member, and somebody who joined by a ticket that has ended. */
function world() {
  const seed = newKey()
  const { membership, adminKey } = createMesh({ peer: seed.peerId, addresses: [], now: NOW - DAY })
  const join = (key: NodeKey, notAfter: number) => {
    const ticket = decodeTicket(issueTicket({ adminKey, membership, role: 'member', notAfter, now: NOW - DAY }))
    return joinMesh({ ticket, peer: key.peerId, now: NOW - DAY })
  }
  const member = newKey()
  const late = newKey()
  return { seed, membership, member, joined: join(member, NOW + DAY), late, expired: join(late, NOW - 1) }
}

type World = ReturnType<typeof world>

const GREETING = '\x13/multistream/1.0.0\n'
const CHOICE = '\x07/noise\n'

/** What an honest member may say to anybody: that it speaks noise, and its half of the handshake, which is one message. */
function beyondHandshake(said: string): string {
  let rest = said
  for (const line of [GREETING, CHOICE]) {
    if (!rest.startsWith(line)) return rest
    rest = rest.slice(line.length)
  }
  return rest === '' ? '' : rest.slice(2 + Buffer.from(rest, 'latin1').readUInt16BE())
}

/** Says what it has to say, and then waits for an answer until the member hangs up. */
function saying(bytes: Uint8Array, framed = true): Script {
  return async (connection) => {
    if (framed) await lpStream(connection).write(bytes)
    else connection.send(bytes)
    return forever(connection)
  }
}

async function forever(connection: MessageStream): Promise<never> {
  await new Promise((resolve) => connection.addEventListener('close', resolve, { once: true }))
  throw new Error('the member hung up')
}

/** Sends bytes of one card for as long as somebody takes them. */
const endless: Script = async (connection) => {
  connection.send(Uint8Array.of(0xff, 0x3f))
  while (connection.status === 'open') {
    connection.send(new Uint8Array(1_000).fill(0x20))
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('the member hung up')
}

interface Attempt {
  /** The mesh secret unless it is another one. */
  readonly secret?: string
  readonly as?: (world: World) => NodeKey
  readonly script: (world: World) => Script
}

const foreign = createMesh({ peer: newKey().peerId, addresses: [], now: NOW })
const impostor = newKey()
const forged = createMesh({ peer: impostor.peerId, addresses: [], now: NOW }).membership

const ATTEMPTS: Record<string, Attempt> = {
  'another mesh secret': { secret: foreign.membership.secret, script: () => (connection) => connection },
  'the mesh secret, and protocols instead of a card': { script: () => (connection) => connection },
  'the mesh secret, and silence': { script: () => forever },
  'the mesh secret and an empty card': { script: () => saying(new Uint8Array(0)) },
  'the mesh secret and rubbish in the frame of a card': { script: () => saying(new Random(7).bytes(300)) },
  'the mesh secret and rubbish without a frame': { script: () => saying(new Random(8).bytes(300), false) },
  'the mesh secret and a length without an end': { script: () => saying(Buffer.alloc(100_000, 0xff), false) },
  'the mesh secret and a card that is too large': { script: () => saying(Buffer.alloc(MAX_CARD_BYTES + 1, ' ')) },
  'the mesh secret and a card without an end': { script: () => endless },
  'the mesh secret and half a card': { script: () => saying(Buffer.from('\x7f{"v":1,'), false) },
  'the mesh secret and the card of another member, as it was recorded': {
    script: ({ member, joined }) => saying(cardOf(member, joined, NOW)),
  },
  'the mesh secret and the card of whom it knocks at': {
    script: ({ seed, membership }) => saying(cardOf(seed, membership, NOW)),
  },
  'the mesh secret and certificates of another admin key': {
    as: () => impostor,
    script: () => saying(cardOf(impostor, forged, NOW)),
  },
  'the mesh secret and the half of its certificates that the ticket has': {
    as: ({ member }) => member,
    script: ({ member, joined }) => saying(cardOf(member, { ...joined, chain: joined.chain.slice(0, 1) }, NOW)),
  },
  'a ticket that has ended': { as: ({ late }) => late, script: ({ late, expired }) => saying(cardOf(late, expired, NOW)) },
}

async function expectNothing(honest: HonestHost): Promise<void> {
  expect([honest.events, honest.book.all(), honest.host.libp2p.getConnections()]).toEqual([[], [], []])
  expect(await honest.remembered()).toEqual([])
}

/** That a dial failed is all that a member keeps of whom it dialled: no address, no protocol. */
async function expectNobody({ events, book, host }: HonestHost): Promise<void> {
  expect([events.filter((event) => event !== 'peer:discovery'), book.all(), host.libp2p.getConnections()]).toEqual([[], [], []])
  const known = await host.libp2p.peerStore.all()
  expect(known.flatMap(({ addresses, protocols }) => [...addresses, ...protocols])).toEqual([])
}

/** A member whose door somebody stands at. */
async function atTheDoor<T>(there: World, visit: (honest: HonestHost, relay: Relay) => Promise<T>): Promise<T> {
  const honest = await HonestHost.open(there.seed, there.membership, NOW)
  const relay = await Relay.open(honest.port)
  try {
    return await visit(honest, relay)
  } finally {
    relay.close()
    await honest.close()
  }
}

describe('a stranger at the libp2p port of a member', () => {
  it.concurrent.each(Object.keys(ATTEMPTS))('gets its half of the handshake and nothing else with %s', async (name) => {
    const { secret, as = newKey, script } = ATTEMPTS[name] as Attempt
    const there = world()
    await atTheDoor(there, async (honest, relay) => {
      const mine = { secret: secret ?? there.membership.secret, key: as(there), script: script(there) }
      await using stranger = await Stranger.open(mine)
      const knocking = stranger.knock(relay.address)
      await relay.left
      expect(await knocking).toBe(false)
      expect(relay.said.startsWith(GREETING + CHOICE)).toBe(true)
      expect([beyondHandshake(relay.said).length, stranger.decrypted.length]).toEqual([0, 0])
      // Whose door it is, which it may have known before, and the muxer that everybody uses.
      const told = { peer: there.seed.peerId, muxers: ['/yamux/1.0.0'], hashes: [] }
      expect(stranger.learnt).toEqual(secret === undefined ? [told] : [])
      await expectNothing(honest)
    })
  })

  it.concurrent('would be let in if it were a member, and then be heard', async () => {
    const there = world()
    await atTheDoor(there, async (honest, relay) => {
      const mine = {
        secret: there.membership.secret,
        key: there.member,
        script: asMember(cardOf(there.member, there.joined, NOW)),
      }
      await using member = await Stranger.open(mine)
      expect(await member.knock(relay.address)).toBe(true)
      await eventually('it was heard', () => honest.events.includes('stream'))
      expect(member.decrypted.toString('latin1')).toContain('192.0.2.99:7472')
      expect(beyondHandshake(relay.said).length).toBeGreaterThan(0)
      expect(honest.book.all().map(({ id }) => id)).toEqual([there.member.peerId])
      expect(await honest.remembered()).toEqual([there.member.peerId])
    })
  })

  const noisy = `${GREETING}${CHOICE}`
  it.concurrent.each<[string, string | Buffer, string]>([
    ['says nothing', '', GREETING],
    ['says hello and nothing more', GREETING, GREETING],
    ['asks for another kind of encryption', `${GREETING}\x0b/tls/1.0.0\n`, `${GREETING}\x03na\n`],
    ['asks for no encryption', `${GREETING}\x11/plaintext/2.0.0\n`, `${GREETING}\x03na\n`],
    ['asks for identify before any encryption', `${GREETING}\x0e/ipfs/id/1.0.0\n`, `${GREETING}\x03na\n`],
    ['asks what is spoken', `${GREETING}\x03ls\n`, `${GREETING}\x09\x07/noise\n\n`],
    ['begins a handshake with rubbish', Buffer.concat([Buffer.from(`${noisy}\x00\x05`, 'latin1'), Buffer.alloc(5)]), noisy],
    ['is silent in the middle of the handshake', noisy, noisy],
    ['speaks HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', GREETING],
  ])('that %s is told no more than how to speak, and is hung up on', async (_, bytes, answer) => {
    const there = world()
    await atTheDoor(there, async (honest, relay) => {
      const raw = await RawConnection.open(`http://127.0.0.1:${relay.port}`)
      raw.send(bytes)
      await relay.left
      raw.close()
      expect(answer.startsWith(relay.said)).toBe(true)
      await expectNothing(honest)
    })
  })

  it.concurrent('gets no further with a TLS identity: TLS is not spoken there', async () => {
    const there = world()
    const identity = await identityCertificate(there.member)
    await atTheDoor(there, async (honest, relay) => {
      const socket = connectTls({ ...identity, host: '127.0.0.1', port: relay.port, rejectUnauthorized: false })
      const secured = once(socket, 'secureConnect')
      await expect(secured).rejects.toThrow()
      socket.destroy()
      await relay.left
      expect(GREETING.startsWith(relay.said)).toBe(true)
      await expectNothing(honest)
    })
  })
})

describe('a member that dials a stranger', () => {
  /** A stranger who listens, and an honest member that dials it. */
  async function dialling(secret: (there: World) => string, script: (there: World) => Script) {
    const there = world()
    const honest = await HonestHost.open(there.member, there.joined, NOW)
    const stranger = await Stranger.open({ secret: secret(there), script: script(there), listen: true })
    try {
      await expect(honest.host.dial(stranger.address, NEVER)).rejects.toThrow()
      await expectNobody(honest)
      return { there, learnt: stranger.learnt, decrypted: stranger.decrypted }
    } finally {
      await stranger[Symbol.asyncDispose]()
      await honest.close()
    }
  }

  it.concurrent('shows neither its peer id nor a card to one with another mesh secret', async () => {
    const { learnt, decrypted } = await dialling(
      () => foreign.membership.secret,
      () => (connection) => connection,
    )
    expect([learnt, decrypted.length]).toEqual([[], 0])
  })

  it.concurrent.each<[string, (there: World) => Script]>([
    ['says nothing', () => forever],
    ['speaks on without a card', () => (connection) => connection],
    ['answers with rubbish', () => saying(new Random(9).bytes(200))],
    ['answers with a card without an end', () => endless],
    ['sends its own card back', ({ member, joined }) => saying(cardOf(member, joined, NOW))],
    ['answers with the card of the seed', ({ seed, membership }) => saying(cardOf(seed, membership, NOW))],
  ])(
    'shows its own card, and nothing else, to one that knows the mesh secret and %s, and takes it for no member',
    async (_, script) => {
      const { there, learnt, decrypted } = await dialling(({ membership }) => membership.secret, script)
      expect(learnt.map(({ peer }) => peer)).toEqual([there.member.peerId])
      const length = decrypted.readUInt8() - 128 + decrypted.readUInt8(1) * 128
      const card = decrypted.subarray(2)
      expect(card.length).toBe(length)
      expect(JSON.parse(card.toString())).toEqual({
        v: 1,
        chain: there.joined.chain,
        version: VERSION,
        blobs: ['192.0.2.99:7472'],
      })
    },
  )

  it.concurrent('takes nobody else for the one whom it wanted to meet', async () => {
    const there = world()
    const honest = await HonestHost.open(there.member, there.joined, NOW)
    const mine = { secret: there.membership.secret, script: forever, listen: true }
    await using stranger = await Stranger.open(mine)
    const address = stranger.address.replace(/\/p2p\/.*/, `/p2p/${there.seed.peerId}`)
    try {
      await expect(honest.host.dial(address, NEVER)).rejects.toThrow()
      // Whom it met by mistake does not even see its card.
      expect(stranger.decrypted.length).toBe(0)
      await expectNobody(honest)
    } finally {
      await honest.close()
    }
  })
})
