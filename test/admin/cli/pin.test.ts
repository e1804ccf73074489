import { beforeEach, expect, test } from 'vitest'
import type { PinsAnswer } from '../../../admin/api/pins-schema.ts'
import { answer, serve } from '../../harness/answer.ts'
import type { Run } from '../../harness/child-process.ts'
import { ScriptedUpstream } from '../../harness/scripted.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { type FakeNode, LONE, PEER, startFakeNode } from '../fake-node.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()
let node: FakeNode
let data: string

const AWAY = `${PEER.slice(0, -4)}away`
const OTHER = `${PEER.slice(0, -5)}other`
const SWEEP = { running: false, looked: 0, endedAt: Date.now() - 7_230_000, dueAt: null }
const OWN: NonNullable<PinsAnswer['own']> = {
  replicas: 2,
  counted: true,
  wanted: 12,
  held: 9,
  missing: 3,
  seeds: [
    { id: PEER, connected: true, wanted: 8, held: 8, pending: 0, reason: null },
    { id: OTHER, connected: true, wanted: 7, held: 4, pending: 1, reason: 'its disk is full\u001b[2J' },
    { id: AWAY, connected: false, wanted: 0, held: 0, pending: 0, reason: null },
  ],
  sweep: SWEEP,
}

beforeEach(async () => {
  data = folders.create('data')
  node = await startFakeNode(data)
  node.mesh = { ...LONE, state: 'member', role: 'seed' }
})

function pin(...args: string[]): Promise<Run> {
  return runWarren(['pin', '--data', data, ...args], { home: folders.create('home') })
}

test('a seed tells where its pins are, which are missing and why, and what the other seeds say', async () => {
  node.pins = {
    own: OWN,
    seeds: [
      {
        id: OTHER,
        connected: true,
        pins: { ...OWN, wanted: 20, sweep: { ...SWEEP, running: true, looked: 5 } },
        problem: null,
      },
      { id: AWAY, connected: false, pins: null, problem: 'it is not connected' },
    ],
  }
  const { code, stdout, stderr } = await pin()
  expect([code, stderr]).toEqual([0, ''])
  const short = (id: string) => id.slice(-8)
  expect(stdout.split('\n').map((line) => line.replace(/ {2,}/g, '  '))).toEqual([
    'pins  12: 9 on all their seeds, 3 not',
    'replicas  2, with 2 seeds there',
    'sweep  ended 2 h ago',
    '',
    'seed  state  belong there  are there  on their way  why',
    `${short(PEER)}  this node  8  8  0`,
    `${short(OTHER)}  connected  7  4  1  its disk is full?[2J`,
    `${short(AWAY)}  away  0  0  0`,
    '',
    'The other seeds say of what they have:',
    'seed  pins  complete  missing  sweep  why',
    `${short(OTHER)}  20  9  3  under way, 5 pins looked at`,
    `${short(AWAY)}  it is not connected`,
    '',
  ])
  expect(JSON.parse((await pin('--json')).stdout)).toEqual(node.pins)
})

test('a member tells what its seeds say, and a lone node that there are none', async () => {
  node.mesh = { ...LONE, state: 'member', role: 'member' }
  node.pins = { own: null, seeds: [{ id: OTHER, connected: true, pins: OWN, problem: null }] }
  const { stdout } = await pin()
  expect(stdout).toMatch(
    new RegExp(`^This node is no seed\\. Its seeds say:\\n.*\\n${OTHER.slice(-8)} +12 +9 +3 +ended 2 h ago`),
  )
  node.pins = { own: null, seeds: [] }
  expect((await pin()).stdout).toBe('No seed is known yet.\n')
  node.mesh = LONE
  expect((await pin()).stdout).toMatch(/^This node is in no mesh/)
  expect(await pin('/npm/x')).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is in no mesh') })
})

