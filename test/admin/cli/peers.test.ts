import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Peers } from '../../../admin/api/peers-schema.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { LONE, PEER, startFakeNode } from '../fake-node.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()

const seed: Peers['peers'][number] = {
  id: PEER,
  role: 'seed',
  version: '0.1.0',
  addresses: ['/ip4/10.0.0.1/tcp/7471'],
  blobs: ['10.0.0.1:7472'],
  connected: true,
  lastSeen: 0,
  latency: 0.5,
  bytesIn: 0,
  bytesOut: 0,
  quarantine: null,
  inventory: null,
  ledgerDiffersSince: null,
  zone: null,
  budget: null,
  ticket: null,
  notAfter: Date.now() + 100 * 86_400_000,
}

test('members are shown by the node on the data folder, to whom its token is shown', async () => {
  const home = folders.create('home')
  const data = folders.create('data')
  const node = await startFakeNode(data)
  node.peers = [seed]
  const { code, stdout, stderr } = await runWarren(['peers', '--data', data], { home })
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout.split('\n')[1]).toMatch(new RegExp(`^${PEER.slice(-8)} +seed +connected +10\\.0\\.0\\.1:7472 `))
  const json = await runWarren(['peers', '--json', '--data', data], { home, env: { WARREN_TOKEN: 'of another node' } })
  expect(JSON.parse(json.stdout)).toEqual({ peers: [seed], next: null })
})

test('where there are none it says why', async () => {
  const data = folders.create('data')
  const node = await startFakeNode(data)
  node.mesh = { ...LONE, state: 'joining', trouble: 'nobody answers' }
  const { code, stdout } = await runWarren(['peers', '--data', data], { home: folders.create() })
  expect([code, stdout]).toEqual([0, 'No other member is known yet: nobody answers.\n'])
})

test('a node elsewhere is shown the token of the environment, and never that of the data folder', async () => {
  const home = folders.create('home')
  const node = await startFakeNode(folders.create('data'))
  const [right, wrong] = [join(home, 'token'), 'x'.repeat(43)]
  writeFileSync(right, `${node.token.value}\n`)
  const ask = (env: Record<string, string>) => runWarren(['peers', '--node', node.admin], { home, env })
  for (const env of [{ WARREN_TOKEN: node.token.value }, { WARREN_TOKEN_FILE: right }])
    expect(await ask(env)).toMatchObject({ code: 0, stderr: '' })
  const advice = 'set WARREN_TOKEN to what stands in node.token in its data folder\n'
  const refused = await ask({ WARREN_TOKEN: wrong })
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: `warren: ${node.admin} has another node token: ${advice}` })
  const own = folders.create('own')
  await startFakeNode(own)
  expect(await ask({ WARREN_DATA: own })).toMatchObject({
    code: 1,
    stderr: `warren: ${node.admin} wants its node token: ${advice}`,
  })
})

test.for([
  [{ WARREN_TOKEN: 'x', WARREN_TOKEN_FILE: '/x' }, 'WARREN_TOKEN_FILE: WARREN_TOKEN is set as well; set one of the two'],
  [{ WARREN_TOKEN_FILE: 'x' }, 'WARREN_TOKEN_FILE: "x" must be an absolute path'],
  [
    { WARREN_TOKEN_FILE: '/nowhere/x' },
    "WARREN_TOKEN_FILE (/nowhere/x): cannot be read: ENOENT: no such file or directory, open '/nowhere/x'",
  ],
] as const)('%j is wrong usage', async ([env, message]) => {
  const { code, stdout, stderr } = await runWarren(['peers', '--node', 'http://127.0.0.1:1'], { home: folders.create(), env })
  expect([code, stdout, stderr]).toEqual([2, '', `warren: ${message}\n`])
})

test('no node is told as for the status', async () => {
  const data = folders.create('data')
  await startFakeNode(data)
  rmSync(join(data, 'node.json'))
  const { code, stderr } = await runWarren(['peers', '--data', data], { home: folders.create() })
  expect(code).toBe(3)
  expect(stderr).toContain(`no node runs on ${data};`)
})
