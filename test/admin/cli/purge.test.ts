import { expect, test } from 'vitest'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from '../api/admin-node.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()

async function nodeWithPackages() {
  const upstream = await scripted()
  const names = ['left-pad', 'left', 'right']
  for (const name of names) upstream.on(`/${name}`, json({ name, versions: {}, 'dist-tags': {} }))
  const data = folders.create('data')
  const node = await startAdminNode(data, { upstream: upstream.origin })
  for (const name of names) await (await fetch(`${node.npm}${name}`)).arrayBuffer()
  const home = folders.create('home')
  const warren = (...args: string[]) => runWarren([...args, '--data', data], { home })
  const left = async () => {
    const { entries } = (await node.ask('GET', 'cache')).json
    return entries.map(({ path }: { path: string }) => path)
  }
  return { ...node, upstream, warren, left }
}

test('what is kept is listed and shown, for people and as JSON', async () => {
  const { warren, npm } = await nodeWithPackages()
  const all = await warren('cache', 'search')
  expect(all).toMatchObject({ code: 0, stderr: '' })
  expect(all.stdout.split('\n').slice(0, -1)).toHaveLength(4)
  expect(all.stdout).toMatch(/^SIZE +SINCE +KIND +PACKAGE +PATH\n/)
  expect(all.stdout).toMatch(/\d+ B +\d+ s +document +pkg:npm\/left-pad +http\S+\/left-pad/)
  const some = await warren('cache', 'search', 'pkg:npm/left*', '--mirror', 'npm', '--limit', '1')
  expect(some.stdout.split('\n').slice(0, -1)).toHaveLength(2)
  expect(some.stderr).toContain('there is more')
  expect((await warren('cache', 'search', 'nothing')).stdout).toBe('Nothing of that is kept.\n')
  const [entry] = JSON.parse((await warren('cache', 'search', 'left-pad', '--json')).stdout)
  expect(entry).toMatchObject({ package: 'pkg:npm/left-pad', held: true })
  const path = new URL(`${npm}left-pad`).pathname
  for (const what of [path, 'pkg:npm/left-pad', `sha256:${entry.sha256}`, entry.key]) {
    const shown = await warren('cache', 'show', what)
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain(entry.sha256)
  }
  const absent = await warren('cache', 'show', 'pkg:npm/absent')
  expect([absent.code, absent.stderr]).toEqual([1, expect.stringContaining('is kept')])
  expect((await warren('cache', 'show', 'left-pad')).code).toBe(2)
})

test('a purge is tried, refused without somebody to ask, and done', async () => {
  const { warren, left } = await nodeWithPackages()
  const tried = await warren('purge', 'pkg:npm/left*', '--dry-run')
  expect(tried.stdout).toMatch(
    /^A purge would be about 2 names, \d+ B\.\n {2}npm {2}http\S+\/left\n {2}npm {2}http\S+\/left-pad\n$/,
  )
  const unclear = await warren('purge', 'left-pad', '--yes')
  expect([unclear.code, unclear.stderr]).toEqual([2, expect.stringContaining('"left-pad" is no package URL and no digest')])
  const refused = await warren('purge', '--all')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('give --yes')])
  expect(await left()).toHaveLength(3)
  const purged = await warren('purge', 'pkg:npm/left*', '--yes')
  expect(purged).toMatchObject({ code: 0, stdout: expect.stringMatching(/ has purged 2 names and \d+ B\.\n$/) })
  expect(await left()).toEqual(['right'])
  const reset = await warren('purge', '--all', '--yes', '--json')
  expect(JSON.parse(reset.stdout)).toMatchObject({ state: 'done', scopes: [{ kind: 'all' }], freed: { records: 1 } })
  expect(await left()).toEqual([])
})

test.each([
  ['--mirror', 'npm', 'left*'],
  ['--mirror', 'npm'],
])('a purge of %s %s %s is about that', async (...args) => {
  const { warren, left } = await nodeWithPackages()
  expect((await warren('purge', ...args, '--yes')).code).toBe(0)
  expect(await left()).toEqual(args.length === 3 ? ['right'] : [])
})

test.each([
  [],
  ['left-pad'],
  ['--all', 'pkg:npm/left'],
  ['--all', '--mirror', 'npm'],
  ['--digest', 'sha256:a', '--mirror', 'npm'],
  ['--mirror', 'none'],
  ['pkg:nothing/at-all'],
])('what says nothing that can be purged is refused: %s', async (...args) => {
  const { warren, left } = await nodeWithPackages()
  const refused = await warren('purge', ...args.filter((one) => one !== undefined), '--yes')
  expect([refused.code === 0, await left()]).toEqual([false, ['left', 'left-pad', 'right']])
  expect(refused.stderr).toMatch(/^warren: \S/)
})
