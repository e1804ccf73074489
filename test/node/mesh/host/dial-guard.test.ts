import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseMeshAddress } from '../../../../node/member-address.ts'
import { cleanEnv, run } from '../../../harness/child-process.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { plainNode } from '../../../harness/plain-node.ts'
import { Random } from '../../../harness/random.ts'
import { eventually, firstOf } from '../../../harness/wait.ts'

useLeakCheck()

const child = fileURLToPath(new URL('../../../harness/child/dial-storm.ts', import.meta.url))
const sockets = new Set<Socket>()
const servers: Server[] = []
const ports: number[] = []

beforeAll(async () => {
  const random = new Random(7)
  const resets = await place((socket) => socket.resetAndDestroy())
  const silent = await place(() => {})
  const halfway = await place((socket) => {
    socket.write('\x13/multistream/1.0.0\n')
    setTimeout(() => socket.resetAndDestroy(), random.between(0, 5))
  })
  const hangsUp = await place((socket) => socket.end())
  const closed = await place(() => {})
  closed.server.close()
  ports.push(...[resets, silent, halfway, hangsUp, closed].map(({ port }) => port))
})

afterAll(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of servers) server.close()
})

async function place(welcome: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    // Without a reader the end of the other side is never seen.
    socket.resume()
    welcome(socket)
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

async function storm(transport: 'guarded' | 'bare', dials: number) {
  const { stdout, stderr, code } = await run([process.execPath, child, transport, String(dials), ...ports.map(String)], {
    cwd: process.cwd(),
    env: cleanEnv(),
    timeoutMs: 50_000,
  })
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return JSON.parse(stdout) as { settled: Record<string, number>; uncaught: number }
}

test('thousands of dials that are reset, refused, ignored or given up at any moment all settle and end no process', async () => {
  expect(await storm('guarded', 3_000)).toEqual({ settled: { failed: 3_000 }, uncaught: 0 })
})

test('without the guard, sockets to which nobody listens would end it', async () => {
  expect((await storm('bare', 300)).uncaught).toBeGreaterThan(0)
})

test('a listener that is dialled and reset a thousand times takes the next one', async () => {
  const random = new Random(9)
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  process.on('uncaughtExceptionMonitor', note)
  const [listener, dialler] = await Promise.all([plainNode('/ip4/127.0.0.1/tcp/0'), plainNode('/ip4/127.0.0.1/tcp/0')])
  try {
    const [address] = listener.getMultiaddrs()
    if (!address) throw new Error('it does not listen')
    const { port } = parseMeshAddress(address.toString()) ?? {}
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 50 }, () => knock(Number(port), random.between(0, 2))))
    }
    await eventually('it takes a connection', () =>
      dialler.dial(multiaddr(address.toString())).then(
        () => true,
        () => false,
      ),
    )
    expect(uncaught).toEqual([])
  } finally {
    process.off('uncaughtExceptionMonitor', note)
    await Promise.all([listener.stop(), dialler.stop()])
  }
})

test('a dial whose time is up only after it succeeded leaves the connection alone', async () => {
  const [listener, dialler] = await Promise.all([plainNode('/ip4/127.0.0.1/tcp/0'), plainNode('/ip4/127.0.0.1/tcp/0')])
  try {
    const time = new AbortController()
    const [address] = listener.getMultiaddrs()
    if (!address) throw new Error('it does not listen')
    const connection = await dialler.dial(address, { signal: time.signal })
    time.abort()
    await new Promise((resolve) => setImmediate(resolve))
    expect(connection.status).toBe('open')
  } finally {
    await Promise.all([listener.stop(), dialler.stop()])
  }
})

/** Connects and leaves with a reset: at once, as soon as it is connected, or in the middle of the handshake. */
async function knock(port: number, stage: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  const closed = firstOf(socket, 'close')
  socket.on('connect', () => {
    if (stage > 0) socket.write('\x13/multistream/1.0.0\n')
    if (stage < 2) socket.resetAndDestroy()
  })
  if (stage === 2) socket.on('data', () => socket.resetAndDestroy())
  await closed
}
