import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { parseMeshAddress } from '../../../../node/member-address.ts'
import { Discovery, type DiscoveryComponents } from '../../../../node/mesh/host/discovery.ts'
import { RememberedPeers } from '../../../../node/mesh/host/remembered-peers.ts'
import { toHostPort } from '../../../../node/tcp-address.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Random } from '../../../harness/random.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { peerId } from './peer-ids.ts'

useLeakCheck()
const folders = useTempFolders()

const SELF = peerId(999)
const SECOND = 1_000
const MINUTE = 60 * SECOND

interface WorldInit {
  readonly addresses?: readonly string[]
  readonly names?: Readonly<Record<string, readonly string[]>>
  readonly listening?: readonly string[]
  readonly folder?: string
  readonly neighbours?: number
  /** Numbers of the members that whoever is connected knows. */
  readonly known?: readonly number[]
}

/** What a node may meet: members at some places, silence at others, and nobody everywhere else. */
class World {
  readonly clock = new VirtualClock()
  readonly members = new Map<string, string>()
  readonly silent = new Set<string>()
  readonly connected = new Map<string, string>()
  /** Members that do not come back. */
  readonly passing = new Set<string>()
  readonly dials: string[] = []
  readonly lines: { level: number; msg: string }[] = []
  readonly folder: string
  readonly remembered: RememberedPeers
  readonly discovery: Discovery
  underWay = 0
  peak = 0

  constructor(init: WorldInit = {}) {
    const { clock, members, connected } = this
    const log = pino({ level: 'debug' }, { write: (line: string) => void this.lines.push(JSON.parse(line)) })
    this.folder = init.folder ?? folders.create('mesh')
    this.remembered = new RememberedPeers({ clock, log }, { folder: this.folder })
    const numbers = new Random(1)
    const components: DiscoveryComponents = {
      dial: (address, signal) => this.#dial(address, signal),
      introductions: async () =>
        (init.known ?? []).map((number) => ({ id: peerId(number), addresses: [`/ip4/10.0.0.${number}/tcp/7471`] })),
      connected: () => connected.size,
      listening: () => init.listening ?? [],
      remembered: this.remembered,
      isPassing: (peer) => this.passing.has(peer),
      clock,
      log,
      lookup: async (host) => {
        const found = init.names?.[host]
        if (!found) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
        return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      },
      interfaces: () => ({ eth0: [{ address: '10.0.0.99', internal: false }] }),
      random: () => numbers.next(),
    }
    this.discovery = new Discovery(components, { ...init, addresses: init.addresses ?? [], self: SELF })
    expect(members.size).toBe(0)
    onTestFinished(() => this.discovery.stop())
  }

  /** Puts members at 10.0.0.n, for each n. */
  settle(...numbers: number[]): this {
    for (const number of numbers) this.members.set(`10.0.0.${number}:7471`, peerId(number))
    return this
  }

  async start(ms = 0): Promise<void> {
    this.discovery.start()
    await this.clock.advance(ms)
  }

  lose(peer: string): void {
    this.connected.delete(peer)
    this.discovery.lost(peer)
  }

  /** What was dialled since the last time. */
  dialled(): string[] {
    return this.dials.splice(0)
  }

  told(level: number): string[] {
    return this.lines.filter((line) => line.level >= level).map(({ msg }) => msg)
  }

  async #dial(address: string, signal: AbortSignal): Promise<void> {
    const parsed = parseMeshAddress(address)
    if (!parsed) throw new Error(`dialled ${address}`)
    const place = toHostPort(parsed)
    this.dials.push(place)
    this.peak = Math.max(this.peak, ++this.underWay)
    try {
      if (this.silent.has(place)) {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
      }
      await Promise.resolve()
      const peer = this.members.get(place)
      if (peer === undefined) throw Object.assign(new Error(`connect ECONNREFUSED ${place}`), { code: 'ECONNREFUSED' })
      if (parsed.peer !== undefined && parsed.peer !== peer) throw new Error('another peer is there')
      this.connected.set(peer, place)
      this.discovery.connectedTo(peer, address)
    } finally {
      this.underWay--
    }
  }
}

test('a mesh of one dials nobody, has no trouble and says nothing', async () => {
  const world = new World()
  await world.start(60 * MINUTE)
  expect(world.dialled()).toEqual([])
  expect(world.discovery.trouble).toBeUndefined()
  expect(world.lines).toEqual([])
})

