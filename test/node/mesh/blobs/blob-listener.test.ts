import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { formatDigest } from '../../../../node/digest.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Random } from '../../../harness/random.ts'
import { fileLike } from '../../http/bodies.ts'
import { parseHead, until, using } from '../../http/fixture.ts'
import { asker, cardOf, digestOf, framed, Holder, holder, NEVER, NOT_AFTER, party, type Seen, stranger } from './fixture.ts'

useLeakCheck()

const BLOB = new Random(3).bytes(50_000)

/** A member by hand: admitted, with the server's card behind it. */
async function member(server: Holder, number = 2, behindCard = ''): Promise<Seen & { text(): string }> {
  const self = await party(number)
  const seen = stranger(server.port, self.identity)
  await once(seen.socket, 'secureConnect')
  seen.socket.write(Buffer.concat([framed(cardOf(self.id)), Buffer.from(behindCard)]))
  const card = framed(cardOf(server.party.id)).length
  const all = () => Buffer.concat(seen.received)
  await until(() => all().length >= card || seen.socket.destroyed)
  return { ...seen, text: () => all().subarray(card).toString('latin1') }
}

function request(server: Holder, line = `GET /blobs/v1/${formatDigest(server.hold(BLOB))} HTTP/1.1`, fields = ''): string {
  return `${line}\r\nhost: blobs\r\n${fields}\r\n`
}

