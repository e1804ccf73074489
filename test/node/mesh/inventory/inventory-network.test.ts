import { expect, onTestFinished, test } from 'vitest'
import { decodeFrame, encodeFrame } from '../../../../node/mesh/inventory/frames.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { Random } from '../../../harness/random.ts'
import { digestOf, Network, type Node } from './network.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

function newNetwork(...ids: readonly string[]): Network {
  const network = new Network(new VirtualClock())
  onTestFinished(() => network.stop())
  for (const id of ids) network.add(id)
  return network
}

/** What `asker` believes that `owner` has, of these. */
function listed(asker: Node, owner: string, names: readonly string[]): string[] {
  return names.filter((name) => asker.inventories.lists(owner, digestOf(name)))
}

test('a neighbour hears of everything when it comes, and of what changes within a second', async () => {
  const network = newNetwork('a', 'b')
  const { clock } = network
  network.get('a').hold('one', 'two')
  network.connect('a', 'b')
  await clock.advance(SECOND)
  const names = ['one', 'two', 'three']
  expect(listed(network.get('b'), 'a', names)).toEqual(['one', 'two'])
  expect(network.get('b').inventories.status('a')).toEqual({ keys: 2, state: 'fresh', ignored: null })
  network.get('a').hold('three')
  network.get('a').drop('one')
  await clock.advance(SECOND)
  expect(listed(network.get('b'), 'a', names)).toEqual(['two', 'three'])
})

test('who has said nothing for a while may have changed, and who goes on saying that nothing has is believed', async () => {
  const network = newNetwork('a', 'b')
  const { clock } = network
  network.connect('a', 'b')
  await clock.advance(10 * MINUTE)
  const { inventories } = network.get('b')
  expect([inventories.status('a')?.state, inventories.isSettled('a')]).toEqual(['fresh', true])
  network.get('a').sends = () => undefined
  await clock.advance(136 * SECOND)
  expect([inventories.status('a')?.state, inventories.isSettled('a')]).toEqual(['stale', false])
})

test('all are right again whatever came, went, joined and left meanwhile', async () => {
  const random = new Random(6)
  const network = newNetwork()
  const { clock } = network
  const ids = Array.from({ length: 200 }, (_, at) => `n${at}`)
  for (const [at, id] of ids.entries()) network.add(id, at < 3)
  const some = () => ids[random.between(0, ids.length - 1)] ?? ''
  const names = Array.from({ length: 500 }, (_, at) => `artifact ${at}`)
  const name = () => names[random.between(0, names.length - 1)] ?? ''
  for (let step = 0; step < 3_000; step++) {
    const [one, other] = [some(), some()]
    const chance = random.next()
    if (chance < 0.4) network.get(one).hold(name(), name())
    else if (chance < 0.6) network.get(one).drop(name())
    else if (one !== other && chance < 0.9) network.connect(one, other)
    else if (network.get(one).connected.has(other)) network.disconnect(one, other)
    else for (const peer of [...network.get(one).connected].slice(0, 2)) network.disconnect(one, peer)
    if (step % 10 === 0) await clock.advance(random.between(0, 400))
  }
  await clock.advance(5 * SECOND)
  let pairs = 0
  for (const node of network.nodes.values()) {
    for (const peer of node.subscriptions.followed) {
      pairs++
      const held = [...network.get(peer).held.values()]
      expect(node.inventories.status(peer)).toEqual({ keys: held.length, state: 'fresh', ignored: null })
      for (const digest of held) expect(node.inventories.lists(peer, digest)).toBe(true)
    }
  }
  expect(pairs).toBeGreaterThan(500)
})

test('of more than it can follow a node follows all seeds, and drops a member for a seed that comes later', async () => {
  const network = newNetwork('self')
  const { clock } = network
  const self = network.get('self')
  for (let at = 0; at < 40; at++) {
    network.add(`m${at}`)
    network.connect('self', `m${at}`)
  }
  for (const seed of ['s0', 's1']) {
    network.add(seed, true)
    network.connect('self', seed)
  }
  await clock.advance(SECOND)
  const { followed } = self.subscriptions
  expect([followed.size, followed.has('s0'), followed.has('s1')]).toEqual([32, true, true])
  network.disconnect('self', 's0')
  await clock.advance(SECOND)
  expect([self.subscriptions.followed.size, self.subscriptions.followed.has('s0')]).toEqual([32, false])
})