test('the addresses of the ticket are dialled at once, whatever way they are written', async () => {
  const world = new World({
    addresses: ['10.0.0.1:7471', `/ip4/10.0.0.2/tcp/7471/p2p/${peerId(2)}`, 'seeds.example.test:7471', 'nonsense'],
    names: { 'seeds.example.test': ['10.0.0.3', '2001:db8::3'] },
  })
  await world.start()
  expect(world.dialled().sort()).toEqual(['10.0.0.1:7471', '10.0.0.2:7471', '10.0.0.3:7471', '[2001:db8::3]:7471'])
})

test('those that were met before are dialled, too, and those that are met are remembered for the next start', async () => {
  const before = new World({ addresses: ['10.0.0.1:7471'] }).settle(1)
  await before.start()
  before.discovery.connectedTo(peerId(2))
  before.discovery.told(peerId(2), ['/ip4/10.0.0.2/tcp/7471'])
  await before.discovery.stop()
  const after = new World({ folder: before.folder }).settle(1, 2)
  await after.start()
  expect(after.dialled().sort()).toEqual(['10.0.0.1:7471', '10.0.0.2:7471'])
})

test('one that dialled us is not remembered by the port that it dialled from', async () => {
  const world = new World()
  await world.start()
  world.discovery.connectedTo(peerId(1))
  expect(world.remembered.all()).toEqual([])
})

test('what others say of members is not remembered, connected or not, and nobody tells of a place before it was met', async () => {
  const world = new World()
  await world.start()
  world.discovery.connectedTo(peerId(1))
  world.discovery.found(peerId(1), ['/ip4/10.6.6.6/tcp/7471'])
  world.discovery.found(peerId(2), ['/ip4/10.6.6.6/tcp/7471'])
  world.discovery.told(peerId(3), ['/ip4/10.0.0.3/tcp/7471'])
  expect(world.remembered.all()).toEqual([])
  world.discovery.told(peerId(1), ['/ip4/10.0.0.1/tcp/7471'])
  world.discovery.found(peerId(1), ['/ip4/10.6.6.6/tcp/7471'])
  expect(world.remembered.all()).toMatchObject([{ id: peerId(1), addresses: ['/ip4/10.0.0.1/tcp/7471'] }])
})

test('what others say of a connected member is not where it is looked for later', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471'] }).settle(1)
  await world.start()
  world.dialled()
  world.discovery.found(peerId(1), ['/ip4/10.6.6.6/tcp/7471'])
  world.members.clear()
  world.lose(peerId(1))
  await world.clock.advance(MINUTE)
  expect([...new Set(world.dialled())]).toEqual(['10.0.0.1:7471'])
})

test('while nobody answers it tries again, less and less often, and at least three times a minute', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471'] })
  await world.start()
  const at: number[] = []
  for (let second = 0; second < 600; second++) {
    if (world.dialled().length > 0) at.push(second)
    await world.clock.advance(SECOND)
  }
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0))
  expect(at[1]).toBeLessThanOrEqual(3)
  expect(Math.max(...gaps)).toBeLessThanOrEqual(21)
  expect(gaps.slice(-3).every((gap) => gap >= 9)).toBe(true)
  world.settle(1)
  await world.clock.advance(MINUTE)
  expect(world.connected.size).toBe(1)
})

test('it says in a sentence what it met, in the log once, and is silent about it when somebody is there', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471', 'gone.example.test:7471', '10.0.0.2:7471', '10.0.0.3:7471'] })
  world.silent.add('10.0.0.2:7471')
  await world.start(10 * MINUTE)
  expect(world.discovery.trouble).toMatch(/^no member answered at (?:[^;]+; ){3}and 1 more$/)
  expect(world.discovery.trouble).toContain('gone.example.test:7471: no such name')
  expect(world.discovery.trouble).toContain('10.0.0.1:7471: connection refused')
  expect(world.told(30)).toEqual(['no other member is there yet; this node works alone and goes on looking'])
  world.settle(1)
  await world.clock.advance(MINUTE)
  expect(world.discovery.trouble).toBeUndefined()
})

test('an address that says nothing is given up after five seconds, and keeps no other waiting', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471', '10.0.0.2:7471'] }).settle(2)
  world.silent.add('10.0.0.1:7471')
  await world.start()
  expect(world.connected.size).toBe(1)
  expect(world.underWay).toBe(1)
  await world.clock.advance(5 * SECOND)
  expect(world.underWay).toBe(0)
  world.lose(peerId(2))
  world.members.clear()
  await world.clock.advance(MINUTE)
  expect(world.discovery.trouble).toContain('10.0.0.1:7471: no answer within 5 s')
})

