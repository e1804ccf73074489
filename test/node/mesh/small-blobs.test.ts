import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../node/digest.ts'
import { BatchWriter } from '../../../node/mesh/blobs/batch-wire.ts'
import { fingerprintOf } from '../../../node/mesh/inventory/fingerprint.ts'
import { Inventories } from '../../../node/mesh/inventory/inventories.ts'
import { PeerBook } from '../../../node/mesh/peer-book.ts'
import { Router, type RouterComponents } from '../../../node/mesh/router.ts'
import { SmallBlobs } from '../../../node/mesh/small-blobs.ts'
import { SpareBuffers } from '../../../node/spare-buffers.ts'
import type { Role } from '../../../node/trust/standing.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { until } from '../http/fixture.ts'
import { asker, digestOf, holder, NOT_AFTER, party, scripted } from './blobs/fixture.ts'

useLeakCheck()

const BYTES = Buffer.from('what is wanted')
const DIGEST = digestOf(BYTES)
const OTHER = digestOf(Buffer.from('something else'))

/** A node that has met members. */
async function setUp() {
  const { client, clock } = await asker()
  const book = new PeerBook({ clock })
  const inventories = new Inventories({ clock, isSeed: () => false })
  const router = new Router({ book, inventories, lookup: {} as RouterComponents['lookup'], unmet: () => 0, random: () => 0 })
  const small = new SmallBlobs({ book, client, clock, router })
  const meet = ({ id, addresses }: { id: string; addresses: readonly string[] }, role: Role = 'member') => {
    book.admitted({ peer: id, role, notAfter: NOT_AFTER, version: '1', blobs: addresses })
    book.opened(id, '/ip4/127.0.0.1/tcp/1')
    return { lists: (...digests: Digest[]) => lists(id, digests) }
  }
  const lists = (peer: string, digests: readonly Digest[]) => {
    const added = Uint32Array.from(digests, fingerprintOf).sort()
    inventories.apply(peer, { kind: 'end', generation: 1, sequence: 0, keys: added.length, added, removed: new Uint32Array() })
  }
  /** What comes of it, as text; `nobody` where nobody is asked. */
  const find = async (...digests: Digest[]) => {
    const finding = small.find(digests)
    return finding ? String((await finding)?.bytes) : 'nobody'
  }
  return { book, client, clock, router, small, meet, find }
}

