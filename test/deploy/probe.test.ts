import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { startNodeProcess } from '../harness/node.ts'
import { useTempFolders } from '../harness/temp.ts'

const PROBE = fileURLToPath(new URL('../../deploy/probe.mjs', import.meta.url))

const folders = useTempFolders()

function probe(data: string | undefined, ...args: string[]): Promise<Run> {
  const env = cleanEnv(data === undefined ? {} : { WARREN_DATA: data })
  return run([process.execPath, PROBE, ...args], { cwd: '/', env, timeoutMs: 20_000 })
}

test.for(['a port', 'a socket'])('a node that serves its admin API at %s is well until it has stopped', async (place) => {
  const data = folders.create('data')
  const args = place === 'a socket' ? ['--admin-listen', `unix:${join(data, 'admin.sock')}`] : []
  const node = await startNodeProcess({ data, args })
  onTestFinished(() => node.kill())
  expect(await probe(data)).toMatchObject({ code: 0, stdout: '', stderr: '' })
  expect(await probe(data, 'healthz')).toMatchObject({ code: 0, stdout: '', stderr: '' })
  await node.kill()
  expect(await probe(data)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^warren: .*(ECONNREFUSED|ENOENT)/) })
})

test('a node that wants no work is up all the same', async () => {
  const data = folders.create('data')
  const server = createServer((request, response) => response.writeHead(request.url === '/healthz' ? 200 : 503).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  writeFileSync(join(data, 'node.json'), JSON.stringify({ admin: `http://127.0.0.1:${port}` }))
  expect(await probe(data, 'healthz')).toMatchObject({ code: 0 })
  expect(await probe(data)).toMatchObject({ code: 1, stderr: 'warren: the node answers readyz with 503\n' })
})

test('what is asked for wrongly is told', async () => {
  const data = folders.create('data')
  expect(await probe(data, 'metrics')).toMatchObject({ code: 1, stderr: expect.stringContaining('not for metrics') })
  expect(await probe(undefined)).toMatchObject({ code: 1, stderr: 'warren: WARREN_DATA does not name the data folder\n' })
  expect(await probe(data)).toMatchObject({ code: 1, stderr: expect.stringContaining('no node serves') })
})
