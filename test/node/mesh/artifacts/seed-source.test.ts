import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { artifactPath } from '../../../../node/mesh/artifacts/artifact-wire.ts'
import { SeedSource } from '../../../../node/mesh/artifacts/seed-source.ts'
import { PeerBook } from '../../../../node/mesh/peer-book.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { until } from '../../http/fixture.ts'
import { asker, NEVER, party, read, scripted } from '../blobs/fixture.ts'

useLeakCheck()

const QUESTION = { method: 'GET', key: 'npm\nhttps://registry.test/\nx\n\n', headers: { 'x-warren-held': 'aa' } } as const
const SIGN = 'HTTP/1.1 102 Processing\r\n\r\n'
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-warren-source: upstream\r\n\r\ndata'

/** A seed that answers by `script`, asked by somebody who could not reach it a while ago, if it is `doubtful`. */
async function seed(script: (socket: TLSSocket) => void, { doubtful = false, time = 'usual' as 'usual' | 'all' } = {}) {
  const server = await scripted(await party(1), script)
  const { client } = await asker()
  const clock = new VirtualClock()
  const book = new PeerBook({ clock })
  const { id, addresses } = server.peer
  book.admitted({ peer: id, role: 'seed', notAfter: clock.now() + 1e9, version: '1', blobs: addresses })
  book.opened(id, '/ip4/127.0.0.1/tcp/1')
  if (doubtful) book.failed(id)
  await clock.advance(60_000)
  return { server, client, book, id, source: new SeedSource({ book, client }, id, time) }
}

describe('a seed that is asked over the data plane', () => {
  it('is asked by key, and its answer is given as it is', async () => {
    const { source, server, book, id } = await seed((socket) => void socket.write(ANSWER))
    const { status, headers, body } = await source.ask(QUESTION, NEVER)
    expect([status, headers['x-warren-source'], (await read(body)).toString()]).toEqual([200, 'upstream', 'data'])
    expect(server.requests[0]).toContain(`GET ${artifactPath(QUESTION.key)} HTTP/1.1\r\n`)
    expect(server.requests[0]).toContain('\r\nx-warren-held: aa')
    expect(book.isWarm(id)).toBe(true)
  })

  it('is one for as long as its certificate says so', async () => {
    const { source, book, id } = await seed(() => {})
    expect(source.isSeed).toBe(true)
    book.review((member) => ({ ...member, role: 'member' }))
    expect([source.isSeed, book.usable(id)]).toEqual([false, true])
  })

  it('is asked over the same connections after an answer that nobody read', async () => {
    const { source, server, client, id } = await seed((socket) => {
      socket.write(ANSWER.slice(0, -4))
      setTimeout(() => socket.write(ANSWER.slice(-4)), 20)
    })
    for (let i = 0; i < 6; i++) {
      const { discard } = await source.ask(QUESTION, NEVER)
      discard()
      await until(() => client.underWay(id) === 0)
    }
    // The pool may make a second one while it hears that the first is free.
    expect([server.requests.length, server.connections.length <= 2]).toEqual([6, true])
  })

  it('may take its time once it says that it is at it', async () => {
    const { source } = await seed((socket) => {
      socket.write(SIGN)
      setTimeout(() => socket.write(SIGN), 500)
      setTimeout(() => socket.write(ANSWER), 1_000)
    })
    expect((await source.ask(QUESTION, NEVER)).status).toBe(200)
  })

  it('is left alone when it says nothing', async () => {
    const { source, book, id } = await seed(() => {}, { doubtful: true })
    await expect(source.ask(QUESTION, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(book.usable(id)).toBe(false)
  })

  it('is waited for somewhat longer as long as it never failed', async () => {
    const { source } = await seed((socket) => void setTimeout(() => socket.write(ANSWER), 1_200))
    expect((await source.ask(QUESTION, NEVER)).status).toBe(200)
  })

  it('is waited for as long where it is all that is left, though it failed', async () => {
    const slowly = (socket: TLSSocket) => void setTimeout(() => socket.write(ANSWER), 1_200)
    const { source } = await seed(slowly, { doubtful: true, time: 'all' })
    expect((await source.ask(QUESTION, NEVER)).status).toBe(200)
  })

  it('is left alone when it breaks off', async () => {
    const { source, book, id } = await seed((socket) => void socket.end(ANSWER.slice(0, -2)))
    const { body } = await source.ask(QUESTION, NEVER)
    await expect(read(body)).rejects.toMatchObject({ code: 'UPSTREAM_CUT' })
    expect(book.usable(id)).toBe(false)
  })

  it('is not to blame where nobody waits any more', async () => {
    const { source, server, book, id } = await seed((socket) => void socket.write(SIGN))
    const leaving = new AbortController()
    const asked = source.ask(QUESTION, leaving.signal)
    await until(() => server.requests.length > 0)
    leaving.abort(new Error('left'))
    await expect(asked).rejects.toThrow('left')
    expect(book.usable(id)).toBe(true)
  })
})
