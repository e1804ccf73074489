import { expect, test } from 'vitest'
import type { Status } from '../../../../admin/api/status-schema.ts'
import { countsSchema } from '../../../../admin/api/status-schema.ts'
import { checkCertificates } from '../../../../admin/cli/doctor/checks/certificates.ts'
import { checkClock } from '../../../../admin/cli/doctor/checks/clock.ts'
import { checkLedger } from '../../../../admin/cli/doctor/checks/ledger.ts'
import { checkLimits } from '../../../../admin/cli/doctor/checks/limits.ts'
import { checkNode } from '../../../../admin/cli/doctor/checks/node.ts'
import { checkPeers } from '../../../../admin/cli/doctor/checks/peers.ts'
import { checkUpstreams } from '../../../../admin/cli/doctor/checks/upstreams.ts'
import { checkUser } from '../../../../admin/cli/doctor/checks/user.ts'
import type { NodeFacts } from '../../../../admin/cli/doctor/scene.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { PEER, WELL } from '../../fake-node.ts'
import { NOW, scene, status, told } from './scene.ts'

const temp = useTempFolders()
const DAY = 86_400_000

test('a node that is well is told of, whose version is another one is noted, and none is wrong', () => {
  expect(told(checkNode(scene()))).toEqual([
    expect.stringMatching(/^ok: n1 at http:\/\/127\.0\.0\.1:7470, version .* up for 1 min$/),
  ])
  const old = { ...status(), node: { ...status().node, version: '0.0.1' } }
  expect(checkNode(scene({ node: { status: old } })).map(({ level }) => level)).toEqual(['ok', 'note'])
  const stopping: Status = { ...status(), node: { ...status().node, state: 'draining' } }
  expect(checkNode(scene({ node: { status: stopping } })).map(({ level }) => level)).toEqual(['wrong'])
  const none = scene({
    node: false,
    trouble: 'no node runs on /d; start one with «warren up» («npm start» in a checkout), or …',
  })
  expect(told(checkNode(none))).toEqual([
    'wrong: no node runs on /d → start one with «warren up» («npm start» in a checkout), or name another with --node',
  ])
  const unread = { ...none, local: { settings: undefined, trouble: 'a:1: no such key' } }
  expect(told(checkNode(unread))).toEqual(['note: not asked: where it is stands in the settings'])
  const counts = { status: countsSchema.parse(status()), peers: undefined, examination: undefined }
  expect(told(checkNode(scene({ node: counts, trouble: 'the token is another' }))).at(-1)).toContain(
    'wrong: it tells counts only: the token is another',
  )
})

test.for([
  [{ id: 0, name: 'root' }, {}, '', ['wrong: it runs as root']],
  [{ id: 999, name: 'warren' }, {}, '', ['ok: it runs as warren (999)']],
  [{ id: 1_000, name: 'ann' }, {}, '', ['note: it runs as ann (1000), as you do']],
  [{ id: 1_000, name: null }, { CI: 'true' }, '', ['note: it runs as user 1000, as you do']],
  [
    { id: 1_000, name: 'ann' },
    { CI: 'true' },
    'credentials: { a.test: { token: x } }',
    ['wrong: it runs as ann (1000), as this job does'],
  ],
  [null, {}, '', []],
] as const)('of a node that runs as %j, with %j and settings «%s», it is said: %j', ([user, env, text, said]) => {
  const settings = { folder: temp.create(), text: text === '' ? 'log: { level: info }' : text }
  const examination = { process: { ...WELL.process, user } }
  const found = told(checkUser(scene({ examination, machine: { env }, settings })))
  expect(found).toEqual(said.map((one) => expect.stringContaining(one)))
})

test('user numbers of another machine say nothing', () => {
  const examination = { process: { ...WELL.process, user: { id: 1_000, name: 'ann' } } }
  expect(told(checkUser(scene({ examination })))).toEqual(['ok: it runs as ann (1000)'])
})

test.for([
  [null, null, 'note: there is nobody to compare the clock with'],
  [1_000, -2_000, 'ok: as those of members and upstreams'],
  [null, -29_000, 'ok: as those of upstreams'],
  [45_000, null, 'note: 45 s ahead of those of members'],
  [0, -400_000, 'wrong: 6 min 40 s behind those of upstreams'],
] as const)('a clock that is %s ms ahead of members and %s ms ahead of upstreams is: %s', ([peers, upstreams, said]) => {
  const examination = { clock: { aheadOfPeers: peers, aheadOfUpstreams: upstreams } }
  expect(told(checkClock(scene({ examination })))).toEqual([expect.stringContaining(said)])
})