describe('the blob listener', () => {
  it('loses nothing that comes in one piece with the card', async () => {
    const server = await holder()
    const seen = await member(server, 2, request(server) + request(server))
    await until(() => seen.text().length > 2 * BLOB.length)
    const { status, rest } = parseHead(seen.text())
    expect([status, rest.startsWith(BLOB.toString('latin1'))]).toEqual([200, true])
    expect(server.asked.length).toBe(2)
  })

  it('answers one request of a connection after the other', async () => {
    const server = await holder()
    const seen = await member(server)
    for (const round of [1, 2, 3]) {
      seen.socket.write(request(server))
      await until(() => seen.text().length > round * BLOB.length)
    }
    expect(server.asked.length).toBe(3)
  })

  it('ends a connection that asks for a dozen blobs at once', async () => {
    const server = await holder()
    const slow = server.hold(BLOB, fileLike(BLOB, { delay: 1_000 }))
    const seen = await member(server, 2, request(server, `GET /blobs/v1/${formatDigest(slow)} HTTP/1.1`).repeat(12))
    await seen.closed
    expect(server.asked.length).toBeLessThanOrEqual(4)
  })

  it.each([
    ['a body', 'GET / HTTP/1.1', 'content-length: 5\r\n', '400'],
    ['chunks', 'POST / HTTP/1.1', 'transfer-encoding: chunked\r\n', '400'],
    ['a question that is too long', 'POST / HTTP/1.1', `content-length: ${(256 << 10) + 1}\r\n`, '400'],
    ['a body after asking whether it may', 'PUT / HTTP/1.1', 'content-length: 5\r\nexpect: 100-continue\r\n', '400'],
    ['a tunnel', 'CONNECT a:1 HTTP/1.1', '', ''],
    ['two lengths', 'GET / HTTP/1.1', 'content-length: 0\r\ncontent-length: 1\r\n', '400'],
    ['a head that is too large', 'GET / HTTP/1.1', `x: ${'y'.repeat(10_000)}\r\n`, '431'],
  ])('refuses %s and ends the connection', async (_, line, fields, status) => {
    const server = await holder()
    const seen = await member(server)
    seen.socket.write(request(server, line, fields))
    await seen.closed
    expect(
      seen
        .text()
        .replace(/^HTTP\/1.1 100 Continue\r\n\r\n/, '')
        .slice(9, 12),
    ).toBe(status)
    expect(server.asked).toEqual([])
  })

  it('lets a question through to whoever answers it', async () => {
    const server = await holder()
    const seen = await member(server)
    seen.socket.write(`${request(server, 'POST /blobs/v1/ HTTP/1.1', 'content-length: 2\r\n')}{}`)
    await until(() => seen.text().includes('\r\n\r\n'))
    expect(parseHead(seen.text()).status).toBe(405)
    expect(server.asked).toHaveLength(1)
  })

  it('goes on in HTTP/1.1 when somebody wants to upgrade', async () => {
    const server = await holder()
    const seen = await member(server)
    const digest = formatDigest(server.hold(BLOB))
    seen.socket.write(request(server, `GET /blobs/v1/${digest} HTTP/1.1`, 'connection: upgrade\r\nupgrade: h2c\r\n'))
    await until(() => seen.text().length > BLOB.length)
    expect(parseHead(seen.text()).status).toBe(200)
  })

  it('ends a connection on which the head of a request does not come to its end', async () => {
    const server = await holder(1, { headers: 100, check: 50 })
    const seen = await member(server)
    seen.socket.write('GET /blobs/v1/')
    await seen.closed
    expect(parseHead(seen.text()).status).toBe(408)
  })

  it('ends a connection that is idle', async () => {
    const server = await holder(1, { keepAlive: 100 })
    const seen = await member(server)
    seen.socket.write(request(server))
    await seen.closed
    expect(parseHead(seen.text()).status).toBe(200)
  })

  it('ends a connection that takes nothing of its answer', async () => {
    const server = await holder(1, { stalled: 200 })
    const huge = Buffer.alloc(32 << 20)
    const seen = await member(server)
    seen.socket.pause()
    seen.socket.write(request(server, `GET /blobs/v1/${formatDigest(server.hold(huge, fileLike(huge)))} HTTP/1.1`))
    await until(() => server.open.size === 1)
    await until(() => server.open.size === 0)
  })

  it('bounds the connections of one member, not of others', async () => {
    const server = await holder(1, { perPeer: 3 })
    const seen = await Promise.all(Array.from({ length: 5 }, () => member(server)))
    await until(() => seen.filter(({ socket }) => socket.destroyed).length === 2)
    const other = await member(server, 3)
    other.socket.write(request(server))
    await until(() => other.text().length > BLOB.length)
    // Whoever leaves makes room, once the server has noticed.
    for (const { socket } of seen) socket.destroy()
    for (;;) {
      const again = await member(server)
      again.socket.write(request(server))
      await until(() => again.text().length > BLOB.length || again.socket.destroyed)
      if (!again.socket.destroyed) break
    }
  })

  it('bounds all connections', async () => {
    const server = await holder(1, { connections: 2, admission: 60_000 })
    const first = [await member(server, 2), await member(server, 3)]
    const third = await party(4)
    await stranger(server.port, third.identity).closed
    expect(first.map(({ socket }) => socket.destroyed)).toEqual([false, false])
  })

  it('does not answer a member whose certificate has ended meanwhile', async () => {
    const server = await holder()
    const seen = await member(server)
    seen.socket.write(request(server))
    await until(() => seen.text().length > BLOB.length)
    const before = seen.text().length
    server.clock.jump(NOT_AFTER - server.clock.now())
    seen.socket.write(request(server))
    await until(() => seen.text().length > before + BLOB.length)
    server.clock.jump(1)
    seen.socket.write(request(server))
    await seen.closed
    expect(server.asked.length).toBe(2)
  })

  it('cuts members off that are not welcome any more, also in the middle of an answer', async () => {
    const server = await holder()
    const [cut, kept] = [await member(server, 2), await member(server, 3)]
    const digest = formatDigest(server.hold(BLOB, fileLike(BLOB, { delay: 10, piece: 1_000 })))
    cut.socket.write(request(server, `GET /blobs/v1/${digest} HTTP/1.1`))
    await until(() => cut.text().length > 1_000)
    const unwelcome = (await party(2)).id
    server.listener.cut(({ peer }) => peer === unwelcome)
    await cut.closed
    expect([cut.text().length < BLOB.length, kept.socket.destroyed]).toEqual([true, false])
    kept.socket.write(request(server))
    await until(() => kept.text().length > BLOB.length)
  })

  it('stops: idle and half-open connections end at once, an answer under way is finished', async () => {
    const server = await holder(1, { admission: 60_000, drain: 60_000 })
    const [idle, busy, half] = [await member(server, 2), await member(server, 3), stranger(server.port, {})]
    await once(half.socket, 'secureConnect')
    const digest = formatDigest(server.hold(BLOB, fileLike(BLOB, { delay: 10, piece: 10_000 })))
    busy.socket.write(request(server, `GET /blobs/v1/${digest} HTTP/1.1`))
    await until(() => busy.text().length > 10_000)
    const closing = server.listener.close()
    await Promise.all([idle.closed, half.closed])
    await Promise.all([closing, busy.closed])
    expect(parseHead(busy.text()).rest).toBe(BLOB.toString('latin1'))
    const { client } = await asker(4)
    await expect(client.reach(server.peer, NEVER)).rejects.toMatchObject({ code: 'UPSTREAM_UNREACHABLE' })
  })

  it('waits for an answer that does not end only so long when it stops', async () => {
    const server = await holder(1, { drain: 100 })
    const seen = await member(server)
    const digest = formatDigest(server.hold(BLOB, fileLike(BLOB, { delay: 20, piece: 10 })))
    seen.socket.write(request(server, `GET /blobs/v1/${digest} HTTP/1.1`))
    await until(() => seen.text().length > 10)
    await server.listener.close()
    await seen.closed
    expect(seen.text().length).toBeLessThan(BLOB.length)
  })

  it('says so when its address is taken, and leaves nothing open', async () => {
    const other = using(createServer())
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const server = new Holder(await party(1), {}, port)
    await expect(server.start()).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining('mesh.blobs'),
    })
    await server.close()
  })

  it('outlives members that reset their connections at any moment', async () => {
    const server = await holder()
    server.hold(BLOB)
    const random = new Random(11)
    for (let round = 0; round < 30; round++) {
      const self = await party(2)
      const seen = stranger(server.port, self.identity)
      seen.socket.write(Buffer.concat([framed(cardOf(self.id)), Buffer.from(request(server))]))
      await new Promise((resolve) => setTimeout(resolve, random.between(0, 8)))
      seen.socket.destroy()
      await seen.closed
    }
    const { client } = await asker(3)
    const { body } = await client.open(server.peer, digestOf(BLOB), 0, NEVER)
    expect(Buffer.concat(await Array.fromAsync(body)).equals(BLOB)).toBe(true)
  })
})
