import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Peers } from '../../../admin/api/peers-schema.ts'
import { nobodyText, peersLines } from '../../../admin/cli/commands/peers.ts'
import { LONE, PEER } from '../fake-node.ts'

const NOW = 1_800_000_000_000
const DAY = 86_400_000
const output = new PassThrough()

const connected: Peers['peers'][number] = {
  id: PEER,
  role: 'seed',
  version: '0.1.0',
  addresses: ['/ip4/10.0.0.1/tcp/7471', '/dns4/seed.example.test/tcp/7471'],
  blobs: ['10.0.0.1:7472'],
  connected: true,
  lastSeen: NOW,
  latency: 0.43,
  bytesIn: 3_565_158,
  bytesOut: 0,
  quarantine: null,
  inventory: null,
  ledgerDiffersSince: null,
  zone: null,
  budget: null,
  ticket: null,
  notAfter: NOW + 30 * DAY + 1,
}
const gone = { ...connected, role: 'member' as const, connected: false, lastSeen: NOW - 300_000, latency: null }

test('members are shown with role, state, address, latency, bytes and version', () => {
  const inventory = { keys: 1_204, state: 'fresh' as const, ignored: null }
  const all = [
    { ...connected, inventory },
    { ...gone, latency: 31.6, blobs: ['[2001:db8::1]:7472', '10.0.0.9:7472'] },
  ]
  expect(peersLines(all, NOW, output)).toEqual([
    'peer      role    state           address             blobs  latency  in       out  version',
    `${PEER.slice(-8)}  seed    connected       10.0.0.1:7472       1204   0.4 ms   3.4 MiB  0 B  0.1.0`,
    `${PEER.slice(-8)}  member  seen 5 min ago  [2001:db8::1]:7472         32 ms    3.4 MiB  0 B  0.1.0`,
  ])
})

test('where some say where they are, that is shown of each', () => {
  const lines = peersLines([{ ...connected, zone: 'eu-1a' }, gone], NOW, output)
  expect(lines.map((line) => line.split(/ {2,}/)[3])).toEqual(['zone', 'eu-1a', '10.0.0.1:7472'])
})

test('a member that lied is shown with the reason, and when it is asked again', () => {
  const quarantine = { until: NOW + 540_000, reason: 'sent wrong bytes for sha512:00\u001b[31m' }
  const lines = peersLines([{ ...connected, quarantine }], NOW, output)
  expect(lines).toEqual([
    'peer      role  state                  address        blobs  latency  in       out  version  why',
    `${PEER.slice(-8)}  seed  quarantined for 9 min  10.0.0.1:7472         0.4 ms   3.4 MiB  0 B  0.1.0    sent wrong bytes for sha512:00?[31m`,
  ])
})

test('a member that has had another ledger for long is shown with that', () => {
  const since = (ms: number) => ({ ...connected, ledgerDiffersSince: NOW - ms })
  const lines = peersLines([since(119_000), since(180_000), { ...gone, ledgerDiffersSince: 0 }], NOW, output)
  const whys = lines.slice(1).map((line) => line.split('0.1.0')[1]?.trim())
  expect(whys).toEqual(['', 'it has had another ledger for 3 min: it holds ops back, or takes none', ''])
})

test('a seed whose certificate ends within 30 days is shown with that', () => {
  const all = [
    connected,
    { ...connected, notAfter: NOW + 12 * DAY },
    { ...connected, notAfter: NOW - 1 },
    { ...gone, latency: 1, notAfter: NOW + 1 },
  ].map((peer) => ({ ...peer, inventory: { keys: 1, state: 'fresh' as const, ignored: null } }))
  const lines = peersLines(all, NOW, output)
  expect(lines.map((line) => line.split(/ {2,}/)[9])).toEqual([
    'why',
    undefined,
    'its certificate ends in 12 d: warren seed renew',
    'its certificate has ended',
    undefined,
  ])
})

test('a member whose budget is used up is shown with which part of it, beside what else is to be known', () => {
  const budget = { requests: 12_000, fetches: 0, bytes: 1, pulls: 0 }
  const ending = { ...connected, notAfter: NOW + 29 * DAY }
  const lines = peersLines([connected, { ...gone, budget }, { ...ending, budget }], NOW, output)
  const spent = 'its mesh.budget.fetches of this hour are used up; its mesh.budget.pulls of this day are used up'
  expect(lines.slice(1).map((line) => line.split('0.1.0')[1]?.trim())).toEqual([
    '',
    spent,
    `its certificate ends in 29 d: warren seed renew; ${spent}`,
  ])
})

test('of what a member says that it has is shown whether it counts, and else why not', () => {
  const reason = 'of the last 20 blobs that it said it has it lacked 16'
  const all = [
    { ...connected, inventory: { keys: 7, state: 'stale' as const, ignored: null } },
    { ...connected, inventory: { keys: 9, state: 'ignored' as const, ignored: { until: NOW + 1, reason } } },
  ]
  const cells = peersLines(all, NOW, output).map((line) => line.split(/ {2,}/))
  expect(cells.map((row) => row[4])).toEqual(['blobs', '7, old', 'ignored'])
  expect(cells.map((row) => row[9])).toEqual(['why', undefined, reason])
})

test('a member that hands out nothing is shown where it comes from', () => {
  const all = [
    ['/ip4/10.0.0.1/tcp/41234'],
    [`/ip6/2001:db8::1/tcp/4001/p2p/${PEER}`, '/ip4/10.0.0.1/tcp/1'],
    ['/odd/address'],
    [],
  ]
  const lines = peersLines(
    all.map((addresses) => ({ ...gone, blobs: [], latency: 1, addresses })),
    NOW,
    output,
  )
  expect(lines.slice(1).map((line) => line.split(/ {2,}/)[3])).toEqual([
    '10.0.0.1:41234',
    '[2001:db8::1]:4001',
    '/odd/address',
    '1.0 ms',
  ])
})

test('where there are none it says why', () => {
  expect(nobodyText(LONE)).toBe('This node is in no mesh; «warren mesh create» or «warren mesh join».')
  expect(nobodyText({ ...LONE, state: 'joining', trouble: 'nobody answers' })).toBe(
    'No other member is known yet: nobody answers.',
  )
  expect(nobodyText({ ...LONE, state: 'joining' })).toBe('No other member is known yet.')
})
