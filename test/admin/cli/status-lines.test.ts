import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Status } from '../../../admin/api/status-schema.ts'
import { statusLines } from '../../../admin/cli/commands/status.ts'
import { LONE, PEER } from '../fake-node.ts'

const NOW = 1_800_000_000_000
const init = { base: 'http://127.0.0.1:7470', now: NOW, output: new PassThrough() }

const status: Status = {
  node: {
    id: '0011aabb',
    version: '0.1.0',
    pid: 42,
    startedAt: NOW - 7_380_000,
    state: 'ready',
    data: '/srv/warren',
    listen: [],
  },
  mirrors: [
    { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: ['https://a.test/', 'https://b.test/'] },
    { name: 'npm-corp', protocol: 'npm', path: '/corp/', upstreams: ['https://c.test/'], tarballUrls: 'preserve' },
  ],
  requests: { local: 120, flight: 3, peer: 0, seed: 0, upstream: 12, stale: 1, negative: 4, denied: 0, error: 0 },
  bytes: { local: 3_565_158, flight: 100, peer: 0, seed: 0, upstream: 2048, stale: 10 },
  saved: 3_565_268,
  flights: 2,
  upstream: [
    { origin: 'https://a.test', state: 'closed', until: 0, inFlight: 1, queued: 0, requests: 12, failures: 0 },
    {
      origin: 'https://b.test',
      state: 'open',
      until: NOW + 5_000,
      inFlight: 0,
      queued: 7,
      requests: 5,
      failures: 5,
      lastError: 'connect\u001b[31m ECONNREFUSED',
    },
  ],
  store: { blobs: 1, bytes: 3_565_158, records: 2, free: 2 ** 40, storing: true },
  memory: { bytes: 1024, limit: 2 ** 27 },
  mesh: LONE,
}

test('the status is shown in aligned columns, with requests and bytes by source', () => {
  expect(statusLines(status, init)).toEqual([
    'node     0011aabb, ready for 2 h 3 min, version 0.1.0, pid 42',
    'address  http://127.0.0.1:7470',
    'data     /srv/warren',
    'store    1 blob, 3.4 MiB, 2 name records; 1.0 TiB free on the disk',
    'memory   1.0 KiB of 128.0 MiB',
    'flights  2',
    'saved    3.4 MiB that no upstream had to send here',
    'mesh     none; «warren mesh create» or «warren mesh join»',
    '',
    'mirror    protocol  path    upstreams',
    'npm       npm       /npm/   https://a.test/ https://b.test/',
    'npm-corp  npm       /corp/  https://c.test/ tarballUrls: preserve',
    '',
    'source    requests  bytes',
    'local     120       3.4 MiB',
    'flight    3         100 B',
    'peer      0         0 B',
    'seed      0         0 B',
    'upstream  12        2.0 KiB',
    'stale     1         10 B',
    'negative  4',
    'denied    0',
    'error     0',
    '',
    'upstream        health                    requests  failures  under way  waiting  last error',
    'https://a.test  well                      12        0         1          0',
    'https://b.test  failing, next try in 5 s  5         5         0          7        connect?[31m ECONNREFUSED',
  ])
})

test('names that are bound have lines of their own', () => {
  const routes = [
    { pattern: '@corp/*', upstream: 'https://corp.test/', levels: '/' },
    { pattern: '@secret', levels: '/' },
  ]
  const mirrors = status.mirrors.map((mirror) => (mirror.name === 'npm' ? { ...mirror, routes, lifetime: 60_000 } : mirror))
  expect(statusLines({ ...status, mirrors }, init).slice(9, 14)).toEqual([
    'mirror    protocol  path    upstreams',
    'npm       npm       /npm/   https://a.test/ https://b.test/ lifetime: 1 min',
    '                            @corp/* only at https://corp.test/',
    '                            @secret nowhere',
    'npm-corp  npm       /corp/  https://c.test/ tarballUrls: preserve',
  ])
})

test('what an upstream still grants is shown where one tells', () => {
  const [one, ...others] = status.upstream
  if (!one) throw new Error('there is no upstream')
  const budget = { limit: 100, remaining: 4, window: 21_600, at: 0, isLow: true }
  const [head, low, silent] = statusLines({ ...status, upstream: [{ ...one, budget }, ...others] }, init).slice(-3)
  expect([head, low, silent].map((line) => line?.includes('budget') || line?.includes('left'))).toEqual([true, true, false])
  expect(low).toContain('4 of 100 left in 6 h, kept for what is new')
})

test('a node that stores nothing more says so, and one that asked nobody, too', () => {
  const lines = statusLines({ ...status, store: { ...status.store, storing: false }, upstream: [] }, init)
  expect(lines[4]).toBe('         nothing more is stored: the disk is fuller than store.minFree allows')
  expect(lines.slice(-2)).toEqual(['', 'No upstream was asked yet.'])
})

