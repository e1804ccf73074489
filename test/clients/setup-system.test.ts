import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Apt } from '../harness/apt.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedDebian } from '../harness/scripted-debian.ts'
import { filesMirror, started } from '../harness/scripted-files.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { around, machineAt } from './of-system.ts'

const TIMEOUT_MS = 240_000
const LIMIT = { timeout: TIMEOUT_MS }

useLeakCheck()
const temp = useTempFolders()

test('apt', LIMIT, async (context) => {
  const program = requireTool(context, 'apt-get')
  const archive = await started(new ScriptedDebian({ inRelease: false }))
  archive.add({ name: 'one', bytes: new Random(5).bytes(10_000) })
  archive.publish()
  const mirrors = [filesMirror(archive.base)]
  const node = await startNode({ data: temp.create('node'), upstream: archive.base, mirrors })
  const [root, folder] = [temp.create('root'), temp.create('apt')]
  const apt = new Apt(program, folder, { url: archive.base, suite: 'stable' })
  // Its sources lie elsewhere than those of a system.
  mkdirSync(join(root, 'etc'))
  symlinkSync(join(folder, 'etc'), join(root, 'etc/apt'))
  const sources = join(folder, 'etc/sources.list')
  writeFileSync(sources, `# mine\n${readFileSync(sources, 'utf8')}`)
  const before = [readFileSync(sources, 'utf8'), readdirSync(join(folder, 'etc'))]
  await around('apt', node, machineAt(root), async () => {
    await apt.update()
    expect([...(await apt.download('one')).keys()]).toEqual(['one_1.0_amd64.deb'])
  })
  expect((await node.status()).requests.upstream).toBeGreaterThan(0)
  expect([readFileSync(sources, 'utf8'), readdirSync(join(folder, 'etc'))]).toEqual(before)
})