test('eight are dialled at a time, and no more once three answered', async () => {
  const numbers = Array.from({ length: 60 }, (_, at) => at + 1)
  const world = new World({ addresses: numbers.map((number) => `10.0.0.${number}:7471`) })
  await world.start()
  expect(world.peak).toBe(8)
  expect(world.dialled()).toHaveLength(60)
  world.settle(...numbers)
  await world.clock.advance(MINUTE)
  expect(world.connected.size).toBeGreaterThanOrEqual(3)
  expect(world.dialled().length).toBeLessThanOrEqual(10)
})

test('with fewer than three connected it looks for others every minute, among those that it has not met', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471', `/ip4/10.0.0.2/tcp/7471/p2p/${peerId(2)}`] }).settle(1)
  await world.start()
  world.dialled()
  await world.clock.advance(MINUTE)
  expect(world.dialled()).toEqual(['10.0.0.2:7471'])
  world.settle(2, 3)
  world.discovery.found(peerId(3), ['/ip4/10.0.0.3/tcp/7471'])
  await world.clock.advance(MINUTE)
  expect(world.dialled().sort()).toEqual(['10.0.0.2:7471', '10.0.0.3:7471'])
  await world.clock.advance(10 * MINUTE)
  expect(world.dialled()).toEqual([])
})

test('of many that are gone it tries eight a minute while somebody is there', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471'] }).settle(1)
  for (let number = 2; number < 42; number++) world.discovery.found(peerId(number), [`/ip4/10.0.0.${number}/tcp/7471`])
  world.discovery.connectedTo(peerId(1), '/ip4/10.0.0.1/tcp/7471')
  world.connected.set(peerId(1), '10.0.0.1:7471')
  await world.start()
  expect(world.dialled().length).toBeLessThanOrEqual(8)
  await world.clock.advance(MINUTE)
  expect(world.dialled().length).toBeLessThanOrEqual(16)
})

test('of members that others told of it meets more than it needs, a few at a time, until it has enough', async () => {
  const numbers = Array.from({ length: 40 }, (_, at) => at + 1)
  const world = new World({ addresses: ['10.0.0.1:7471', '10.0.0.2:7471', '10.0.0.3:7471'], neighbours: 12 }).settle(...numbers)
  await world.start()
  for (const number of numbers) world.discovery.found(peerId(number), [`/ip4/10.0.0.${number}/tcp/7471`])
  expect([world.connected.size, world.discovery.unmet]).toEqual([3, 37])
  await world.clock.advance(12 * SECOND)
  expect(world.connected.size).toBeGreaterThan(3)
  expect(world.connected.size).toBeLessThanOrEqual(11)
  expect(world.peak).toBeLessThanOrEqual(3)
  await world.clock.advance(MINUTE)
  expect([world.connected.size, world.discovery.unmet]).toEqual([12, 28])
})

test('whoever was told of and does not answer, or has left, is not waited for', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471', '10.0.0.2:7471', '10.0.0.3:7471'], neighbours: 12 }).settle(1, 2, 3, 4)
  await world.start()
  for (const number of [4, 5]) world.discovery.found(peerId(number), [`/ip4/10.0.0.${number}/tcp/7471`])
  expect(world.discovery.unmet).toBe(2)
  await world.clock.advance(MINUTE)
  expect([world.connected.has(peerId(4)), world.discovery.unmet]).toEqual([true, 0])
  world.dialled()
  world.lose(peerId(4))
  await world.clock.advance(10 * MINUTE)
  expect([world.discovery.unmet, world.dialled()]).toEqual([0, []])
  world.discovery.connectedTo(peerId(4))
  expect(world.discovery.unmet).toBe(0)
})

test('who is found in the network is dialled at once by a node that is alone', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471'] }).settle(7)
  await world.start(10 * MINUTE)
  world.dialled()
  world.discovery.found(peerId(7), ['/ip4/10.0.0.7/tcp/7471'])
  await world.clock.advance(0)
  expect(world.dialled()).toContain('10.0.0.7:7471')
  expect(world.connected.has(peerId(7))).toBe(true)
})

test('who is found while others are dialled is not kept waiting for long', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471'] }).settle(7)
  world.silent.add('10.0.0.1:7471')
  await world.start(10 * MINUTE)
  while (world.underWay === 0) await world.clock.advance(SECOND)
  world.discovery.found(peerId(7), ['/ip4/10.0.0.7/tcp/7471'])
  await world.clock.advance(6 * SECOND)
  expect(world.connected.has(peerId(7))).toBe(true)
})

