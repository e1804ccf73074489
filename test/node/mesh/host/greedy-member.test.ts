import { createServer } from 'node:net'
import type { MessageStream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMesh, issueTicket, joinMesh } from '../../../../node/trust/membership.ts'
import { decodeTicket } from '../../../../node/trust/ticket.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { eventually, firstOf } from '../../../harness/wait.ts'
import { asMember, cardOf, HonestHost, newKey, type Script, Stranger } from '../stranger.ts'

useLeakCheck()

const NOW = Date.UTC(2026, 0, 1)
const NEVER = new AbortController().signal
/** A ping of yamux: version, type, SYN, stream 0, and a number. */
const PING = Buffer.from([0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1])

let honest: HonestHost
let membership: ReturnType<typeof createMesh>['membership']
let open: (script?: (member: Script) => Script) => Promise<Stranger>
const greedy = newKey()
const opened: Stranger[] = []
beforeEach(async () => {
  const seed = newKey()
  const mesh = createMesh({ peer: seed.peerId, addresses: [], now: NOW })
  membership = mesh.membership
  const ticket = decodeTicket(issueTicket({ ...mesh, role: 'member', notAfter: NOW + 1, now: NOW }))
  const card = cardOf(greedy, joinMesh({ ticket, peer: greedy.peerId, now: NOW }), NOW)
  honest = await HonestHost.open(seed, membership, NOW)
  open = async (script = (member) => member) => {
    const stranger = await Stranger.open({ secret: membership.secret, key: greedy, script: script(asMember(card)) })
    opened.push(stranger)
    return stranger
  }
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((stranger) => stranger[Symbol.asyncDispose]()))
  await honest.close()
})

const address = () => multiaddr(honest.host.multiaddrs[0])
const connections = () => honest.host.libp2p.getConnections()

test('a member that pings and never reads is hung up on before two megabytes wait for it', async () => {
  const flooding = Promise.withResolvers<MessageStream>()
  const stranger = await open((member) => async (connection) => {
    const muxed = await member(connection)
    flooding.resolve(muxed)
    return muxed
  })
  await stranger.libp2p.dial(address())
  const stream = await flooding.promise
  await eventually('it is there', () => connections().length === 1)
  const [connection] = connections()
  const { muxer } = connection as unknown as { muxer: { maConn: MessageStream } }
  let isOpen = true
  honest.host.libp2p.addEventListener('connection:close', () => {
    isOpen = false
  })
  stream.pause()
  const pings = Buffer.concat(Array<Buffer>(5_000).fill(PING))
  let most = 0
  let rounds = 0
  while (isOpen && rounds++ < 4_000) {
    if (stream.status === 'open') stream.send(pings)
    await new Promise((resolve) => setImmediate(resolve))
    most = Math.max(most, muxer.maConn.writeBufferLength)
  }
  expect(isOpen).toBe(false)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThanOrEqual(2 << 20)
})

test('a member has four connections, however many it opens', async () => {
  const stranger = await open()
  for (let at = 0; at < 12; at++) await stranger.libp2p.dial(address(), { force: true })
  await eventually('all were heard', () => honest.events.filter((event) => event === 'connection:open').length === 12)
  await eventually('four are left', () => connections().length === 4)
  await eventually('it knows', () => stranger.libp2p.getConnections().length === 4)
  expect(honest.book.get(greedy.peerId)?.connected).toBe(true)
  await stranger.libp2p.stop()
  await eventually('it is gone', () => honest.book.connected === 0)
})

test('peers of which others told are dialled sixty times a minute, and whom the node chose is dialled all the same', async () => {
  let dials = 0
  const victim = createServer((socket) => {
    dials++
    socket.on('error', () => {})
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await firstOf(victim, 'listening')
  const place = victim.address()
  const port = typeof place === 'object' ? place?.port : undefined
  const { peerStore } = honest.host.libp2p
  for (let at = 0; at < 70; at++) {
    const { peerId } = newKey()
    await peerStore.merge(peerIdFromString(peerId), { multiaddrs: [multiaddr(`/ip4/127.0.0.1/tcp/${port}`)] })
    await expect(honest.host.meet(peerId, NEVER)).rejects.toThrow()
  }
  expect(dials).toBe(60)
  await expect(honest.host.dial(`/ip4/127.0.0.1/tcp/${port}/p2p/${newKey().peerId}`, NEVER)).rejects.toThrow()
  expect(dials).toBe(61)
  victim.close()
})
