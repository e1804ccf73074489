import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { Buildkit, requireBuildkit } from '../harness/buildkit.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { Containerd, requireContainerd } from '../harness/containerd.ts'
import { Dockerd, requireDocker } from '../harness/dockerd.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeMultiArch } from '../harness/oci-images.ts'
import { Podman, requirePodman } from '../harness/podman.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { WideWorld } from '../harness/wide-world.ts'
import { around, machineAt } from './of-system.ts'

const TIMEOUT_MS = 240_000
const LIMIT = { timeout: TIMEOUT_MS }
/** Once it has to be built. */
const BUILT = { timeout: 2 * TIMEOUT_MS }
const HUB = 'registry-1.docker.io'
/** A mirror that a client was led to before. */
const FORMER = 'mirror.test'

useLeakCheck()
const temp = useTempFolders()

/** A node before a registry that stands in for Docker Hub and quay.io, which are the world outside, too. */
async function surroundings(context: TestContext) {
  const hub = await new ScriptedHub().start()
  onTestFinished(() => hub.stop())
  const image = await makeMultiArch({ form: 'docker' })
  for (const name of ['library/x', 'app', 'org/app']) hub.publish(name, 'v1', image)
  const world = await WideWorld.open(context, [HUB, 'quay.io', FORMER], hub.origin, temp.create('world'))
  onTestFinished(() => world[Symbol.asyncDispose]())
  const mirrors = imageMirrors({ 'docker.io': hub, 'quay.io': hub })
  const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors })
  const layers = image.manifests[0]?.blobs.flatMap((blob) => ('diffId' in blob ? [blob.diffId] : []))
  return { digest: image.descriptor.digest, layers, hub, world, node, root: temp.create('root') }
}

test('Docker pulls through the node once it is reloaded, and from Docker Hub while no node runs', LIMIT, async (context) => {
  const programs = requireDocker(context)
  const { digest, layers, world, node, root } = await surroundings(context)
  const [settings, folder] = [join(root, 'etc/docker/daemon.json'), temp.create('docker')]
  put(settings, `${JSON.stringify(Dockerd.settings(folder), null, 2)}\n`)
  const start = () => Dockerd.start(programs, settings, folder, world.env)
  let client = await start()
  onTestFinished(() => client.stop())
  await around('docker', node, machineAt(root), async () => {
    await client.reload()
    for (const reference of ['x:v1', `x@${digest}`]) expect(await client.layersOf(reference)).toEqual(layers)
    expect(world.asked).toEqual([])
    await node.node.stop()
    expect(await client.layersOf('x:v1')).toEqual(layers)
    expect(world.asked).toEqual([HUB])
  })
  await client.stop()
  client = await start()
  expect(await client.mirrors()).toEqual([])
})

test('podman pulls through the node, and as it did before while no node runs', LIMIT, async (context) => {
  const program = requirePodman(context)
  const { digest, layers, world, node, root } = await surroundings(context)
  const client = new Podman(program, root, temp.create('podman'), world.env)
  const mine = `[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "${FORMER}/org"\n`
  put(join(root, 'etc/containers/registries.conf.d/mine.conf'), mine)
  const names = ['docker.io/library/x', 'quay.io/app']
  await around('podman', node, machineAt(root), async () => {
    for (const name of names)
      for (const reference of [`${name}:v1`, `${name}@${digest}`]) expect(await client.layersOf(reference)).toEqual(layers)
    expect(world.asked).toEqual([])
    await node.node.stop()
    for (const name of names) expect(await client.layersOf(`${name}:v1`)).toEqual(layers)
    expect(world.asked).toEqual([HUB, FORMER])
  })
})

test('BuildKit builds from images of the node, and of the registries while no node runs', BUILT, async (context) => {
  const programs = await requireBuildkit(context)
  const { digest, layers, world, node, root } = await surroundings(context)
  const settings = join(root, 'etc/buildkit/buildkitd.toml')
  put(settings, '# mine\ndebug = false\n')
  const names = ['docker.io/library/x', 'quay.io/org/app']
  await around('buildkit', node, machineAt(root), async () => {
    const client = await Buildkit.start(programs, settings, temp.create('buildkit'), world.env)
    onTestFinished(() => client.stop())
    for (const name of names)
      for (const reference of [`${name}:v1`, `${name}@${digest}`]) expect(await client.layersFrom(reference)).toEqual(layers)
    expect(world.asked).toEqual([])
    await node.node.stop()
    for (const name of names) expect(await client.layersFrom(`${name}:v1`)).toEqual(layers)
    expect(world.asked).toEqual([HUB, 'quay.io'])
  })
})

test('containerd pulls through the node, and past it while no node runs', LIMIT, async (context) => {
  const programs = requireContainerd(context)
  const { digest, hub, node, root } = await surroundings(context)
  const client = await Containerd.start(programs, temp.create('containerd'))
  onTestFinished(() => client.stop())
  const names = ['docker.io/library/x', 'quay.io/org/app']
  const pull = async (reference: string) => {
    await client.pull(reference, '--hosts-dir', join(root, 'etc/containerd/certs.d'))
    expect(await client.held()).toContain(digest)
    await client.forget()
  }
  await around('containerd', node, machineAt(root), async () => {
    for (const name of names) for (const reference of [`${name}:v1`, `${name}@${digest}`]) await pull(reference)
    expect((await node.status()).requests.upstream).toBeGreaterThan(0)
    await node.node.stop()
    const { pulls } = hub
    for (const name of names) await pull(`${name}:v1`)
    // Where the node's mirror asks, which is what its file names as the registry.
    expect(hub.pulls - pulls).toBe(2 * names.length)
  })
  expect(readdirSync(root)).toEqual([])
})

test('skopeo of a user copies through the node, and from the registry while no node runs', LIMIT, async (context) => {
  const program = requireTool(context, 'skopeo')
  const { world, node, root } = await surroundings(context)
  const settings = { XDG_CONFIG_HOME: join(root, 'config') }
  // Its own home, in which it finds its settings by itself, wherever other programs are told to look.
  const home = { HOME: join(root, 'home'), XDG_RUNTIME_DIR: root, _CONTAINERS_ROOTLESS_UID: '1000' }
  const env = cleanEnv({ ...world.env, ...home, ...settings })
  const copy = async () => {
    const layout = temp.create('layout')
    const args = ['--insecure-policy', 'copy', '--preserve-digests', 'docker://quay.io/org/app:v1', `dir:${layout}`]
    expect(await run([program, ...args], { cwd: root, env, timeoutMs: TIMEOUT_MS })).toMatchObject({ code: 0 })
    expect(existsSync(join(layout, 'manifest.json'))).toBe(true)
  }
  await around('podman', node, { ...machineAt(root, 1_000), env: settings }, async () => {
    await copy()
    expect(world.asked).toEqual([])
    await node.node.stop()
    await copy()
    expect(world.asked).toEqual(['quay.io'])
  })
  expect(existsSync(join(root, 'home/.config'))).toBe(false)
})

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