test('upstreams that do not answer are wrong, each with what helps against that', () => {
  const well = { url: 'https://a.test/', mirrors: ['a'], reachable: true, status: 200, ms: 12.3, problem: null }
  const bad = (problem: string) => ({
    ...well,
    url: 'https://b.test/',
    mirrors: ['b', 'c'],
    reachable: false,
    status: null,
    problem,
  })
  const check = (...upstreams: (typeof well | ReturnType<typeof bad>)[]) =>
    told(checkUpstreams(scene({ examination: { upstreams: upstreams as never } })))
  expect(check(well)).toEqual(['ok: 1 of 1 answer, the slowest within 12 ms'])
  expect(check(well, bad('unable to get local issuer certificate'))[1]).toMatch(
    /^wrong: https:\/\/b\.test\/ \(b, c\): .*→.*upstream\.ca/,
  )
  expect(check(bad('getaddrinfo ENOTFOUND b.test'))).toEqual([expect.stringMatching(/^wrong: .*→ DNS/)])
  expect(check(bad('connect ECONNREFUSED'))).toEqual([expect.stringMatching(/^wrong: .*→ see whether this machine reaches it/)])
  expect(check({ ...bad('it wants a login'), reachable: true })).toEqual(['note: https://b.test/ (b, c): it wants a login'])
  expect(check()).toEqual([expect.stringContaining('note: no mirror has an upstream')])
})

test('what upstreams grant no more is noted', () => {
  const upstream: Status['upstream'] = [
    {
      ...{ origin: 'https://a.test', state: 'frozen', until: NOW + 60_000, inFlight: 0, queued: 0, requests: 1, failures: 1 },
      budget: { limit: 100, remaining: 4, window: 60, at: NOW, isLow: true },
    },
  ]
  const upstreams = [{ url: 'https://a.test/', mirrors: ['a'], reachable: true, status: 200, ms: 1, problem: null }]
  const found = told(checkUpstreams(scene({ node: { status: status({ upstream }) }, examination: { upstreams } })))
  expect(found.slice(1)).toEqual([
    expect.stringContaining('note: https://a.test wants to be left alone for 1 min more'),
    expect.stringContaining('note: https://a.test grants 4 of 100 more'),
  ])
})

const member = { state: 'member', id: 'm', role: 'member', peers: 3, seeds: 1, notAfter: NOW + 100 * DAY } as const

test.for([
  [{}, ['ok: in no mesh']],
  [{ trouble: 'its certificate was revoked' }, ['wrong: its certificate was revoked']],
  [member, ['ok: 3 members, 1 seed connected']],
  [{ ...member, peers: 0, seeds: 0, trouble: 'nobody is there' }, ['wrong: nobody is there']],
  [
    { ...member, peers: 0, trouble: 'revoked; join again with a new ticket' },
    ['→ where the admin key is «warren mesh ticket»'],
  ],
  [{ ...member, seeds: 0 }, ['wrong: 3 members and no seed']],
  [{ ...member, role: 'seed', seeds: 0 }, ['ok: 3 members, 0 seeds connected']],
  [{ ...member, readerOnly: true }, ['ok:', 'note: no member can fetch from it']],
  [{ ...member, role: 'seed', readerOnly: true }, ['ok:', 'wrong: no member can fetch from it, although it is a seed']],
] as const satisfies (readonly [Partial<Status['mesh']>, string[]])[])('of a mesh like %j it is said: %j', ([mesh, said]) => {
  const found = told(checkPeers(scene({ node: { status: status({ mesh }) } })))
  expect(found).toEqual(said.map((one) => expect.stringContaining(one)))
})

test('a seed that is alone because nobody was let in yet has nothing wrong, one whose members are away has', () => {
  const mesh = { ...member, role: 'seed', peers: 0, seeds: 0 } as const
  const of = (peers: NodeFacts['peers']) => told(checkPeers(scene({ node: { status: status({ mesh }), peers } })))
  expect(of([])).toEqual([
    expect.stringContaining('note: no other member is known yet → «warren mesh ticket» lets machines in'),
  ])
  expect(of([{ ...peer, connected: false }])).toEqual([expect.stringContaining('wrong: no other member is connected')])
  expect(of(undefined)).toEqual([expect.stringContaining('wrong: no other member is connected')])
})

const peer = {
  ...{ id: PEER, role: 'seed', version: '', addresses: [], blobs: [], connected: true, lastSeen: 0, latency: null },
  ...{
    bytesIn: 0,
    bytesOut: 0,
    quarantine: null,
    inventory: null,
    ledgerDiffersSince: null,
    zone: null,
    budget: null,
    ticket: null,
    notAfter: NOW + 100 * DAY,
  },
} as const satisfies NonNullable<NodeFacts['peers']>[number]

