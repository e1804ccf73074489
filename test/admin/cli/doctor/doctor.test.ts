import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { ScriptedUpstream } from '../../../harness/scripted.ts'
import { started } from '../../../harness/scripted-files.ts'
import { startNode } from '../../../harness/start-node.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { startFakeNode, WELL } from '../../fake-node.ts'
import { runWarren } from '../run-warren.ts'

useLeakCheck()
const temp = useTempFolders()

const reportSchema = z.strictObject({
  wrong: z.number(),
  findings: z.array(
    z.strictObject({
      check: z.string(),
      level: z.enum(['ok', 'note', 'wrong']),
      what: z.string(),
      action: z.string().optional(),
    }),
  ),
})

/** Whatever this machine is: its disk may be nearly full, and a node of somebody else may run on it. */
const ANYWHERE = { WARREN_STORE_MIN_FREE: '1B', WARREN_LISTEN: '127.0.0.1:1' }

async function doctor(args: readonly string[], home: string, env: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await runWarren(['doctor', ...args], { home, env: { ...ANYWHERE, ...env } })
  expect(stderr).toBe('')
  return { code, stdout, ...(args.includes('--json') ? { report: reportSchema.parse(JSON.parse(stdout)) } : {}) }
}

test('a running node, its upstream and the clients of this machine are looked over', async () => {
  const upstream = await started(new ScriptedUpstream())
  const data = temp.create('data')
  const { url } = await startNode({ data, upstream: upstream.origin })
  const home = temp.create('home')
  writeFileSync(join(home, '.npmrc'), `registry=${url}/npm/\n`)
  const { report, code } = await doctor(['--data', data, '--json'], home, { GOPROXY: 'https://corp.test' })
  const said = (check: string) =>
    report?.findings.filter((one) => one.check === check).map(({ level, what }) => `${level}: ${what}`)
  expect(said('upstreams')).toEqual([expect.stringMatching(/^ok: 1 of 1 answer/)])
  expect(said('ports')).toEqual([`ok: mirrors at ${new URL(url).host}`])
  expect(said('secrets')).toEqual(['ok: node.token, node.key: for the user of the node only'])
  expect(said('mesh')).toEqual([expect.stringContaining('ok: in no mesh')])
  expect(said('clients')).toContain(`ok: npm is led to ${url}/npm/ (${join(home, '.npmrc')})`)
  expect(said('clients')).toContain('note: go is led to https://corp.test/ (GOPROXY), past the node')
  expect(said('node')?.[0]).toMatch(/^ok: /)
  const wrong = report?.findings.filter(({ level }) => level === 'wrong') ?? []
  // Whoever runs the tests may be root, as which no node should run.
  expect(wrong.map(({ check }) => check)).toEqual(process.geteuid?.() === 0 ? ['user'] : [])
  expect([report?.wrong, code]).toEqual([wrong.length, wrong.length === 0 ? 0 : 1])
})

test('people get aligned lines, what to do below what is wrong, and a sum', async () => {
  const data = temp.create('data')
  const node = await startFakeNode(data)
  const upstream = {
    url: 'https://b.test/',
    mirrors: ['b'],
    reachable: false,
    status: null,
    ms: 5,
    problem: 'connect ECONNREFUSED',
  }
  node.examination = { ...WELL, process: { ...WELL.process, user: null }, upstreams: [upstream] }
  const { stdout, code } = await doctor(['--data', data], temp.create('home'), { PATH: '' })
  const lines = stdout.trimEnd().split('\n')
  expect(code).toBe(1)
  const at = lines.findIndex((line) => line.startsWith('upstreams'))
  expect(lines[at]).toMatch(/^upstreams +wrong +https:\/\/b\.test\/ \(b\): connect ECONNREFUSED$/)
  expect(lines[at + 1]).toMatch(/^ +→ see whether this machine reaches it/)
  expect(lines.at(-1)).toMatch(/^1 thing wrong/)
})

test('a node in which nothing is wrong ends with 0', async () => {
  const node = await startFakeNode(temp.create('data'))
  const { stdout, code } = await doctor(['--node', node.admin], temp.create('home'), {
    WARREN_TOKEN: node.token.value,
    PATH: '',
  })
  expect([stdout.trimEnd().split('\n').at(-1), code]).toEqual([expect.stringMatching(/^Nothing is wrong/), 0])
})

test('without a node that is wrong, and all else is looked at', async () => {
  const data = temp.create('data')
  chmodSync(data, 0o777)
  const { report, code } = await doctor(['--data', data, '--json'], temp.create('home'))
  const wrong = report?.findings.filter(({ level }) => level === 'wrong').map(({ check }) => check)
  expect([wrong, code]).toEqual([['node', 'data'], 1])
})

test('a node whose token is not known tells counts, and that is said', async () => {
  const node = await startFakeNode(temp.create('data'))
  const { report } = await doctor(['--node', node.admin, '--json'], temp.create('home'), { WARREN_TOKEN: 'another' })
  expect(report?.findings.filter(({ level }) => level === 'wrong').map(({ what }) => what)).toEqual([
    expect.stringContaining('it tells counts only'),
  ])
})
