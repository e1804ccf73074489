import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { dial } from '../../../../node/mesh/blobs/dial.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { until, using } from '../../http/fixture.ts'
import { asker, holder, listening, NEVER, type Party, party } from './fixture.ts'

useLeakCheck()

/** An address that takes connections and says nothing. */
function silence() {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.resume()
  })
  return listening(server)
}

/** An address at which nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${port}`
}

async function dialling({ gate, identity }: Party, id: string, addresses: string[], limit = 5_000, signal = NEVER) {
  const components = { gate, secureContext: createSecureContext({ ...identity, minVersion: 'TLSv1.3' }) }
  const connection = await dial(components, { id, addresses }, limit, signal)
  using({ close: () => void connection.socket.destroy() })
  return connection.address
}

describe('dialling a member', () => {
  it('takes the first address that leads to it, whatever else it says of itself', async () => {
    const server = await holder()
    const other = await holder(3)
    const self = await party(2)
    const { id } = server.party
    const refusing = await nobody()
    for (const first of [refusing, other.address, '', 'no address', '127.0.0.1:70000', '127.0.0.1', 'a b:1', '[::1:1']) {
      expect(await dialling(self, id, [first, server.address])).toBe(server.address)
    }
    expect(other.asked).toEqual([])
  })

  it('does not wait for an address that is silent, and lets go of it', async () => {
    const server = await holder()
    const { address, sockets } = await silence()
    expect(await dialling(await party(2), server.party.id, [address, server.address], 60_000)).toBe(server.address)
    await until(() => sockets.length === 1 && sockets.every((socket) => socket.destroyed))
  })

  it('understands names and IPv6 hosts in brackets', async () => {
    const server = await holder()
    expect(await dialling(await party(2), server.party.id, [`localhost:${server.port}`])).toBe(`localhost:${server.port}`)
    const failing = dialling(await party(2), server.party.id, ['[::ffff:127.0.0.1]:1'])
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('ECONNREFUSED') })
  })

  it('says why it did not succeed: nobody there, somebody else there, no address, out of time', async () => {
    const self = await party(2)
    const { id } = await party(1)
    const other = await holder(3)
    const closed = await nobody()
    await expect(dialling(self, id, [closed])).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining(closed),
    })
    await expect(dialling(self, id, [other.address, closed])).rejects.toMatchObject({ code: 'UNTRUSTED' })
    await expect(dialling(self, id, [])).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
    const { address, sockets } = await silence()
    await expect(dialling(self, id, [address], 100)).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
      message: expect.stringContaining('within 100 ms'),
    })
    await until(() => sockets.every((socket) => socket.destroyed))
  })

  it('tries eight addresses, not the thousand that a member may name', async () => {
    const server = await holder()
    const closed = await nobody()
    const port = Number(closed.split(':')[1])
    const many = Array.from({ length: 8 }, (_, at) => `127.0.0.${at + 1}:${port}`)
    await expect(dialling(await party(2), server.party.id, [...many, server.address])).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
    })
    expect(await dialling(await party(2), server.party.id, [...many.slice(1), server.address])).toBe(server.address)
  })

  it('stops with the reason of the abort, and lets go of what it began', async () => {
    const { address, sockets } = await silence()
    const stop = new AbortController()
    const running = dialling(await party(2), (await party(1)).id, [address], 60_000, stop.signal)
    await until(() => sockets.length === 1)
    stop.abort('never mind')
    await expect(running).rejects.toBe('never mind')
    await until(() => sockets.every((socket) => socket.destroyed))
    await expect(dialling(await party(2), 'x', [address], 1, AbortSignal.abort('late'))).rejects.toBe('late')
    expect(sockets.length).toBe(1)
  })
})

describe('a client', () => {
  it('begins with the address that led to the member the last time', async () => {
    const server = await holder()
    const { address, sockets } = await silence()
    const { client } = await asker()
    const peer = { id: server.party.id, addresses: [address, server.address] }
    expect(await client.reach(peer, NEVER)).toBe(server.address)
    expect(await client.reach(peer, NEVER)).toBe(server.address)
    expect(sockets.length).toBe(1)
    // Of an address that it does not name any more nothing is known.
    await expect(client.reach({ id: peer.id, addresses: [await nobody()] }, NEVER)).rejects.toMatchObject({
      code: 'UPSTREAM_UNREACHABLE',
    })
  })

  it('lets go of a connection in the making when it is closed', async () => {
    const { address, sockets } = await silence()
    const { client } = await asker(2, { admission: 60_000 })
    const { id } = await party(1)
    const opening = client.open({ id, addresses: [address] }, { algorithm: 'sha256', hex: '00'.repeat(32) }, 0, NEVER)
    const reaching = client.reach({ id, addresses: [address] }, NEVER)
    const failed = Promise.all([opening, reaching].map((one) => expect(one).rejects.toThrow()))
    await until(() => sockets.length === 2)
    await client.close()
    await failed
    await until(() => sockets.every((socket) => socket.destroyed))
  })
})