test('counts of a sweep that has not begun, or is under way, do not look like those of all pins', async () => {
  const early = { ...OWN, counted: false, wanted: 0, held: 0, missing: 0 }
  const due = { running: false, looked: 0, endedAt: null, dueAt: Date.now() + 9_030_000 }
  node.pins = {
    own: {
      ...early,
      sweep: due,
      seeds: [{ ...OWN.seeds[0], id: PEER, connected: true, wanted: 0, held: 0, pending: 0, reason: null }],
    },
    seeds: [{ id: OTHER, connected: true, pins: { ...early, sweep: due }, problem: null }],
  }
  const lines = (await pin()).stdout.split('\n').map((line) => line.replace(/ {2,}/g, '  '))
  expect(lines).toContain('pins  not counted yet since this node started, or seeds came or went')
  expect(lines).toContain('sweep  none ended yet, the next begins in 2 h 30 min')
  expect(lines).toContain(`${PEER.slice(-8)}  this node  0`)
  expect(lines).toContain(`${OTHER.slice(-8)}  none ended yet, the next begins in 2 h 30 min`)
  node.pins = { own: { ...early, wanted: 5, held: 5, sweep: { ...due, running: true, looked: 5, dueAt: null } }, seeds: [] }
  expect((await pin()).stdout).toMatch(/^pins +not all counted yet; so far 5: 5 on all their seeds, 0 not\n/)
})

test('too few seeds are told', async () => {
  node.pins = { own: { ...OWN, replicas: 3 }, seeds: [] }
  expect((await pin()).stdout).toContain('3, but only 2 seeds there: make a member one with «warren seed add»')
})

test('what is named is fetched first, and then shown as soon as it is on its seeds', async () => {
  const mirrors = await new ScriptedUpstream().start()
  try {
    node.listen = [mirrors.origin]
    mirrors.on('/raw/x/a.bin', serve(Buffer.alloc(3_000)))
    mirrors.on('/raw/x/no.bin', answer(404))
    const place = { key: 'k', blob: 'ab'.repeat(32), size: 3_000 }
    const seedsWith = (holds: boolean) => [
      { id: PEER, belongs: true, holds: true },
      { id: OTHER, belongs: true, holds },
      { id: AWAY, belongs: false, holds: null },
    ]
    node.mesh = { ...node.mesh, role: 'member', seeds: 1 }
    node.places.set('/raw/x/a.bin', { ...place, seeds: seedsWith(false) })
    const running = pin('/raw/x/a.bin', '/raw/x/no.bin')
    await eventually('it has asked more than once', () => node.placesAsked >= 3)
    node.places.set('/raw/x/a.bin', { ...place, seeds: seedsWith(true) })
    const { code, stdout, stderr } = await running
    expect(code).toBe(1)
    expect(stderr).toMatch(/^warren: \/raw\/x\/no\.bin: the node answers 404.*\n$/)
    expect(stdout.split('\n')[1]?.replace(/ {2,}/g, '  ')).toBe(
      `/raw/x/a.bin  2.9 KiB  ${PEER.slice(-8)} ${OTHER.slice(-8)}  –  –  ${AWAY.slice(-8)}`,
    )
    expect(mirrors.count('/raw/x/a.bin')).toBe(1)
    node.mesh = { ...node.mesh, seeds: 0 }
    expect((await pin('/raw/x/a.bin')).stderr).toContain('no seed is connected, so that only this node has')
    const json = JSON.parse((await pin('--json', '/raw/x/a.bin')).stdout)
    expect(json).toEqual({ pins: [{ target: '/raw/x/a.bin', place: node.places.get('/raw/x/a.bin') }], failures: [] })
  } finally {
    await mirrors.stop()
  }
})

test.for(['//evil.test/x', '/\\evil.test/x'])('%s is no path of a mirror', async (path) => {
  node.listen = [node.admin]
  expect(await pin(path)).toMatchObject({ code: 2, stderr: expect.stringContaining('is no path of a mirror') })
})
