import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { noise } from '@chainsafe/libp2p-noise'
import type { Libp2p, PeerInfo } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { mdnsDiscovery, mdnsTag } from '../../../../node/mesh/host/mdns.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Random } from '../../../harness/random.ts'
import { firstOf } from '../../../harness/wait.ts'

useLeakCheck()

const TAG = mdnsTag(Buffer.alloc(32, 1))
const OTHER_TAG = mdnsTag(Buffer.alloc(32, 2))
const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const OTHER_PEER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
/** Stands for the group: what a node sends to all comes here alone, since a socket of this very address is the nearer one. */
const GROUP = '127.0.0.2'

/** A DNS name on the wire (RFC 1035 section 3.1). */
function wireName(text: string): Buffer {
  const labels = text.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]))
  return Buffer.concat([...labels, Buffer.of(0)])
}

function message(flags: number, counts: readonly number[], ...parts: Buffer[]): Buffer {
  const header = Buffer.alloc(12)
  for (const [at, field] of [0, flags, ...counts].entries()) header.writeUInt16BE(field, at * 2)
  return Buffer.concat([header, ...parts])
}

function record(name: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(120, 4)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([wireName(name), fixed, data])
}

function question(tag: string): Buffer {
  return message(0, [1, 0, 0, 0], wireName(tag), Buffer.of(0, 12, 0, 1))
}

function answer(tag: string, peer: string, name = 'somebody'): Buffer {
  const text = Buffer.from(`dnsaddr=/ip4/10.0.0.5/tcp/7471/p2p/${peer}`)
  const instance = `${name}.${tag}`
  return message(
    0x8400,
    [0, 2, 0, 0],
    record(tag, 12, wireName(instance)),
    record(instance, 16, Buffer.concat([Buffer.of(text.length), text])),
  )
}

interface Network {
  readonly node: Libp2p
  readonly warnings: string[]
  readonly found: PeerInfo[]
  send(packet: Buffer): Promise<void>
  /** The next answer of the node to the whole network. */
  heard(): Promise<Buffer>
}

async function bound(reuseAddr: boolean, port: number, address?: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr }).bind(port, address)
  await once(socket, 'listening')
  onTestFinished(async () => {
    socket.close()
    await firstOf(socket, 'close')
  })
  return socket
}

async function network(onQuestion: (packet: Buffer) => void = () => {}): Promise<Network> {
  const ear = await bound(true, 0, GROUP)
  const { port } = ear.address()
  const answers: Buffer[] = []
  let wake = () => {}
  ear.on('message', (packet) => {
    if ((packet.readUInt16BE(2) & 0x8000) === 0) return onQuestion(packet)
    answers.push(packet)
    wake()
  })
  const { node, warnings } = await nodeWithMdns({ port, group: GROUP })
  const found: PeerInfo[] = []
  node.addEventListener('peer:discovery', ({ detail }) => found.push(detail))
  return {
    node,
    warnings,
    found,
    // A turn for the node to read it, before its buffer overflows.
    send: (packet) => new Promise((resolve) => ear.send(packet, port, '127.0.0.1', () => setImmediate(resolve))),
    heard: async () => {
      for (;;) {
        const packet = answers.shift()
        if (packet) return packet
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

async function nodeWithMdns(init: { port: number; group?: string }) {
  const warnings: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) })
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    peerDiscovery: [mdnsDiscovery({ tag: TAG, log, ...init })],
  })
  onTestFinished(() => node.stop())
  return { node, warnings }
}

test('the name of the service is another one for each mesh, and as long as a name of a service may be', () => {
  expect(TAG).toMatch(/^_warren-[\da-f]{8}\._udp\.local$/)
  expect(TAG).not.toBe(OTHER_TAG)
  expect(TAG.split('.')[0]?.length).toBeLessThanOrEqual(16)
})

// Elsewhere 127.0.0.2 is no address of the machine.
describe.runIf(process.platform === 'linux')('in a network', () => {
  test('a node asks for its mesh, and tells whoever asks for it its addresses and peer id, and nothing else', async () => {
    const asked = Promise.withResolvers<Buffer>()
    const { node, send, heard } = await network(asked.resolve)
    expect((await asked.promise).subarray(12)).toEqual(question(TAG).subarray(12))
    await send(question(TAG))
    const text = (await heard()).toString('latin1')
    expect(text.match(/dnsaddr=[\x21-\x7e]+/g)).toEqual(node.getMultiaddrs().map((address) => `dnsaddr=${address}`))
    const others = text.match(/[\x21-\x7e]{4,}/g)?.filter((word) => !word.includes('dnsaddr='))
    const instance = others?.find((word) => /^[\da-f]{16}$/.test(word))
    expect(new Set(others)).toEqual(new Set([instance, ...TAG.split('.')]))
  })

  test('it does not answer for another mesh', async () => {
    const { send, heard } = await network()
    await send(question(OTHER_TAG))
    await send(question(TAG))
    expect((await heard()).includes(wireName(TAG))).toBe(true)
  })

  test('it finds who answers for its mesh, and neither others nor itself', async () => {
    const { node, found, send, heard } = await network()
    const first = new Promise((resolve) => node.addEventListener('peer:discovery', resolve, { once: true }))
    await send(question(TAG))
    await send(await heard())
    await send(answer(OTHER_TAG, OTHER_PEER))
    await send(answer(TAG, node.peerId.toString()))
    await send(answer(TAG, PEER))
    await first
    expect(found.map(({ id }) => id.toString())).toEqual([PEER])
    expect(found[0]?.multiaddrs.map(String)).toEqual(['/ip4/10.0.0.5/tcp/7471'])
  })

  test('it survives what is no message, and answers still', async () => {
    const { found, send, heard } = await network()
    const random = new Random(53)
    for (let round = 0; round < 300; round++) {
      const packet = Buffer.from(round % 2 ? answer(TAG, PEER) : question(TAG))
      for (let flips = random.between(1, 6); flips > 0; flips--) {
        packet[random.between(0, packet.length - 1)] = random.between(0, 255)
      }
      await send(round % 5 === 0 ? random.bytes(random.between(0, 600)) : packet.subarray(0, random.between(1, packet.length)))
    }
    await send(question(TAG))
    await heard()
    expect(found.every(({ id }) => id.toString().startsWith('12D3KooW'))).toBe(true)
  })
})

test('a node in whose network mDNS is not possible starts and stops all the same, and says so once', async () => {
  const taken = await bound(false, 0)
  const { node, warnings } = await nodeWithMdns({ port: taken.address().port })
  expect(node.status).toBe('started')
  expect(warnings).toEqual([expect.stringMatching(/^members in the same network are not found .*EADDRINUSE/)])
})
