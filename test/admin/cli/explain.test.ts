import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Explanation } from '../../../admin/api/explain-schema.ts'
import { explainLines } from '../../../admin/cli/explain/lines.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { PEER, startFakeNode } from '../fake-node.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()
const NOW = 1_800_000_000_000
const look = { now: NOW, output: new PassThrough() }
const SHA256 = 'ab'.repeat(32)

const unknown: Explanation = {
  key: `sha256:${SHA256}`,
  name: null,
  mirror: null,
  kind: null,
  digests: [`sha256:${SHA256}`],
  held: null,
  members: [],
  coversAll: true,
  seeds: [],
  headStart: 0,
  upstream: null,
  source: 'nowhere',
  why: 'nobody has it',
}

test('what nobody has is told with what was looked at', () => {
  expect(explainLines(unknown, look)).toEqual([
    `what        sha256:${SHA256}`,
    'source      nowhere: nobody has it',
    `digests     sha256:${SHA256}`,
    'held        no',
    'members     none; all have told what they have',
    'head start  0 ms for members',
  ])
})

test('everything that decides is told, each member with why it is not asked', () => {
  const member = { id: PEER, role: 'member' as const, zone: 'eu-1a', by: 'inventory' as const, excluded: null }
  const lines = explainLines(
    {
      ...unknown,
      key: '/npm/x/-/x-1.0.0.tgz',
      mirror: 'npm',
      kind: 'immutable',
      digests: [],
      held: { sha256: SHA256, since: NOW - 120_000, size: 2_048, private: true, stale: true },
      members: [member, { ...member, zone: null, by: 'dht', excluded: 'it is in quarantine: it lied' }],
      seeds: [PEER, PEER],
      headStart: 20,
      upstream: { base: 'https://registry.example.test/', private: true, state: 'frozen', remaining: 7 },
      source: 'peer',
      why: 'it says so',
    },
    look,
  )
  const id = PEER.slice(-8)
  expect(lines).toEqual([
    'what        /npm/x/-/x-1.0.0.tgz',
    'source      peer: it says so',
    'mirror      npm, immutable',
    'digests     not known without asking upstream',
    `held        for 2 min, 2.0 KiB, sha256:${SHA256}, old: upstream is asked again, came with credentials, so nobody else gets it`,
    `members     member ${id} in eu-1a says that it has it`,
    `            member ${id} is named by the DHT, but is not asked: it is in quarantine: it lied`,
    `home seed   ${id}, then ${id}`,
    'head start  20 ms for members',
    'upstream    https://registry.example.test/, resting, 7 requests left, asked with credentials',
  ])
})

test('a digest and a path are asked for as they are', async () => {
  const data = folders.create('data')
  const node = await startFakeNode(data)
  node.explanation = unknown
  const { code, stdout } = await runWarren(['explain', '/npm/lodash', '--data', data, '--json'], {
    home: folders.create('home'),
  })
  expect([code, JSON.parse(stdout)]).toEqual([0, [{ ...unknown, key: '/npm/lodash' }]])
})

test('a name without a type is read as an image, and said so where there is none', async () => {
  const data = folders.create('data')
  const node = await startFakeNode(data)
  node.explanation = unknown
  node.listen = ['http://127.0.0.1:1']
  const explain = (name: string) => runWarren(['explain', name, '--data', data], { home: folders.create('home') })
  expect(await explain('left-pad')).toMatchObject({
    code: 0,
    stderr: 'warren: left-pad is read as an image; did you mean pkg:npm/left-pad?\n',
  })
  expect(await explain('ghcr.io/org/app:1')).toMatchObject({ code: 0, stderr: '' })
})

test('an upstream that is left alone does not look like one that can be asked', () => {
  const upstream = { base: 'https://registry.example.test/', private: false, remaining: null }
  const lineOf = (state: 'closed' | 'open' | 'half-open' | null) =>
    explainLines({ ...unknown, upstream: { ...upstream, state } }, look)
      .at(-1)
      ?.split(', ')
      .slice(1)
      .join(', ')
  expect([lineOf('closed'), lineOf('open'), lineOf('half-open'), lineOf(null)]).toEqual([
    'well',
    'failing, and left alone for a while',
    'failing, being tried',
    'not asked yet',
  ])
})

test('a path of no mirror and half a digest are refused with the reason', async () => {
  const data = folders.create('data')
  await startFakeNode(data)
  const explain = (name: string) => runWarren(['explain', name, '--data', data], { home: folders.create('home') })
  expect(await explain('/nmp/lodash')).toMatchObject({ code: 2, stdout: '', stderr: 'warren: this node has no mirrors\n' })
  expect(await explain('sha256:13c2')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'warren: "sha256:13c2" is no digest: behind sha256: come 64 digits from 0 to f\n',
  })
})
