import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Host } from '../../../node/mesh/host/host.ts'
import type { BlobSource } from '../../../node/mesh/mesh.ts'
import { digestOf } from '../../conformance/mesh.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { type Member, Members } from '../../harness/members.ts'
import { ShiftedClock } from '../../harness/shifted-clock.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { portOf } from './stranger.ts'

useLeakCheck()
const temp = useTempFolders()

const SECOND = 1_000
const DAY = 24 * 60 * 60 * SECOND
const NEVER = new AbortController().signal
/** More than all buffers on its way can take. */
const LARGE = Buffer.alloc(64 << 20, 'large')

const opened: Members[] = []
afterEach(async () => {
  for (const members of opened.splice(0)) await members.close()
})

function newMembers(): Members {
  const members = new Members(temp)
  opened.push(members)
  return members
}

async function sourceOf(member: Member, bytes: Buffer, id: string): Promise<BlobSource> {
  return eventually('the blob is found', async () => {
    for await (const source of member.mesh.find(digestOf(bytes), NEVER)) if (source.id === id) return source
    return undefined
  })
}

describe('a mesh', () => {
  it('takes twenty-five members that all dial one at the same moment', async () => {
    const members = newMembers()
    const seed = await members.open()
    await Promise.all(Array.from({ length: 25 }, () => members.open()))
    await eventually('all are connected with the first', () => seed.mesh.status().peers === 25, 60_000)
    const ids = members.all.map(({ id }) => id).filter((id) => id !== seed.id)
    const there = seed.mesh.peers().filter(({ connected }) => connected)
    expect(there.map(({ id }) => id).sort()).toEqual(ids.sort())
  })

  it('finds what a member got after it was connected', async () => {
    const members = newMembers()
    const clock = new ShiftedClock()
    const seed = await members.open({ clock })
    const member = await members.join({ clock })
    const bytes = Buffer.from('held by one whom nobody guesses to have it')
    // Nobody guesses any more.
    clock.shift += 30 * SECOND
    member.shelf.hold(bytes)
    expect((await sourceOf(seed, bytes, member.id)).kind).toBe('peer')
  })
})

describe('a member that has left', () => {
  it("is asked by the DHT no more, and takes nobody else's place in it", async () => {
    const create = vi.spyOn(Host, 'create')
    onTestFinished(() => create.mockRestore())
    const members = newMembers()
    await members.open()
    const host = await (create.mock.results[0]?.value as Promise<Host> | undefined)
    const servers = () => host?.libp2p.services.dht.routingTable.size
    const leaving = await members.join({ mesh: { dht: 'server' } })
    await members.join({ mesh: { dht: 'server' } })
    await eventually('both are in the routing table', () => servers() === 2)
    await leaving.mesh.close()
    await eventually('one is', () => servers() === 1)
  })
})

describe('a mesh that cannot be opened', () => {
  it('is one in which the own certificate has ended, and leaves nothing open', async () => {
    const members = newMembers()
    await members.open()
    const clock = new VirtualClock(Date.now() + 2 * DAY)
    await expect(members.open({ clock })).rejects.toMatchObject({ code: 'UNTRUSTED' })
    expect(members.all.length).toBe(1)
  })

  it.each(['listen', 'blobs'] as const)('is one whose %s address is in use, and leaves nothing open', async (which) => {
    const members = newMembers()
    const { mesh } = await members.open()
    const taken = { host: '127.0.0.1', port: portOf(mesh.status().listen) }
    await expect(members.open({ mesh: { [which]: taken } })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringContaining(`${taken.port}`),
    })
    await eventually('nobody of it is there', () => !mesh.populated)
  })
})

describe('a member that has lost the last other one', () => {
  it('looks for others at once, and says what it met', async () => {
    const members = newMembers()
    const seed = await members.open()
    const member = await members.join()
    const port = portOf(seed.mesh.status().listen)
    await seed.mesh.close()
    const trouble = await eventually('it has looked', () => member.mesh.status().trouble ?? undefined)
    expect(trouble).toContain(`127.0.0.1:${port}: connection refused`)
  })
})

describe('a member whose ticket ends while it is connected', () => {
  it('is hung up on within a survey, on the control plane and amid a blob, and is not let in again', async () => {
    const members = newMembers()
    const clock = new VirtualClock(Date.now())
    const seed = await members.open({ clock })
    const member = await members.join()
    seed.shelf.hold(LARGE)
    await clock.advance(SECOND)
    const source = await sourceOf(member, LARGE, seed.id)
    const { body } = await source.open(0, NEVER)
    const bytes = body[Symbol.asyncIterator]()
    expect((await bytes.next()).value?.length).toBeGreaterThan(0)
    expect([seed.mesh.populated, seed.sending]).toEqual([true, 1])

    clock.jump(DAY + 1)
    await clock.advance(10 * SECOND)
    const rest = async () => {
      while (!(await bytes.next()).done);
    }
    await expect(rest()).rejects.toThrow()
    await eventually('both have noticed', () => !seed.mesh.populated && !member.mesh.populated && seed.sending === 0)
    expect(seed.mesh.peers().map(({ id, connected }) => [id, connected])).toEqual([[member.id, false]])

    await expect(source.open(0, NEVER)).rejects.toThrow()
    // It goes on trying, for that is what members do.
    await eventually('it has tried again', () => member.mesh.status().trouble !== null)
    expect([seed.mesh.populated, seed.sending]).toEqual([false, 0])
  })

  it('stays until then', async () => {
    const members = newMembers()
    const clock = new VirtualClock(Date.now())
    const seed = await members.open({ clock })
    const member = await members.join()
    clock.jump(DAY - 60 * SECOND)
    await clock.advance(10 * SECOND)
    expect(seed.mesh.peers().map(({ id, connected }) => [id, connected])).toEqual([[member.id, true]])
  })
})

describe('strangers who connect and then say nothing', () => {
  /** Connections a second from one host, counted twice for the second in which the limiter starts anew. */
  const MOST = 2 * 64

  it('are few at a time, keep no member out, and are all sent away', async () => {
    const members = newMembers()
    const seed = await members.open()
    const port = portOf(seed.mesh.status().listen)
    const silent: Socket[] = []
    const closed: Promise<void>[] = []
    try {
      for (let at = 0; at < 400; at++) {
        const socket = connect({ host: '127.0.0.1', port })
        silent.push(socket)
        socket.on('error', () => {})
        socket.resume()
        // Whoever is heard at all is greeted.
        socket.write('\x13/multistream/1.0.0\n')
        closed.push(new Promise((resolve) => socket.once('close', () => resolve())))
      }
      await eventually('the seed has judged them', () => silent.filter((socket) => socket.closed).length >= 400 - MOST)
      const member = await members.open()
      await eventually('the member is in', () => member.mesh.populated && seed.mesh.populated)
      await Promise.all(closed)
      expect(seed.mesh.peers().map(({ id }) => id)).toEqual([member.id])
      const heard = silent.filter(({ bytesRead }) => bytesRead > 0).length
      expect(heard).toBeGreaterThan(0)
      expect(heard).toBeLessThanOrEqual(MOST)
    } finally {
      for (const socket of silent) socket.destroy()
    }
  })
})