const says = (text: string) => (socket: TLSSocket) => void socket.write(text)
const NO_SUCH_PATH = says('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
/** An answer to the question for one blob. */
const GIVEN = (() => {
  const writer = new BatchWriter(new SpareBuffers({ maxBytes: 0 }))
  writer.room(BYTES.length).set(BYTES)
  return `HTTP/1.1 200 OK\r\ncontent-length: ${writer.bytes.length}\r\n\r\n${writer.bytes}`
})()

describe('a small blob', () => {
  it('is asked of a member that lists it, by any of its digests, and of nobody else', async () => {
    const { meet, find, small, router } = await setUp()
    const [lister, another] = [await holder(1), await holder(3)]
    for (const server of [lister, another]) server.hold(BYTES)
    meet(lister.peer, 'seed').lists(DIGEST)
    meet(another.peer).lists(OTHER)
    expect(await find({ algorithm: 'sha512', hex: 'ab'.repeat(64) }, DIGEST)).toBe(String(BYTES))
    expect([lister.asked.length, another.asked.length]).toEqual([1, 0])
    expect(await find({ algorithm: 'sha512', hex: 'ab'.repeat(64) })).toBe('nobody')
    expect((await small.find([DIGEST]))?.kind).toBe('seed')
    another.hold(Buffer.from('something else'))
    expect((await small.find([OTHER]))?.kind).toBe('peer')
    expect(router.counts.inventory.false).toBe(0)
  })

  it('that its member lacks counts against what it lists, and is not asked of it again', async () => {
    const { meet, find, router, book } = await setUp()
    const server = await holder(1)
    server.hold(Buffer.from('something else'))
    meet(server.peer).lists(DIGEST, OTHER)
    expect(await find(DIGEST)).toBe('undefined')
    expect([router.counts.inventory.false, router.listing(DIGEST)]).toEqual([1, []])
    expect([await find(DIGEST), await find(OTHER), server.asked.length]).toEqual(['nobody', 'something else', 2])
    expect(book.usable(server.peer.id)).toBe(true)
  })

  it('that is not small is left to the usual way, and nothing counts against its member', async () => {
    const { meet, find, router, small } = await setUp()
    const server = await holder(1)
    const large = server.hold(Buffer.alloc(1 << 20))
    server.hold(BYTES)
    meet(server.peer).lists(large, DIGEST)
    expect(await Promise.all([small.find([large]), find(DIGEST)])).toEqual([undefined, String(BYTES)])
    expect([router.counts.inventory.false, router.listing(large)]).toEqual([0, [server.peer.id]])
    expect(await find(large)).toBe('undefined')
  })

  it('that is something else is held against its member once it is blamed, and ends all that it sends', async () => {
    const { meet, small, find, book } = await setUp()
    const answers = [says(GIVEN)]
    const liar = await scripted(await party(1), (socket) => answers.shift()?.(socket))
    meet(liar.peer).lists(DIGEST, OTHER)
    const given = await small.find([DIGEST])
    const finding = find(OTHER)
    await until(() => liar.requests.length === 2)
    given?.blame('sent something else')
    expect(book.get(liar.peer.id)?.quarantine?.reason).toBe('sent something else')
    expect([await finding, await find(DIGEST), liar.requests.length]).toEqual(['undefined', 'nobody', 2])
    await until(() => liar.connections.every((socket) => socket.destroyed))
  })
})

describe('a member that does not get on with small blobs', () => {
  it('is left alone with them for longer each time, be it an older version, and is as good as before for all else', async () => {
    const { meet, find, clock, book } = await setUp()
    const old = await scripted(await party(1), NO_SUCH_PATH)
    meet(old.peer).lists(DIGEST, OTHER)
    expect(await Promise.all([find(DIGEST), find(OTHER)])).toEqual(['undefined', 'undefined'])
    expect([await find(DIGEST), await find(OTHER), old.requests.length]).toEqual(['nobody', 'nobody', 1])
    expect([book.usable(old.peer.id), book.isBusy(old.peer.id), book.isDoubtful(old.peer.id)]).toEqual([true, false, false])
    await clock.advance(1_000)
    expect([await find(DIGEST), await find(DIGEST), old.requests.length]).toEqual(['undefined', 'nobody', 2])
    await clock.advance(1_000)
    expect(await find(DIGEST)).toBe('nobody')
    await clock.advance(1_000)
    expect([await find(DIGEST), old.requests.length]).toEqual(['undefined', 3])
  })

  it('is asked for them again after its pause, when it knows how to answer by then', async () => {
    const { meet, find, clock } = await setUp()
    const answers = [NO_SUCH_PATH, says(GIVEN)]
    const server = await scripted(await party(1), (socket) => answers.shift()?.(socket))
    meet(server.peer).lists(DIGEST)
    expect(await find(DIGEST)).toBe('undefined')
    await clock.advance(1_000)
    expect([await find(DIGEST), server.requests.length]).toEqual([String(BYTES), 2])
  })

  it('costs those that wait a moment, and then the others are asked', async () => {
    const { meet, find, clock } = await setUp()
    const silent = await scripted(await party(1), () => {})
    meet(silent.peer).lists(DIGEST)
    const finding = find(DIGEST)
    await until(() => silent.requests.length === 1)
    const server = await holder(3)
    server.hold(BYTES)
    meet(server.peer).lists(DIGEST)
    await clock.advance(300)
    expect([await finding, await find(DIGEST), silent.requests.length]).toEqual(['undefined', String(BYTES), 1])
  })
})
