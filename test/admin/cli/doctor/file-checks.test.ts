import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkDataFolder } from '../../../../admin/cli/doctor/checks/data-folder.ts'
import { checkPorts } from '../../../../admin/cli/doctor/checks/ports.ts'
import { checkSecrets } from '../../../../admin/cli/doctor/checks/secrets.ts'
import { checkSettings } from '../../../../admin/cli/doctor/checks/settings.ts'
import type { Scene } from '../../../../admin/cli/doctor/scene.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { firstOf } from '../../../harness/wait.ts'
import { WELL } from '../../fake-node.ts'
import { type SceneInit, scene, status, told } from './scene.ts'

const temp = useTempFolders()
const me = process.geteuid?.() ?? 0
const mine = { process: { ...WELL.process, user: { id: me, name: 'me' } } }

/** A scene whose data folder is a temporary one. */
function withData(more = '', init: Omit<SceneInit, 'settings'> = {}): { data: string; of: () => Scene; file: string } {
  const folder = temp.create()
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  const settings = { folder, text: `data: ${data}\nstore: { minFree: 1B }\n${more}` }
  return { data, file: join(folder, 'config.yaml'), of: () => scene({ examination: mine, ...init, settings }) }
}

test('a data folder that is nobody else’s is well, with the room on its disk', () => {
  const { data, of } = withData()
  expect(told(checkDataFolder(of()))).toEqual([
    `ok: ${data} is nobody else's`,
    expect.stringMatching(/^ok: .* free on its disk; below 1 B nothing more is stored/),
  ])
})

test.for([
  [0o777, 'wrong: others may change'],
  [0o720, 'wrong: others may change'],
  [0o755, 'note: others may read'],
] as const)('one of mode %o is: %s', ([mode, said]) => {
  const { data, of } = withData()
  mkdirSync(join(data, 'store'))
  chmodSync(join(data, 'store'), 0o755)
  chmodSync(data, mode)
  expect(told(checkDataFolder(of()))[0]).toContain(said)
})

test('one that others may look into is well while they may not read what it keeps', () => {
  const { data, of } = withData()
  mkdirSync(join(data, 'store'), { mode: 0o700 })
  chmodSync(data, 0o755)
  expect(told(checkDataFolder(of()))[0]).toBe(`ok: nobody else may change ${data}, or read what it keeps`)
})

test('one of another user than the node is wrong', () => {
  const examination = { process: { ...WELL.process, user: { id: me + 1, name: 'other' } } }
  const { data, of } = withData('', { examination })
  expect(told(checkDataFolder(of()))[0]).toBe(
    `wrong: ${data} belongs to user ${me}, and the node runs as user ${me + 1} → chown -R ${me + 1} ${data}`,
  )
})

test('one that is not there yet is noted', () => {
  const { of } = withData()
  const there = of()
  const settings = there.local?.settings
  if (!settings) throw new Error('there are settings')
  const gone = {
    ...there,
    local: { trouble: undefined, settings: { ...settings, config: { ...settings.config, data: '/nowhere/x' } } },
  }
  expect(told(checkDataFolder(gone))).toEqual([expect.stringContaining('note: /nowhere/x is not there yet')])
})

test('a disk that is too full is wrong, as the node says it and as the disk does', () => {
  const full = status({ store: { storing: false, shortage: 'disk' } })
  const { of } = withData('', { node: { status: full } })
  expect(told(checkDataFolder(of()))[1]).toContain(
    'wrong: nothing more is stored: the disk is fuller than store.minFree allows',
  )
  const settings = { folder: temp.create(), text: `data: ${temp.create('data')}\nstore: { minFree: 99.9% }` }
  expect(told(checkDataFolder(scene({ settings, node: false }))).at(-1)).toMatch(/^wrong: .* free on its disk/)
})

test('secrets that lie open are wrong', () => {
  const { data, of } = withData()
  expect(checkSecrets(of())).toEqual([])
  writeFileSync(join(data, 'node.token'), 'x', { mode: 0o600 })
  mkdirSync(join(data, 'mesh'))
  writeFileSync(join(data, 'mesh/admin.key'), 'x', { mode: 0o600 })
  expect(told(checkSecrets(of()))).toEqual(['ok: node.token, mesh/admin.key: for the user of the node only'])
  chmodSync(join(data, 'node.token'), 0o640)
  symlinkSync(join(data, 'node.token'), join(data, 'node.key'))
  expect(told(checkSecrets(of()))).toEqual([
    expect.stringContaining(`wrong: ${join(data, 'node.token')} is open to other users → chmod 600`),
    expect.stringContaining(`wrong: ${join(data, 'node.key')} is a symbolic link`),
  ])
})

test.for([
  ['credentials: { a.test: { username: a, password: hunter2 } }', 0o644, 1],
  ['credentials:\n  a.test:\n    token: hunter2', 0o604, 1],
  ['credentials:\n  a.test:\n    token: hunter2', 0o600, 0],
  ['log: { level: info }', 0o644, 0],
] as const)('settings with «%s» of mode %o: %i things are wrong, and none of them tells the secret', ([text, mode, count]) => {
  const { file, of } = withData(text)
  const there = of()
  chmodSync(file, mode)
  const found = told(checkSecrets(there))
  expect(found.filter((one) => one.startsWith('wrong'))).toHaveLength(count)
  expect(found.join()).not.toContain('hunter2')
})

test('settings that cannot be read are wrong, line by line', () => {
  const local = { settings: undefined, trouble: 'a:1: no such key\na:2: no number' }
  expect(told(checkSettings({ ...scene(), local }))).toEqual([
    expect.stringContaining('wrong: a:1: no such key'),
    expect.stringContaining('wrong: a:2: no number'),
  ])
  expect(checkSettings(scene())).toEqual([])
})

async function listener(): Promise<number> {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await firstOf(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as { port: number }).port
}

test('a port that answers is well; without a node somebody else has it', async () => {
  const port = await listener()
  const node = { ...status().node, listen: [`http://127.0.0.1:${port}`] }
  const { of } = withData(`listen: ["127.0.0.1:${port}"]`, { node: { status: { ...status(), node } } })
  expect(told(await checkPorts(of()))).toEqual([`ok: mirrors at 127.0.0.1:${port}`])
  const without = withData(`listen: ["127.0.0.1:${port}"]`, { node: false })
  expect(told(await checkPorts(without.of()))).toEqual([
    expect.stringContaining(`wrong: 127.0.0.1:${port} is taken by something else`),
  ])
})

test('a port that does not answer is wrong, and none that should be free without a node', async () => {
  const node = { ...status().node, listen: ['http://127.0.0.1:1'] }
  const { of } = withData('', { node: { status: { ...status(), node } } })
  expect(told(await checkPorts(of()))).toEqual([expect.stringContaining('wrong: nothing answers at 127.0.0.1:1')])
  expect(await checkPorts(withData('listen: ["127.0.0.1:1"]', { node: false }).of())).toEqual([])
})

test('who lets other machines at logins, or at the admin API, hears of it', async () => {
  const port = await listener()
  const text = `listen: ["0.0.0.0:${port}"]\nadmin: { listen: "0.0.0.0:${port}" }\ncredentials: { a.test: { token: x } }`
  const node = { ...status().node, listen: [`http://0.0.0.0:${port}`] }
  const found = told(await checkPorts(withData(text, { node: { status: { ...status(), node } } }).of()))
  expect(found).toEqual([
    `ok: mirrors at 0.0.0.0:${port}`,
    expect.stringContaining('note: others than this machine reach its mirrors'),
    expect.stringContaining(`note: the admin API is at 0.0.0.0:${port}`),
  ])
})
