import { createServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { DIALS_PER_PEER } from '../../../../node/mesh/blobs/constants.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { until } from '../../http/fixture.ts'
import { asker, listening, NEVER, party, scripted } from './fixture.ts'

useLeakCheck()

const ASKED = { method: 'GET', path: '/' } as const
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const answering = (socket: TLSSocket) => void socket.write(ANSWER)
const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make)

describe('the sockets to a member', () => {
  it('are made two at a time, however many requests wait', async () => {
    const { address, sockets } = await listening(createServer(() => {}))
    const { client } = await asker()
    const peer = { id: (await party(1)).id, addresses: [address] }
    const asked = Promise.allSettled(times(30, () => client.request(peer, ASKED, NEVER)))
    await until(() => sockets.length === DIALS_PER_PEER)
    client.forget(peer.id)
    expect((await asked).filter(({ status }) => status === 'rejected')).toHaveLength(30)
    expect(sockets).toHaveLength(DIALS_PER_PEER)
  })

  it('serve all that wait as long as there is one of them, though no further one can be made', async () => {
    const server = await scripted(await party(1), answering, 1)
    const { client } = await asker()
    const answers = await Promise.all(times(50, () => client.request(server.peer, ASKED, NEVER)))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect([server.requests.length, server.connections.length > 1]).toEqual([50, true])
  })

  it('fail all that wait when none can be made, and are tried anew by whoever comes later', async () => {
    const server = await scripted(await party(1), answering, 0)
    const { client } = await asker()
    for (const _round of [1, 2]) {
      const before = server.connections.length
      const outcomes = await Promise.allSettled(times(20, () => client.request(server.peer, ASKED, NEVER)))
      expect(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === 'UPSTREAM_UNREACHABLE')).toBe(
        true,
      )
      expect(server.connections.length).toBeGreaterThan(before)
    }
  })

  it('are made anew when the other side has closed them', async () => {
    const server = await scripted(await party(1), answering)
    const { client } = await asker()
    for (const round of [1, 2, 3]) {
      await client.request(server.peer, ASKED, NEVER)
      expect(server.connections).toHaveLength(round)
      const [last] = server.connections.slice(-1)
      last?.destroy()
      await until(() => client.underWay(server.peer.id) === 0)
    }
  })

  it('are closed with the client, also one that nobody waits for any more', async () => {
    const server = await scripted(await party(1), () => {})
    const { client } = await asker()
    const leaving = new AbortController()
    const asked = client.request(server.peer, ASKED, leaving.signal)
    leaving.abort(new Error('left'))
    await expect(asked).rejects.toThrow('left')
    await until(() => server.connections.length === 1)
    await client.close()
    await until(() => server.sockets.every(({ destroyed }) => destroyed))
    expect(server.requests).toEqual([])
  })
})
