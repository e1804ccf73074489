import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { DialBudget } from '../../../../node/mesh/host/dial-budget.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { newKey } from '../stranger.ts'

const peers = Array.from({ length: 100 }, () => newKey().peerId)
const peer = (at: number) => peers[at] ?? ''

function world() {
  const clock = new VirtualClock()
  const known = new Set<string>()
  const budget = new DialBudget({ clock, isKnown: (id) => known.has(id) })
  const { gater } = budget
  const may = async (id: string) => !(await gater.denyDialPeer?.(peerIdFromString(id)))
  const mayAt = async (address: string) => !(await gater.denyDialMultiaddr?.(multiaddr(address)))
  return { clock, known, budget, may, mayAt }
}

async function spend({ may }: ReturnType<typeof world>): Promise<number> {
  let spent = 0
  while (await may(peer(spent))) spent++
  return spent
}

test('sixty peers that nobody has met are dialled a minute', async () => {
  const here = world()
  expect(await spend(here)).toBe(60)
  await here.clock.advance(59_999)
  expect(await here.may(peer(1))).toBe(false)
  await here.clock.advance(1)
  expect(await spend(here)).toBe(60)
})

test('those that showed a card are dialled however many there are, and cost nothing', async () => {
  const here = world()
  const known = Array.from({ length: 70 }, () => newKey().peerId)
  for (const id of known) {
    here.known.add(id)
    expect(await here.may(id)).toBe(true)
  }
  expect(await spend(here)).toBe(60)
  for (const id of known) expect(await here.may(id)).toBe(true)
})

test('what the node chose itself is dialled, for as long as it dials', async () => {
  const here = world()
  await spend(here)
  const address = `/ip4/169.254.1.1/tcp/7471/p2p/${peer(90)}`
  const first = Promise.withResolvers<void>()
  const dialling = here.budget.choose(address, () => first.promise)
  const inside = await here.budget.choose(address, async () => [await here.may(peer(90)), await here.mayAt(address)])
  expect(inside).toEqual([true, true])
  // The other dial goes on.
  expect(await here.may(peer(90))).toBe(true)
  first.reject(new Error('nobody there'))
  await expect(dialling).rejects.toThrow('nobody there')
  expect([await here.may(peer(90)), await here.mayAt(address)]).toEqual([false, false])
})

test('an address without a peer id is one that the node chose', async () => {
  const here = world()
  const address = '/ip4/169.254.1.1/tcp/7471'
  expect(await here.budget.choose(address, () => here.mayAt(address))).toBe(true)
})

test.each(['/ip4/169.254.169.254/tcp/80', '/ip6/fe80::1/tcp/7471', '/ip4/0.0.0.0/tcp/7471', '/ip6/::/tcp/7471'])(
  'nobody is looked for at %s because others say so',
  async (address) => {
    expect(await world().mayAt(`${address}/p2p/${peer(1)}`)).toBe(false)
  },
)

test.each(['/ip4/127.0.0.1/tcp/7471', '/ip4/10.0.0.1/tcp/7471', '/ip6/2001:db8::1/tcp/7471', '/dns4/a.example.test/tcp/7471'])(
  'somebody may be at %s',
  async (address) => {
    expect(await world().mayAt(`${address}/p2p/${peer(1)}`)).toBe(true)
  },
)
