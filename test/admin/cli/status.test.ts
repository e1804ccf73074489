import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { statusSchema } from '../../../admin/api/status-schema.ts'
import { loadNodeToken } from '../../../node/node-token.ts'
import { type NodeProcess, startNodeProcess } from '../../harness/node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { runWarren } from './run-warren.ts'

const folders = useTempFolders()
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean()
})

async function node(args: readonly string[] = []): Promise<NodeProcess> {
  const started = await startNodeProcess({ data: folders.create('data'), args })
  cleanups.push(() => started.kill())
  return started
}

async function impostor(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the node is found by its address, by its data folder and by the configuration file', async () => {
  const started = await node()
  const home = folders.create('home')
  const file = join(home, 'warren.yaml')
  writeFileSync(file, `data: ${started.data}\n`)
  const env = { WARREN_TOKEN: loadNodeToken(started.data).value }
  for (const args of [
    ['--node', started.admin],
    ['--data', started.data],
    ['--config', file],
  ]) {
    const shown = await runWarren(['status', ...args], { home, env })
    expect(shown).toMatchObject({ code: 0, stderr: '' })
    expect(shown.stdout).toContain(`pid ${started.pid}`)
    expect(shown.stdout).toContain(`address  ${started.admin}\n`)
  }
})

test('with --json the answer of the node is written as it is', async () => {
  const started = await node()
  const { stdout, code } = await runWarren(['status', '--json', '--data', started.data], { home: folders.create() })
  expect(code).toBe(0)
  expect(statusSchema.parse(JSON.parse(stdout)).node).toMatchObject({
    pid: started.pid,
    data: started.data,
    state: 'ready',
    listen: [started.url],
  })
})

test('without its token a node tells counts, and the command what would open the rest', async () => {
  const started = await node()
  const home = folders.create()
  const { stdout, code } = await runWarren(['status', '--node', started.admin], { home })
  expect(code).toBe(0)
  expect(stdout).toContain(`pid ${started.pid}`)
  expect(stdout).not.toContain(started.data)
  expect(stdout).toContain(`For more, ${started.admin} wants its node token: set WARREN_TOKEN`)
  const got = await runWarren(['get', 'pkg:npm/x@1.0.0', '--node', started.admin], { home })
  expect([got.code, got.stderr]).toEqual([1, expect.stringMatching(/^warren: .* wants its node token: set WARREN_TOKEN .*\n$/)])
})

test('a node that is administered by a Unix socket is asked there', async () => {
  const socket = join(folders.create(), 'admin.sock')
  const started = await node(['--admin-listen', `unix:${socket}`])
  const home = folders.create('home')
  for (const args of [
    ['--node', `unix:${socket}`],
    ['--data', started.data],
  ]) {
    const { stdout, code } = await runWarren(['status', ...args], { home })
    expect(stdout).toContain(`address  unix:${socket}\n`)
    expect(code).toBe(0)
  }
})

test('no node is one line and an exit code of its own', async () => {
  const home = folders.create()
  const url = await impostor(() => {})
  for (const clean of cleanups.splice(0)) await clean()
  const { code, stdout, stderr } = await runWarren(['status', '--node', url], { home })
  expect(code).toBe(3)
  expect(stdout).toBe('')
  expect(stderr).toBe(
    `warren: no node answers at ${url}: connect ECONNREFUSED ${url.slice('http://'.length)}; start one with «warren up» («npm start» in a checkout), or name another with --node\n`,
  )
})

test('a data folder without a node is told, not the status of a node elsewhere', async () => {
  const started = await node()
  const data = folders.create('other')
  const env = { WARREN_ADMIN_LISTEN: started.admin.slice('http://'.length) }
  const { code, stdout, stderr } = await runWarren(['status', '--data', data], { home: folders.create(), env })
  expect([code, stdout]).toEqual([3, ''])
  expect(stderr).toBe(
    `warren: no node runs on ${data}; start one with «warren up» («npm start» in a checkout), or name another with --node\n`,
  )
})

test('a connection that is cut counts as no node', async () => {
  const url = await impostor((_request, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('{')
    setImmediate(() => response.destroy())
  })
  const { code, stderr } = await runWarren(['status', '--node', url], { home: folders.create() })
  expect(code).toBe(3)
  expect(stderr).toMatch(/^warren: no node answers at .*: aborted \(ECONNRESET\); .*\n$/)
})

test.for([
  ['another path layout', 404, '{}', "answers 404; is it the address of a node's admin listener (admin.listen)?"],
  ['no JSON', 200, '<html>', 'answers with something that is no JSON; is it the address of a Warren node?'],
  [
    'other JSON',
    200,
    '{"node": 7}',
    'answers with something that is no status of a Warren node; is it one of another version?',
  ],
  ['far too much', 200, `"${'x'.repeat(5 << 20)}"`, 'sends more than a node does'],
] as const)('something else that answers with %s is named', async ([, status, body, message]) => {
  const url = await impostor((_request, response) => response.writeHead(status).end(body))
  const { code, stdout, stderr } = await runWarren(['status', '--node', url], { home: folders.create() })
  expect(code).toBeGreaterThan(0)
  expect(stdout).toBe('')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stderr).toContain(message)
})

test.for(['nonsense', 'ftp://127.0.0.1/', ''])('--node %j is wrong usage', async (url) => {
  const { code, stderr } = await runWarren(['status', '--node', url], { home: folders.create() })
  expect(code).toBe(2)
  expect(stderr).toBe(
    `warren: ${JSON.stringify(url)} names no node; give a URL such as http://127.0.0.1:7470, or unix: and an absolute path\n`,
  )
})
