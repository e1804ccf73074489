import { expect, test } from 'vitest'
import { type Facts, type NodeFacts, problemsOf, provenText } from '../../../../admin/cli/demo/facts.ts'
import { summaryLines, tarballLines } from '../../../../admin/cli/demo/show.ts'

const NONE = { local: 0, flight: 0, peer: 0, seed: 0, upstream: 0, stale: 0 }

function node(name: string, source: string, from: NodeFacts['from']): NodeFacts {
  return {
    name,
    role: 'member',
    peer: '12D3KooW',
    tarballs: [
      { name: 'a-1.0.0.tgz', bytes: 1024, source },
      { name: '@s/b-1.0.0.tgz', bytes: 512, source },
    ],
    installed: { files: 3, bytes: 4096, sha256: 'same' },
    requests: { ...NONE, [source]: 2, negative: 0, denied: 0, error: 0 },
    bytes: { ...NONE, [source]: 1536 },
    from,
  }
}

const FIRST = node('node 1', 'upstream', [])
const SECOND = node('node 2', 'seed', [
  { node: 'node 1', bytes: 1536 },
  { node: 'node 3', bytes: 0 },
])
const THIRD = node('node 3', 'peer', [{ node: 'node 2', bytes: 1536 }])

function facts(...nodes: Facts['nodes']): Facts {
  return { package: 'a', upstream: 'http://registry.example.test/', mesh: 'f0', nodes, refused: 1, steps: [] }
}

test('what happened as claimed is proven', () => {
  const good = facts(FIRST, SECOND, THIRD)
  expect(problemsOf(good)).toEqual([])
  expect(provenText(good)).toMatch(/^Node 2 had all 2 tarballs \(1\.5 KiB\) from node 1, and node 3 had them from node 2 after/)
  expect(summaryLines(good, process.stdout).join('\n')).toContain('it refused 1 request for a tarball')
})

const [A, B] = SECOND.tarballs
if (!A || !B) throw new Error('there are two tarballs')

test.for([
  ['another source', { tarballs: [A, { ...B, source: 'upstream' }] }, 'did not have these from node 1: @s/b-1.0.0.tgz'],
  ['a tarball less', { tarballs: [A] }, 'was asked for other tarballs than node 1'],
  ['a shorter tarball', { tarballs: [A, { ...B, bytes: 511 }] }, 'was asked for other tarballs than node 1'],
  ['another tree', { installed: { ...SECOND.installed, sha256: 'other' } }, 'installed is not what node 1 installed'],
  ['another giver', { from: [...SECOND.from, { node: 'node 4', bytes: 1 }] }, 'had bytes from others than node 1'],
  ['fewer bytes', { from: [{ node: 'node 1', bytes: 1535 }] }, 'had less from node 1 than it delivered'],
] as const)('%s at node 2 is a problem', ([, change, problem]) => {
  const wrong = facts(FIRST, { ...SECOND, ...change }, THIRD)
  expect(problemsOf(wrong)).toEqual([expect.stringContaining(problem)])
  const said = summaryLines(wrong, process.stdout).join('\n')
  expect(said).toContain('Not proven:')
  expect(said).not.toContain('Proven.')
})

test('a tarball that node 3 has from a seed is a problem: the seed should be gone', () => {
  const seeds = { ...THIRD, tarballs: SECOND.tarballs }
  expect(problemsOf(facts(FIRST, SECOND, seeds))).toEqual([expect.stringContaining('node 3 did not have these from node 2')])
})

test('an installation without a tarball proves nothing', () => {
  const [first, second, third] = [FIRST, SECOND, THIRD].map((one) => ({ ...one, tarballs: [] }))
  if (first && second && third) expect(problemsOf(facts(first, second, third))).toEqual(['node 1 was asked for no tarball'])
})

test('of many tarballs the first are shown one by one', () => {
  const many = Array.from({ length: 40 }, (_, at) => ({ name: `p${at}-1.0.0.tgz`, bytes: 1024, source: 'seed' }))
  const lines = tarballLines({ ...SECOND, tarballs: many }, new Map([['seed', 'node 1']]), process.stdout)
  expect(lines).toHaveLength(13)
  expect(lines[0]).toBe('p0-1.0.0.tgz   1.0 KiB   seed  node 1')
  expect(lines[11]).toBe('and 29 more    29.0 KiB  seed')
  expect(lines[12]).toBe('40 tarballs, 40.0 KiB; installed: 3 files, 4.0 KiB')
})