test.for([
  ['closed', 0, 'well'],
  ['open', 3_000, 'failing, next try in 3 s'],
  ['open', -1, 'failing, next try with the next request'],
  ['half-open', 0, 'failing, being tried'],
  ['frozen', 12_000, 'resting for 12 s'],
] as const)('an upstream that is %s for %d ms is %s', ([state, rest, health]) => {
  const upstream = { origin: 'https://a.test', until: NOW + rest, inFlight: 0, queued: 0, requests: 1, failures: 1 }
  const line = statusLines({ ...status, upstream: [{ ...upstream, state }] }, init).at(-1)
  expect(line?.split(/ {2,}/)[1]).toBe(health)
})

test.for([
  [1, 'the last one failed'],
  [3, 'the last 3 failed'],
] as const)('an upstream that is still asked after %d failures in a row is not well', ([failedInRow, health]) => {
  const upstream = { origin: 'https://a.test', state: 'closed', until: 0, inFlight: 0, queued: 0 } as const
  const line = statusLines({ ...status, upstream: [{ ...upstream, requests: 9, failures: 4, failedInRow }] }, init).at(-1)
  expect(line?.split(/ {2,}/)[1]).toBe(health)
})

const DAY = 86_400_000
const member: Status['mesh'] = {
  ...LONE,
  state: 'member',
  id: '0123456789abcdef',
  role: 'seed',
  listen: ['/ip4/10.0.0.1/tcp/7471', '/ip6/::1/tcp/7471'],
  blobs: '10.0.0.1:7472',
  peers: 1,
  notAfter: NOW + 30 * DAY + 1,
  bytesIn: 2048,
  bytesOut: 7,
}

test.for([
  [{}, []],
  [{ pins: { counted: true, wanted: 1, held: 1, missing: 0 } }, ['keeps 1 pin, all on their seeds']],
  [{ pins: { counted: false, wanted: 0, held: 0, missing: 0 } }, ['its pins are not counted yet; see «warren pin»']],
  [
    { pins: { counted: true, wanted: 12, held: 9, missing: 3 } },
    ['keeps 12 pins, 3 not on all their seeds yet; see «warren pin»'],
  ],
  [{ role: 'member', notAfter: NOW + 7 * DAY + 1 }, []],
  [
    { role: 'member', notAfter: NOW + 7 * DAY },
    ['its certificate ends in 7 d: make a new ticket with «warren mesh ticket», and «warren mesh join» here'],
  ],
  [
    { role: 'member', notAfter: NOW - 1 },
    ['its certificate has ended: make a new ticket with «warren mesh ticket», and «warren mesh join» here'],
  ],
  [
    { notAfter: NOW + 30 * DAY },
    [`its certificate ends in 30 d: renew it where the admin key is with «warren seed renew ${PEER}»`],
  ],
  [{ notAfter: NOW - 1 }, [`its certificate has ended: renew it where the admin key is with «warren seed renew ${PEER}»`]],
  [{ seeds: 1 }, []],
  [
    { readerOnly: true, reachable: false },
    ['it only takes: no member can reach its blobs; open that port, or set mesh.announce'],
  ],
] as const)('a member with %j tells how it stands in its mesh', ([facts, more]) => {
  const lines = statusLines({ ...status, mesh: { ...member, ...facts } }, init)
  expect(lines.slice(7, lines.indexOf(''))).toEqual([
    `mesh     0123456789abcdef, ${'role' in facts ? facts.role : 'seed'}, connected with 1 member (${'seeds' in facts ? '1 seed' : 'no seed'}); 2.0 KiB in, 7 B out`,
    `         peer ${PEER}`,
    '         at /ip4/10.0.0.1/tcp/7471 /ip6/::1/tcp/7471; blobs at 10.0.0.1:7472',
    ...more.map((line) => `         ${line}`),
  ])
})

test('a node that is not connected says why', () => {
  const trouble = 'nobody answers at 10.0.0.9:7471\u001b[2J'
  const mesh = { ...member, state: 'joining' as const, role: 'member' as const, peers: 0, trouble, listen: [], blobs: null }
  const lines = statusLines({ ...status, mesh }, init)
  expect(lines.slice(7, lines.indexOf(''))).toEqual([
    'mesh     0123456789abcdef, member, no other member is connected; 2.0 KiB in, 7 B out',
    '         nobody answers at 10.0.0.9:7471?[2J',
    `         peer ${PEER}`,
    '         at no address; blobs at no address',
  ])
  const lone = statusLines({ ...status, mesh: { ...LONE, trouble: 'its certificate has ended' } }, init)
  expect(lone.slice(7, lone.indexOf(''))).toEqual([
    'mesh     none; «warren mesh create» or «warren mesh join»',
    '         its certificate has ended',
  ])
})