test('changes that were lost are noticed, and all is told anew', async () => {
  const network = newNetwork('a', 'b')
  const { clock } = network
  const [a, b] = [network.get('a'), network.get('b')]
  a.hold('one')
  network.connect('a', 'b')
  await clock.advance(SECOND)
  // What it says is gone from the changes that it tells of; their number is right.
  a.sends = (bytes) => {
    const frame = decodeFrame(bytes)
    return frame.kind === 'delta' ? encodeFrame({ ...frame, added: new Uint32Array() }) : bytes
  }
  a.hold('two')
  await clock.advance(SECOND)
  expect(listed(b, 'a', ['one', 'two'])).toEqual(['one'])
  await clock.advance(MINUTE)
  expect(listed(b, 'a', ['one', 'two'])).toEqual(['one', 'two'])
})

test('a member that claims what it does not have is not believed after sixteen times, for longer each time', async () => {
  const network = newNetwork('liar', 'b')
  const { clock } = network
  const { inventories } = network.get('b')
  const names = Array.from({ length: 100 }, (_, at) => `artifact ${at}`)
  network.get('liar').hold(...names)
  network.connect('liar', 'b')
  await clock.advance(SECOND)
  const asked = () => {
    let times = 0
    for (const name of names) {
      if (!inventories.lists('liar', digestOf(name))) continue
      times++
      inventories.disproved('liar', digestOf(name))
    }
    return times
  }
  expect(asked()).toBe(16)
  expect(inventories.status('liar')).toEqual({
    keys: 100,
    state: 'ignored',
    ignored: { until: clock.now() + 10 * MINUTE, reason: 'of the last 16 blobs that it said it has it lacked 16' },
  })
  // What it never had is no reason to ask the DHT for everything.
  expect(inventories.isSettled('liar')).toBe(true)
  await clock.advance(10 * MINUTE - 1)
  expect(asked()).toBe(0)
  network.disconnect('liar', 'b')
  network.connect('liar', 'b')
  await clock.advance(SECOND)
  expect(asked()).toBe(16)
  await clock.advance(20 * MINUTE - 1)
  expect(asked()).toBe(0)
})

test('a member whose blobs were evicted a moment ago stays believed', async () => {
  const network = newNetwork('a', 'b')
  const { inventories } = network.get('b')
  const names = Array.from({ length: 400 }, (_, at) => `artifact ${at}`)
  network.get('a').hold(...names)
  network.connect('a', 'b')
  await network.clock.advance(SECOND)
  for (const [at, name] of names.entries()) {
    if (at % 3 === 0) inventories.disproved('a', digestOf(name))
    else inventories.proved('a')
  }
  expect(inventories.status('a')).toEqual({ keys: 400, state: 'fresh', ignored: null })
  expect(listed(network.get('b'), 'a', names.slice(0, 3))).toEqual(['artifact 1', 'artifact 2'])
})

test('a member that talks nonsense is ignored for a while, and says so in its status', async () => {
  const network = newNetwork('a', 'b')
  const { clock } = network
  network.get('a').sends = (bytes) => bytes.subarray(0, 10)
  network.connect('a', 'b')
  await clock.advance(SECOND)
  const status = network.get('b').inventories.status('a')
  expect(status?.ignored?.reason).toMatch(/^it tells what it has in a way that makes no sense: .*it has 10 bytes$/)
  network.get('a').sends = (bytes) => bytes
  network.get('a').hold('one')
  await clock.advance(10 * MINUTE + SECOND)
  expect(listed(network.get('b'), 'a', ['one'])).toEqual(['one'])
})

test('after a lost connection only what changed is told; after a week away nothing old is left', async () => {
  const network = newNetwork('a', 'b')
  const { clock } = network
  const [a, b] = [network.get('a'), network.get('b')]
  const kinds: string[] = []
  a.hold('one')
  network.connect('a', 'b')
  await clock.advance(SECOND)
  a.sends = (bytes) => {
    kinds.push(decodeFrame(bytes).kind)
    return bytes
  }
  network.disconnect('a', 'b')
  a.hold('two')
  await clock.advance(MINUTE)
  network.connect('a', 'b')
  await clock.advance(SECOND)
  expect([kinds, listed(b, 'a', ['one', 'two'])]).toEqual([['delta'], ['one', 'two']])
  network.disconnect('a', 'b')
  // It sleeps, and so do its timers.
  clock.jump(7 * DAY)
  b.inventories.prune((peer) => b.connected.has(peer))
  expect([b.inventories.status('a'), b.inventories.bytes]).toEqual([null, 0])
  a.drop('one')
  kinds.length = 0
  network.connect('a', 'b')
  await clock.advance(SECOND)
  expect([kinds[0], listed(b, 'a', ['one', 'two'])]).toEqual(['end', ['two']])
})
