import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { clientNamed } from '../../admin/cli/setup/clients.ts'
import { setUp, takeBack } from '../../admin/cli/setup/set-up.ts'
import { Apt } from '../harness/apt.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { Containerd, requireContainerd } from '../harness/containerd.ts'
import { NOTHING_OUTSIDE } from '../harness/dead-end.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import { digestsOf } from '../harness/oci-types.ts'
import { Random } from '../harness/random.ts'
import { ScriptedDebian } from '../harness/scripted-debian.ts'
import { filesMirror, started } from '../harness/scripted-files.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { type StartedNode, startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'

const TIMEOUT_MS = 240_000
const LIMIT = { timeout: TIMEOUT_MS }

useLeakCheck()
const temp = useTempFolders()

/** Whose settings they are: of the system, as root, in a folder that stands for `/`; or of a user. */
function machineAt(root: string, user = 0) {
  return { env: {}, root, home: join(root, 'home'), folder: root, user, has: () => true }
}

/** Sets a client up, does what is to be done with it, and takes the set-up back. */
async function around(client: string, node: StartedNode, machine: ReturnType<typeof machineAt>, act: () => Promise<void>) {
  const { mirrors } = await node.status()
  const own = {
    mirrors: mirrors.map((one) => ({ ...one, url: node.url + one.path })),
    listeners: [node.url],
    runs: true,
  }
  const report = await setUp(clientNamed(client), own, machine, { write: true, replace: false })
  expect(report).toMatchObject({ isDone: true, trouble: undefined })
  await act()
  expect(takeBack(clientNamed(client), machine)).toMatchObject({ isDone: true, trouble: undefined })
}

async function hubWithImage() {
  const hub = await new ScriptedHub().start()
  onTestFinished(() => hub.stop())
  const image = await makeImage()
  hub.publish('org/app', 'v1', image)
  const mirrors = imageMirrors({ 'quay.io': hub })
  return { image, node: await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors }) }
}

test('containerd', LIMIT, async (context) => {
  const programs = requireContainerd(context)
  const { image, node } = await hubWithImage()
  const root = temp.create('root')
  const client = await Containerd.start(programs, temp.create('containerd'))
  onTestFinished(() => client.stop())
  await around('containerd', node, machineAt(root), async () => {
    await client.pull('quay.io/org/app:v1', '--hosts-dir', join(root, 'etc/containerd/certs.d'))
  })
  expect(await client.held()).toEqual(digestsOf(image))
  expect((await node.status()).requests.upstream).toBeGreaterThan(0)
  expect(readdirSync(root)).toEqual([])
})

test('skopeo, as podman', LIMIT, async (context) => {
  const program = requireTool(context, 'skopeo')
  const { node } = await hubWithImage()
  const work = temp.create('skopeo')
  const machine = machineAt(work, 1_000)
  const layout = temp.create('layout')
  // Its own home, in which it finds that by itself.
  const env = { ...NOTHING_OUTSIDE, HOME: join(work, 'home'), XDG_RUNTIME_DIR: work, _CONTAINERS_ROOTLESS_UID: '1000' }
  await around('podman', node, machine, async () => {
    const copy = ['--insecure-policy', 'copy', '--preserve-digests', 'docker://quay.io/org/app:v1', `dir:${layout}`]
    const init = { cwd: work, env: cleanEnv(env), timeoutMs: TIMEOUT_MS }
    expect(await run([program, ...copy], init)).toMatchObject({ code: 0 })
  })
  expect(existsSync(join(layout, 'manifest.json'))).toBe(true)
  expect(existsSync(join(work, 'home/.config'))).toBe(false)
})

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
