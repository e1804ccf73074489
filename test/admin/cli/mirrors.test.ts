import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { type NodeProcess, startNodeProcess } from '../../harness/node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()
let node: NodeProcess

beforeEach(async () => {
  const mirrors = {
    npm: { upstreams: ['http://127.0.0.1:9'] },
    go: false,
    corp: { protocol: 'npm', upstreams: ['http://127.0.0.1:9'] },
  }
  node = await startNodeProcess({ data: folders.create('data'), config: { mirrors } })
})

afterEach(() => node.stop())

async function warren(...args: string[]) {
  const { code, stdout, stderr } = await runWarren([...args, '--data', node.data], { home: folders.create('home') })
  return { code, stdout, stderr, lines: stdout.trimEnd().split('\n') }
}

/** The rows of a table, by their first cell, with one blank between cells. */
function rowsOf(lines: readonly string[]): Map<string, string> {
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.replace(/ {2,}/g, ' ').trim()]))
}

test('a mirror is added, changed, shown, taken away and restored at a running node', async () => {
  const before = rowsOf((await warren('mirrors')).lines)
  expect(before.get('npm')).toBe('npm npm /npm/ the file http://127.0.0.1:9/')
  expect(before.get('pypi')).toMatch(/^pypi pypi \/pypi\/ built in http/)
  const added = await warren(
    'mirrors',
    'add',
    'mine',
    '--protocol',
    'npm',
    '--upstream',
    'http://127.0.0.1:9',
    '--lifetime',
    '5m',
  )
  expect([added.code, rowsOf(added.lines).get('mine')]).toEqual([
    0,
    'mine npm /mine/ this node http://127.0.0.1:9/ lifetime: 5 min',
  ])
  const again = await warren('mirrors', 'add', 'mine', '--protocol', 'npm', '--upstream', 'http://127.0.0.1:9')
  expect([again.code, again.stderr]).toEqual([
    2,
    'warren: there is a mirror mine already; «warren mirrors set mine» changes it\n',
  ])
  const set = await warren('mirrors', 'set', 'corp', '--path', '/x/')
  expect(rowsOf(set.lines).get('corp')).toBe('corp npm /x/ this node the file http://127.0.0.1:9/')
  expect((await fetch(`${node.url}/x/y`)).headers.get('x-warren-error')).toBe('UPSTREAM_UNREACHABLE')
  const removed = await warren('mirrors', 'remove', 'corp')
  expect(removed.stdout).toBe(
    'corp is taken away at this node, though the file has it; «warren mirrors restore corp» takes that back.\n',
  )
  expect((await fetch(`${node.url}/corp/y`)).headers.get('x-warren-error')).toBe('NO_SUCH_MIRROR')
  expect(rowsOf((await warren('mirrors')).lines).get('corp')).toBe('corp this node the file taken away')
  expect((await warren('mirrors', 'restore', 'corp')).stdout).toBe('corp is there again: the file has it.\n')
  expect((await warren('mirrors', 'remove', 'pypi')).stdout).toBe(
    'pypi is taken away at this node, though it is built in; «warren mirrors restore pypi» takes that back.\n',
  )
  const other = await warren('mirrors', 'add', 'pypi', '--protocol', 'pypi')
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('«warren mirrors restore pypi» brings it back')])
  expect((await warren('mirrors', 'restore', 'pypi')).stdout).toBe('pypi is there again: it is built in.\n')
  expect((await warren('mirrors', 'remove', 'mine')).stdout).toBe('mine is taken away at this node.\n')
  const facts = JSON.parse((await warren('mirrors', '--json')).stdout)
  expect(facts.mirrors.find(({ name }: { name: string }) => name === 'corp')).toMatchObject({ layer: 'file', shadows: [] })
  expect(facts.mirrors.some(({ name }: { name: string }) => name === 'mine')).toBe(false)
})

test('all of a mirror comes from a file, and what is wrong is told in the words of the configuration', async () => {
  const file = join(folders.create(), 'mirror.yaml')
  writeFileSync(file, 'protocol: npm\nupstreams: ["http://127.0.0.1:9"]\nroutes: {"@corp/*": false}\n')
  const { lines } = await warren('mirrors', 'add', 'mine', '--from', file)
  expect(lines.map((line) => line.trim())).toContain('@corp/* nowhere')
  const wrong = await warren('mirrors', 'set', 'mine', '--path', '/npm/')
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    'warren: mirrors.mine.path is "/npm/", but must be apart from /npm/, the path of mirrors.npm\n',
  ])
  const gone = await warren('mirrors', 'set', 'other', '--path', '/x/')
  expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('there is no mirror other; there is ')])
})

test('upstreams are tested, and the exit code says whether all is well', async () => {
  const { code, lines } = await warren('mirrors', 'test', 'corp')
  expect(code).toBe(1)
  expect(lines[1]).toMatch(/^corp +http:\/\/127\.0\.0\.1:9\/ +\d+ ms +fails: connect ECONNREFUSED/)
})

test('a package is blocked and unblocked, and the policy shows it', async () => {
  const blocked = await warren('block', 'pkg:npm/evil', '--reason', 'it steals')
  expect(blocked.stdout).toBe('pkg:npm/evil is given out no more at this node; «warren unblock» takes it back.\n')
  expect((await fetch(`${node.url}/npm/evil`)).status).toBe(403)
  const { lines } = await warren('policy')
  expect(rowsOf(lines).get('pkg:npm/evil')).toBe('pkg:npm/evil this node it steals')
  expect(rowsOf(lines).get('allow')).toBe('allow (none)')
  expect(rowsOf(lines).get('minimumAge')).toBe('minimumAge default: 0 s')
  expect(JSON.parse((await warren('policy', '--json')).stdout).blocks).toEqual([
    { purl: 'pkg:npm/evil', reason: 'it steals', layer: 'overlay' },
  ])
  expect((await warren('unblock', 'pkg:npm/evil')).stdout).toBe('pkg:npm/evil is blocked no more at this node.\n')
  const again = await warren('unblock', 'pkg:npm/evil')
  expect([again.code, again.stderr]).toEqual([2, 'warren: pkg:npm/evil is not blocked at this node\n'])
  expect((await warren('block', 'evil')).stderr).toMatch(/^warren: purl is "evil", but must be a package URL/)
})

test('what policy.deny denies is not told to be let through when a block is taken back', async () => {
  const purl = 'pkg:npm/evil'
  const headers = { authorization: `Bearer ${loadNodeToken(node.data).value}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ deny: [purl] })
  expect((await fetch(`${node.url}/admin/v1/policy`, { method: 'PUT', headers, body })).status).toBe(200)
  expect((await warren('unblock', purl)).stderr).toContain(`${purl} is not blocked at this node, but denied by policy.deny`)
  await warren('block', purl)
  expect((await warren('unblock', purl)).stdout).toBe(`${purl} is blocked no more at this node; policy.deny denies it still.\n`)
})

test.each([
  [['rm', 'corp'], "unknown command 'rm'; see «warren mirrors --help»"],
  [
    ['set', 'Not one', '--path', '/x/'],
    'name is "Not one", but must be a name of small letters, digits and -, such as npm-corp',
  ],
])('«warren mirrors %j» is refused in words of the command line', async (args, message) => {
  const { code, stderr } = await warren('mirrors', ...args)
  expect([code, stderr]).toEqual([2, `warren: ${message}\n`])
})
