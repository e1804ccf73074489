import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { get } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { startNodeProcess } from './node.ts'
import { useTempFolders } from './temp.ts'

useLeakCheck()
const temp = useTempFolders()
const entry = fileURLToPath(new URL('child/stand-in-node.ts', import.meta.url))

test('a node process is started with its own data, configuration and environment, and stops when told', async () => {
  const data = temp.path('data')
  const config = { store: { minFree: '1%' } }
  const node = await startNodeProcess({ entry, data, config, env: { WARREN_TEST_MOOD: 'good' } })
  expect(node.output).toContain('up --listen 127.0.0.1:0 in good mood')
  const file = (await get(`${node.url}/config`)).body.toString()
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(config)
  expect(node.running).toBe(true)
  await node.stop()
  expect(node.exitCode).toBe(0)
  await expect(get(`${node.url}/`)).rejects.toThrow('ECONNREFUSED')
})

test('a killed node can be started again on the same data, past the old notice of where it served', async () => {
  const data = temp.path('data')
  const first = await startNodeProcess({ entry, data })
  await first.kill()
  expect(first.running).toBe(false)
  const second = await startNodeProcess({ entry, data })
  expect(second.pid).not.toBe(first.pid)
  expect((await get(`${second.url}/`)).status).toBe(200)
  await second.stop()
})

test('a node that ends instead of serving is reported with what it said', async () => {
  const failing = startNodeProcess({ entry, data: temp.path('data'), args: ['--behave', 'die'] })
  await expect(failing).rejects.toThrow(/the node ended with 3:[\s\S]*the data folder is in use/)
})

test('a node that never serves is given up and killed', async () => {
  const data = temp.create('data')
  writeFileSync(
    join(data, 'node.json'),
    JSON.stringify({ pid: 1, listen: ['http://127.0.0.1:1/'], admin: 'http://127.0.0.1:1/' }),
  )
  const silent = startNodeProcess({ entry, data, args: ['--behave', 'silent'], readyLimitMs: 1500 })
  await expect(silent).rejects.toThrow(/gave up .* until the node serves:[\s\S]*up --listen/)
})

test.runIf(process.platform === 'linux')('memory and CPU time of a node can be read', async () => {
  const node = await startNodeProcess({ entry, data: temp.path('data') })
  expect(node.rss()).toBeGreaterThan(10 << 20)
  expect(node.cpuSeconds()).toBeGreaterThan(0)
  await node.stop()
  expect(node.rss()).toBeUndefined()
  expect(node.cpuSeconds()).toBeUndefined()
})
