/**
 * Dials hostile places thousands of times with a libp2p node, gives each dial up at a random moment, and prints what became of
 * them. Arguments: `guarded` or `bare`, how many dials, ports on 127.0.0.1.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { guardedTcp } from '../../../node/mesh/host/dial-guard.ts'
import { Random } from '../random.ts'

const AT_ONCE = 50
const [transport, dials, ...ports] = process.argv.slice(2)
const random = new Random(5)
const settled: Record<string, number> = {}
const uncaught: string[] = []
process.on('uncaughtException', (error: Error) => uncaught.push(error.message))

// Node listens to errors of a socket that has an abort signal. That is no promise of it, so it is not relied on.
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  socket.removeAllListeners('error')
})

const node = await createLibp2p({
  transports: [transport === 'guarded' ? guardedTcp() : tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: () => false },
})

/** In the same turn, a turn later, or after the socket has met its fate. */
function later(work: () => void): void {
  const way = random.between(0, 4)
  if (way === 0) queueMicrotask(work)
  else if (way === 1) process.nextTick(work)
  else if (way === 2) setImmediate(work)
  else setTimeout(work, random.between(0, way === 3 ? 3 : 40))
}

async function dial(): Promise<void> {
  const giveUp = new AbortController()
  // 255.255.255.255 fails at once and without waiting for the network.
  const places = [...ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`), '/ip4/255.255.255.255/tcp/9']
  const place = places[random.between(0, places.length - 1)] ?? ''
  later(() => giveUp.abort())
  const end = await node.dial(multiaddr(place), { signal: giveUp.signal }).then(
    (connection) => {
      setImmediate(() => connection.abort(new Error('enough')))
      return 'connected'
    },
    () => 'failed',
  )
  settled[end] = (settled[end] ?? 0) + 1
}

for (let done = 0; done < Number(dials); done += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, dial))
await node.stop()
// Whatever a socket has left to say is said within a turn or two.
await new Promise((resolve) => setTimeout(resolve, 100))
console.log(JSON.stringify({ settled, uncaught: uncaught.length }))
