import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { Containerd, requireContainerd } from '../harness/containerd.ts'
import { get } from '../harness/http.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeMultiArch } from '../harness/oci-images.ts'
import { blobsOf, digestsOf, manifestsOf } from '../harness/oci-types.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { Skopeo } from '../harness/skopeo.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { requireTool } from '../harness/tools.ts'

const TIMEOUT_MS = 240_000
const REFERENCE = 'docker.io/library/x:latest'

useLeakCheck()
const temp = useTempFolders()

async function registry(): Promise<ScriptedHub> {
  const hub = await new ScriptedHub().start()
  onTestFinished(() => hub.stop())
  return hub
}

async function containerd(context: TestContext): Promise<Containerd> {
  const started = await Containerd.start(requireContainerd(context), temp.create('containerd'))
  onTestFinished(() => started.stop())
  return started
}

describe('containerd', () => {
  it('pulls a multi-arch image through a node, and again with the registry gone', { timeout: TIMEOUT_MS }, async (context) => {
    const hub = await registry()
    const image = await makeMultiArch({ form: 'docker' })
    hub.publish('library/x', 'latest', image)
    const node = await startNode({
      data: temp.create('node'),
      upstream: hub.origin,
      mirrors: imageMirrors({ 'docker.io': hub }),
    })
    const client = await containerd(context)
    client.mirror('docker.io', node.url)
    await client.pull(REFERENCE, '--all-platforms')
    expect(await client.held()).toEqual(digestsOf(image))
    expect(hub.pulls).toBe(3)
    expect(hub.tally.kind('GET blob').requests).toBe(blobsOf(image).length)
    await storeAtRest(node)
    await client.forget()
    await hub.gone()
    await client.pull(REFERENCE, '--all-platforms')
    expect(await client.held()).toEqual(digestsOf(image))
  })

  it('asks by every path that a hosts.toml may have', { timeout: TIMEOUT_MS }, async (context) => {
    const hub = await registry()
    const quay = await registry()
    const image = await makeMultiArch()
    const other = await makeMultiArch({ seed: 2 })
    hub.publish('library/x', 'latest', image)
    quay.publish('library/x', 'latest', other)
    const mirrors = imageMirrors({ 'docker.io': hub, 'quay.io': quay })
    const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors })
    const client = await containerd(context)
    for (const url of [node.url, `${node.url}/v2`, `${node.url}/docker.io`, `${node.url}/v2/docker.io`]) {
      client.mirror('docker.io', url, { overridePath: url.includes('/v2') })
      await client.pull(REFERENCE)
      expect(await client.text(image.descriptor.digest)).toBe(image.bytes.toString())
      await client.forget()
    }
    client.unmirror('docker.io')
    client.mirror('_default', node.url)
    await client.pull('quay.io/library/x:latest')
    expect(await client.held()).toContain(other.descriptor.digest)
    const unknown = await client.tryPull('ghcr.io/library/x:latest')
    expect(unknown.code).not.toBe(0)
  })
})

describe('a second node that joined by a ticket', () => {
  it('has every blob from the first, and asks upstream for tags alone', { timeout: TIMEOUT_MS }, async (context) => {
    const hub = await registry()
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    const init = { upstream: hub.origin, mirrors: imageMirrors({ 'docker.io': hub }) }
    const mesh = await TestMesh.create(temp, init)
    const second = await mesh.join(init)
    const client = await containerd(context)
    client.mirror('docker.io', mesh.seed.url)
    await client.pull(REFERENCE, '--all-platforms')
    await storeAtRest(mesh.seed)
    await client.forget()
    hub.cdn.tally.reset()
    const { pulls } = hub
    // Whoever is asked first has more than enough time.
    hub.latencyMs = 1_500
    client.mirror('docker.io', second.url)
    await client.pull(REFERENCE, '--all-platforms')
    expect(await client.held()).toEqual(digestsOf(image))
    expect([hub.pulls - pulls, hub.cdn.tally.kind('GET blob').requests]).toEqual([0, 0])
    const { requests } = await second.status()
    expect(requests.seed).toBeGreaterThanOrEqual(blobsOf(image).length)
  })
})

describe('skopeo', () => {
  it('copies by the mirrors of registries.conf, once more with the registries gone', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const [quay, gcr] = [await registry(), await registry()]
    const images = { 'quay.io': await makeMultiArch({ seed: 3 }), 'gcr.io': await makeMultiArch({ seed: 4, form: 'docker' }) }
    quay.publish('org/app', 'v1', images['quay.io'])
    gcr.publish('org/app', 'v1', images['gcr.io'])
    const mirrors = imageMirrors({ 'quay.io': quay, 'gcr.io': gcr })
    const node = await startNode({ data: temp.create('node'), upstream: quay.origin, mirrors })
    const { host } = new URL(node.url)
    const client = new Skopeo(requireTool(context, 'skopeo'), temp.create('skopeo'), {
      'quay.io': `${host}/quay.io`,
      'gcr.io': `${host}/gcr.io`,
    })
    for (const round of ['first', 'second']) {
      for (const [name, image] of Object.entries(images)) {
        const layout = temp.create(`${round}-${name}`)
        await client.copy(`docker://${name}/org/app:v1`, `dir:${layout}`, '--all', '--preserve-digests')
        // It calls blobs by their digests, and manifests of images by theirs.
        const files = readdirSync(layout)
        for (const digest of digestsOf(image).filter((one) => one !== image.descriptor.digest))
          expect(files.some((file) => file.startsWith(digest.slice('sha256:'.length)))).toBe(true)
        expect(readFileSync(join(layout, 'manifest.json')).equals(image.bytes)).toBe(true)
      }
      await storeAtRest(node)
      await quay.gone()
      await gcr.gone()
    }
    expect([quay.pulls, gcr.pulls]).toEqual([3, 3])
  })

  it('is not given a manifest whose layers are neither here nor to be had', async () => {
    const hub = await registry()
    const image = await makeMultiArch()
    hub.publish('org/app', 'v1', image)
    const clock = new ShiftedClock()
    const mirrors = imageMirrors({ 'quay.io': hub })
    const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors, overrides: { clock } })
    for (const { descriptor } of manifestsOf(image)) {
      const reply = await get(`${node.url}/v2/quay.io/org/app/manifests/${descriptor.digest}`)
      expect([reply.status, reply.headers['content-type']]).toEqual([200, descriptor.mediaType])
    }
    await hub.gone()
    clock.shift = 60_000
    // The node has the manifests and no layer: an answer would bind the client to it.
    for (const reference of ['v1', image.descriptor.digest]) {
      const reply = await get(`${node.url}/v2/quay.io/org/app/manifests/${reference}`)
      expect(reply.status).toBe(503)
      expect(JSON.parse(reply.body.toString())).toMatchObject({ errors: [{ code: 'UNAVAILABLE' }] })
    }
  })
})