test('however many are found, it rests between two rounds', async () => {
  const world = new World()
  await world.start(10 * MINUTE)
  for (let number = 1; number <= 100; number++) {
    world.discovery.found(peerId(1), ['/ip4/10.0.0.1/tcp/7471'])
    await world.clock.advance(10)
  }
  expect(world.dialled().length).toBeLessThanOrEqual(3)
})

test('when the last one leaves it looks at once', async () => {
  const world = new World({ addresses: ['10.0.0.1:7471'] }).settle(1)
  await world.start(10 * MINUTE)
  world.dialled()
  world.lose(peerId(1))
  await world.clock.advance(0)
  expect(world.dialled()).toEqual(['10.0.0.1:7471'])
  expect(world.connected.size).toBe(1)
})

test('it does not dial itself, neither by its id nor by where it listens', async () => {
  const world = new World({
    addresses: ['10.0.0.99:7471', '127.0.0.1:7471', 'me.example.test:7471', `/ip4/10.0.0.1/tcp/7471/p2p/${SELF}`],
    names: { 'me.example.test': ['10.0.0.99'] },
    listening: ['/ip4/0.0.0.0/tcp/7471'],
  })
  await world.start(MINUTE)
  world.discovery.found(SELF, ['/ip4/10.0.0.2/tcp/7471'])
  await world.clock.advance(MINUTE)
  expect(world.dialled()).toEqual([])
  expect(world.discovery.trouble).toBeUndefined()
})

test('who came in the same moment is heard of from somebody who knows both, in time', async () => {
  const addresses = ['10.0.0.1:7471', '10.0.0.2:7471', '10.0.0.3:7471']
  const world = new World({ addresses, neighbours: 12, known: [1, 2, 3, 4, 5, 999] }).settle(1, 2, 3, 4, 5)
  await world.start(3 * MINUTE)
  expect([...world.connected.keys()].sort()).toEqual([1, 2, 3, 4, 5].map(peerId).sort())
  // Each once: who is met is not dialled again, and nobody dials itself.
  expect(world.dialled()).toHaveLength(5)
})

test('the addresses of one member are tried in turn until one answers, and with its id', async () => {
  const world = new World({
    addresses: [1, 2, 3].map((number) => `/ip4/10.0.0.${number}/tcp/7471/p2p/${peerId(2)}`),
  }).settle(1, 2, 3)
  await world.start()
  expect(world.dialled()).toEqual(['10.0.0.1:7471', '10.0.0.2:7471'])
  expect([...world.connected.keys()]).toEqual([peerId(2)])
})

test('stopping gives up every dial and every wait', async () => {
  const world = new World({ addresses: Array.from({ length: 20 }, (_, at) => `10.0.0.${at}:7471`) })
  for (let at = 0; at < 20; at++) world.silent.add(`10.0.0.${at}:7471`)
  await world.start()
  expect(world.underWay).toBe(8)
  await world.discovery.stop()
  expect(world.underWay).toBe(0)
  expect(world.dialled()).toHaveLength(8)
  expect(world.clock.sleeping).toBe(0)
  expect(world.told(30)).toEqual([])
})

test('stopping before the start, and twice, is nothing special', async () => {
  const world = new World()
  await world.discovery.stop()
  await world.discovery.stop()
  world.discovery.start()
  expect(world.clock.sleeping).toBe(0)
})

test('who does not come back is not remembered, and looked for by nobody once it is gone', async () => {
  const world = new World({ addresses: ['/ip4/10.0.0.1/tcp/7471'] }).settle(1, 2)
  world.passing.add(peerId(2))
  await world.start(SECOND)
  world.discovery.found(peerId(2), ['/ip4/10.0.0.2/tcp/7471'])
  await world.clock.advance(2 * MINUTE)
  expect([...world.connected.values(), ...world.connected.keys()]).toContain(peerId(2))
  world.discovery.told(peerId(2), ['/ip4/10.0.0.2/tcp/7471'])
  expect(world.remembered.all().map(({ id }) => id)).toEqual([peerId(1)])
  world.dialled()
  world.connected.delete(peerId(2))
  world.discovery.forgotten(peerId(2))
  await world.clock.advance(10 * MINUTE)
  expect(world.dialled()).not.toContainEqual(expect.stringContaining('10.0.0.2'))
})