test('members in quarantine are noted with the reason', () => {
  const quarantine = { until: NOW + 60_000, reason: 'it sent wrong bytes' }
  const inventory = { keys: 1, state: 'ignored', ignored: { until: NOW, reason: 'it lied' } } as const
  const peers = [peer, { ...peer, quarantine }, { ...peer, inventory }, { ...peer, ledgerDiffersSince: NOW - 180_000 }]
  const found = told(checkPeers(scene({ node: { status: status({ mesh: member }), peers } })))
  expect(found.slice(1)).toEqual([
    expect.stringContaining(`note: …${PEER.slice(-8)} is not asked for 1 min: it sent wrong bytes`),
    expect.stringContaining('says that it has is not believed: it lied'),
    expect.stringContaining('has had another ledger for 3 min: it holds ops back, or takes none'),
  ])
})

test.for([
  [{}, []],
  [member, ['ok: that of this node ends in 100 d']],
  [{ ...member, notAfter: NOW + 6 * DAY }, ['wrong: that of this node ends in 6 d → make a new ticket']],
  [
    { ...member, role: 'seed', notAfter: NOW + 29 * DAY },
    ['wrong: that of this node ends in 29 d → where the admin key is: warren seed renew'],
  ],
  [{ ...member, notAfter: NOW - 1 }, ['wrong: that of this node has ended']],
] as const satisfies (readonly [Partial<Status['mesh']>, string[]])[])(
  'of certificates in %j it is said: %j',
  ([mesh, said]) => {
    const found = told(checkCertificates(scene({ node: { status: status({ mesh }) } })))
    expect(found).toEqual(said.map((one) => expect.stringContaining(one)))
  },
)

test('seeds whose certificates end are noted, since this node may be the one that says so', () => {
  const peers = [{ ...peer, notAfter: NOW + 10 * DAY }, { ...peer, notAfter: NOW - 1 }, peer]
  const found = told(checkCertificates(scene({ node: { status: status({ mesh: member }), peers } })))
  expect(found.slice(1)).toEqual([expect.stringContaining('ends in 10 d'), expect.stringContaining('has ended')])
})

test.for([
  [null, []],
  [{ ops: 3, confirmed: true }, ['ok: 3 ops in effect, all that there are']],
  [{ ops: 1, confirmed: false }, ['wrong: 1 op, and no seed says that these are all']],
] as const)('of a ledger like %j it is said: %j', ([ledger, said]) => {
  expect(told(checkLedger(scene({ examination: { ledger } })))).toEqual(said.map((one) => expect.stringContaining(one)))
})

test('only where a seed is there that has not confirmed the ledger does a node hand nothing out', () => {
  const ledger = { ops: 0, confirmed: false }
  const of = (seeds: number) =>
    told(checkLedger(scene({ node: { status: status({ mesh: { seeds } }), examination: { ...WELL, ledger } } })))
  expect(of(0)).toEqual([expect.stringMatching(/^wrong: 0 ops, and no seed says that these are all →/)])
  expect(of(1)).toEqual([expect.stringContaining('hands nothing to members')])
})

test.for([
  [30, 65_536, ['ok: 30 of 65536 files open']],
  [30, 1_024, ['note: 30 of 1024 files open → raise it']],
  [900, 1_024, ['wrong: 900 of 1024 files open → raise it']],
  [null, null, []],
] as const)('%s of %s files is: %j', ([descriptors, maxDescriptors, said]) => {
  const found = told(checkLimits(scene({ examination: { process: { user: null, descriptors, maxDescriptors } } })))
  expect(found).toEqual(said.map((one) => expect.stringContaining(one)))
})

test('that a mesh has no seeds is wrong only where it is meant to have some', () => {
  const ledger = { ops: 1, confirmed: false }
  const mesh = { ...member, peers: 2, seeds: 0 }
  // What the node was told by a variable counts, and not what is read here.
  const settings = { folder: temp.create('settings'), text: 'log: { level: info }' }
  const levels = (names: 'seeds' | 'members') => {
    const all = scene({ node: { status: status({ mesh }), examination: { ...WELL, ledger, names } }, settings })
    return [...checkPeers(all), ...checkLedger(all)].map(({ level }) => level)
  }
  expect(levels('members')).toEqual(['note', 'note'])
  expect(levels('seeds')).toEqual(['wrong', 'wrong'])
})
