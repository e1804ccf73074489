import { expect, test } from 'vitest'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

const NAMES = ['left-pad', 'left', 'right']

/** A node that keeps the documents of three packages. */
async function nodeWithPackages() {
  const upstream = await scripted()
  for (const name of NAMES) upstream.on(`/${name}`, json({ name, versions: {}, 'dist-tags': {} }))
  const data = folders.create('data')
  const node = await startAdminNode(data, { upstream: upstream.origin })
  const get = async (name: string) => {
    const answer = await fetch(`${node.npm}${name}`)
    await answer.arrayBuffer()
    return answer.headers.get('x-warren-source')
  }
  for (const name of NAMES) await get(name)
  const search = async (query = '') => (await node.ask('GET', `cache?${query}`)).json
  const paths = async (query = '') => (await search(query)).entries.map(({ path }: { path: string }) => path)
  const done = async (id: string) => {
    let run: { state: string } = { state: 'running' }
    await eventually('the purge ends', async () => {
      run = (await node.ask('GET', `purges/${id}`)).json
      return run.state === 'done'
    })
    return run
  }
  return { ...node, upstream, get, search, paths, done }
}

test('what is kept is found by text, package and mirror, page by page', async () => {
  const node = await nodeWithPackages()
  expect(await node.paths()).toEqual(['left', 'left-pad', 'right'])
  expect(await node.paths('q=LEFT')).toEqual(['left', 'left-pad'])
  expect(await node.paths('package=pkg:npm/left*')).toEqual(['left', 'left-pad'])
  expect(await node.paths('package=pkg:npm/left*&q=pad')).toEqual(['left-pad'])
  expect(await node.paths('mirror=npm')).toEqual(['left', 'left-pad', 'right'])
  expect(await node.paths('mirror=npm&pattern=*ight')).toEqual(['right'])
  const first = await node.search('limit=2')
  expect(first.entries).toHaveLength(2)
  const second = await node.search(`limit=2&cursor=${first.next}`)
  expect(second.entries).toHaveLength(1)
  expect(second.next).toBeNull()
  expect((await node.ask('GET', 'cache?mirror=none')).status).toBe(404)
  expect((await node.ask('GET', 'cache?package=left-pad')).status).toBe(400)
  expect((await node.ask('GET', 'cache?pattern=a')).status).toBe(400)
})

test('one artifact is told with all that is known of it, and deleted', async () => {
  const node = await nodeWithPackages()
  const [entry] = (await node.search('q=left-pad')).entries
  const at = `cache/artifact?key=${encodeURIComponent(entry.key)}`
  expect((await node.ask('GET', at)).json).toMatchObject({
    ...entry,
    ...{ ecosystem: 'npm', package: 'pkg:npm/left-pad', mirrors: ['npm'], kind: 'document', held: true, private: false },
    verified: [],
    mesh: { members: [], seeds: [] },
  })
  const deleted = await node.ask('DELETE', at)
  expect(deleted.status).toBe(202)
  expect((await node.ask('GET', at)).status).toBe(404)
  expect(await node.paths()).toEqual(['left', 'right'])
  expect(await node.done(deleted.json.id)).toMatchObject({ freed: { records: 1, blobs: 1 } })
  expect((await node.ask('DELETE', at)).status).toBe(404)
})

test.each([
  [{ all: true }, 3],
  [{ mirror: 'npm' }, 3],
  [{ mirror: 'npm', pattern: 'left*' }, 2],
  [{ package: 'pkg:npm/left-pad@1.x' }, 1],
  [
    {
      scopes: [
        { kind: 'package', purl: 'pkg:npm/left' },
        { kind: 'package', purl: 'pkg:npm/right' },
      ],
    },
    2,
  ],
])('a purge of %j is tried, done and followed, and what is left is still there', async (wanted, count) => {
  const node = await nodeWithPackages()
  const tried = await node.ask('POST', 'purges', { ...wanted, dryRun: true })
  expect([tried.status, tried.json.records, tried.json.sample.length]).toEqual([200, count, count])
  expect(await node.paths()).toHaveLength(3)
  const purged = await node.ask('POST', 'purges', wanted)
  expect(purged.status).toBe(202)
  expect(purged.headers.get('location')).toBe(`/admin/v1/purges/${purged.json.id}`)
  expect(await node.paths()).toHaveLength(3 - count)
  expect(await node.done(purged.json.id)).toMatchObject({ freed: { records: count }, trouble: null })
  expect((await node.ask('GET', 'purges')).json.purges.map(({ id }: { id: string }) => id)).toEqual([purged.json.id])
  expect(await node.get('left-pad')).toBe(
    tried.json.sample.some((key: string) => key.includes('\nleft-pad\n')) ? 'upstream' : 'local',
  )
  await node.node.stop()
  expect(node.audited()).toMatchObject([
    { change: { what: 'nothing: dry run of a purge' } },
    { method: 'POST', outcome: 'done', change: { after: purged.json.scopes } },
  ])
})

test('a purge by digest takes what has these bytes', async () => {
  const node = await nodeWithPackages()
  const [entry] = (await node.search('q=right')).entries
  const purged = await node.ask('POST', 'purges', { digest: `sha256:${entry.sha256}` })
  expect(await node.paths()).toEqual(['left', 'left-pad'])
  expect(await node.done(purged.json.id)).toMatchObject({ freed: { records: 1, blobs: 1 } })
})

test('a reset is over at once, and the node goes on', async () => {
  const node = await nodeWithPackages()
  const { json: run } = await node.ask('POST', 'purges', { all: true })
  expect((await node.ask('GET', 'cache')).json).toEqual({ entries: [], next: null })
  expect(await node.get('left')).toBe('upstream')
  await node.done(run.id)
  expect(await node.get('left')).toBe('local')
})

test.each([
  {},
  { all: false },
  { all: true, mirror: 'npm' },
  { pattern: 'a' },
  { package: 'left-pad' },
  { digest: 'sha256:a' },
  { mirror: 'npm', pattern: 'a b' },
  { scopes: [] },
  { scopes: [{ kind: 'mirror', name: 'npm' }] },
  { all: true, nothing: 1 },
])('what is no purge is refused and purges nothing: %j', async (wanted) => {
  const node = await nodeWithPackages()
  const refused = await node.ask('POST', 'purges', wanted)
  expect([refused.status, refused.json.title]).toEqual([400, 'BAD_REQUEST'])
  expect(await node.paths()).toHaveLength(3)
})

test('nobody without the token looks or purges', async () => {
  const node = await nodeWithPackages()
  const anonymous = { authorization: '' }
  for (const [method, path, body] of [
    ['GET', 'cache'],
    ['GET', 'cache/artifact?key=a'],
    ['DELETE', 'cache/artifact?key=a'],
    ['POST', 'purges', { all: true }],
    ['GET', 'purges'],
  ] as const)
    expect((await node.ask(method, path, body, anonymous)).status).toBe(401)
  expect(await node.paths()).toHaveLength(3)
})
