import type { Connection } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { answerIntroductions, askIntroductions } from '../../../../node/mesh/host/introductions.ts'
import { answerWith, ask, type Question } from '../../../../node/mesh/host/question.ts'
import { answerReach, askReach } from '../../../../node/mesh/host/reach.ts'
import { createMesh, issueTicket, joinMesh } from '../../../../node/trust/membership.ts'
import { decodeTicket } from '../../../../node/trust/ticket.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { HonestHost, newKey } from '../stranger.ts'

useLeakCheck()

const NOW = Date.UTC(2026, 0, 1)
const NEVER = new AbortController().signal
const NUMBER: Question<{ v: 1; number: number }> = {
  protocol: '/test/number/1.0.0',
  schema: z.object({ v: z.literal(1), number: z.number() }),
  maxBytes: 64,
  limit: 500,
}

const open: HonestHost[] = []
/** The first one answers, the others ask. */
let answerer: HonestHost
let connections: Connection[]
beforeEach(async () => {
  const seed = newKey()
  const { membership, adminKey } = createMesh({ peer: seed.peerId, addresses: [], now: NOW })
  const ticket = decodeTicket(issueTicket({ adminKey, membership, role: 'member', notAfter: NOW + 1, now: NOW }))
  answerer = await HonestHost.open(seed, membership, NOW)
  open.push(answerer)
  connections = []
  for (const key of [newKey(), newKey()]) {
    const asker = await HonestHost.open(key, joinMesh({ ticket, peer: key.peerId, now: NOW }), NOW)
    open.push(asker)
    connections.push(await asker.host.libp2p.dial(multiaddr(answerer.host.multiaddrs[0])))
  }
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

const connection = (at = 0) => connections[at] as Connection
const asking = (at = 0, signal = NEVER) => ask(connection(at), NUMBER, signal)
const peerOf = (at: number) => (open[at + 1] as HonestHost).host.libp2p.peerId.toString()

describe('a question', () => {
  it('is answered to each member that asks, again and again', async () => {
    const askers: string[] = []
    await answerWith(answerer.host.libp2p, NUMBER, (peer) => ({ v: 1, number: askers.push(peer) }))
    expect([await asking(0), await asking(1), await asking(0)].map(({ number }) => number)).toEqual([1, 2, 3])
    expect(askers).toEqual([peerOf(0), peerOf(1), peerOf(0)])
  })

  it('is answered to a member one at a time, while others are answered', async () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    await answerWith(answerer.host.libp2p, { ...NUMBER, limit: 10_000 }, async (peer) => {
      begun.resolve()
      if (peer === peerOf(0)) await gate.promise
      return { v: 1, number: 7 }
    })
    const slow = ask(connection(), { ...NUMBER, limit: 10_000 }, NEVER)
    await begun.promise
    await expect(asking(0)).rejects.toThrow()
    expect((await asking(1)).number).toBe(7)
    gate.resolve()
    expect((await slow).number).toBe(7)
    expect((await asking(0)).number).toBe(7)
  })

  it.each<[string, unknown]>([
    ['something else', { v: 1, text: 'seven' }],
    ['another version', { v: 2, number: 7 }],
    ['more than it may', { v: 1, number: 7, more: 'x'.repeat(NUMBER.maxBytes) }],
  ])('is not answered by %s', async (_, answer) => {
    await answerWith(answerer.host.libp2p, NUMBER, () => answer as { v: 1; number: number })
    await expect(asking()).rejects.toThrow()
  })

  it('is not answered by what is no JSON, by silence, and by one who does not know it', async () => {
    await expect(asking()).rejects.toThrow()
    await answerer.host.libp2p.handle(NUMBER.protocol, (stream) => void lpStream(stream).write(Buffer.from('{')))
    await expect(asking()).rejects.toThrow()
    await answerer.host.libp2p.unhandle(NUMBER.protocol)
    await answerer.host.libp2p.handle(NUMBER.protocol, () => {})
    await expect(asking()).rejects.toThrow()
  })

  it('goes on to be answered after an answer failed, and after a member asked too much', async () => {
    let times = 0
    await answerWith(answerer.host.libp2p, NUMBER, () => {
      if (times++ === 0) throw new Error('not yet')
      return { v: 1, number: 7 }
    })
    await expect(asking()).rejects.toThrow()
    const stream = await connection().newStream(NUMBER.protocol)
    // The length of what nobody has to hear.
    stream.send(Uint8Array.of(0xff, 0x7f))
    await new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))
    expect([(await asking()).number, times]).toEqual([7, 2])
  })

  it('is given up with the reason of whoever stops', async () => {
    const stop = new AbortController()
    await answerWith(answerer.host.libp2p, { ...NUMBER, limit: 10_000 }, async (_, signal) => {
      stop.abort(new Error('stopping'))
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      return { v: 1, number: 7 }
    })
    await expect(ask(connection(), { ...NUMBER, limit: 10_000 }, stop.signal)).rejects.toThrow()
  })
})

describe('whether this node can be reached', () => {
  const asked = () => askReach(answerer.host.libp2p.getConnections(), NEVER)
  /** What each of the two others says of it. */
  const says = (...words: (() => boolean)[]) =>
    Promise.all(words.map((word, at) => answerReach((open[at + 1] as HonestHost).host.libp2p, async () => word())))

  it.each([
    [true, false],
    [false, true],
    [false, false],
  ])('is what any member says: %s, %s', async (one, other) => {
    await says(
      () => one,
      () => other,
    )
    expect(await asked()).toBe(one || other)
  })

  it('is what the one says that answers', async () => {
    await says(
      () => {
        throw new Error('no')
      },
      () => false,
    )
    expect(await asked()).toBe(false)
  })

  it('is unknown while nobody is there or nobody answers', async () => {
    expect([await askReach([], NEVER), await asked()]).toEqual([undefined, undefined])
  })
})

describe('an introduction', () => {
  it('names the other members and where they say that they are, and never the one that asks', async () => {
    const asked: string[] = []
    await answerIntroductions(answerer.host.libp2p, (peer) => {
      asked.push(peer)
      return ['/ip4/10.0.0.1/tcp/1', `/dns4/${'x'.repeat(256)}/tcp/1`, ...[2, 3, 4, 5].map((at) => `/ip4/10.0.0.${at}/tcp/1`)]
    })
    // What libp2p heard elsewhere of the other one is not told.
    const other = (open[2] as HonestHost).host.libp2p.peerId
    await answerer.host.libp2p.peerStore.merge(other, { multiaddrs: [multiaddr('/ip4/10.6.6.6/tcp/1')] })
    const addresses = [1, 2, 3, 4].map((at) => `/ip4/10.0.0.${at}/tcp/1`)
    expect(await askIntroductions(connection(), NEVER)).toEqual([{ id: peerOf(1), addresses }])
    expect(asked).toEqual([peerOf(1)])
  })

  it('leaves out who has not told yet where it listens', async () => {
    await answerIntroductions(answerer.host.libp2p, () => [])
    expect(await askIntroductions(connection(), NEVER)).toEqual([])
  })

  it('is none by one who does not answer', async () => {
    expect(await askIntroductions(connection(), NEVER)).toEqual([])
  })
})
