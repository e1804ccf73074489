import { expect, it } from 'vitest'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage, makeMultiArch } from '../harness/oci-images.ts'
import { blobsOf, type Manifest, manifestsOf } from '../harness/oci-types.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { ask, startHub, startImageNode } from './image-node.ts'

const MINUTE = 60_000

useLeakCheck()
const temp = useTempFolders()

/** A registry with one image under a tag, and two members of a mesh before it; only the clock of the second is moved. */
async function meshBefore(image: Manifest) {
  const hub = await startHub()
  hub.publish('library/x', 'latest', image)
  const init = { upstream: hub.origin, mirrors: imageMirrors({ 'docker.io': hub }) }
  const mesh = await TestMesh.create(temp, init)
  const clock = new ShiftedClock()
  return { hub, seed: mesh.seed, other: await mesh.join({ ...init, overrides: { clock } }), clock }
}

/** What is below the repository, at a node. */
const at = (url: string, rest: string) => `${url}/v2/library/x/${rest}`

/** Asks for all blobs of an image at once, each of which has to be there. */
async function askForBlobs(url: string, image: Manifest): Promise<void> {
  const replies = await Promise.all(image.blobs.map(({ descriptor }) => ask(at(url, `blobs/${descriptor.digest}`))))
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
}

it('a client may ask for what a manifest names the moment it has it, with upstream gone', async () => {
  const index = await makeMultiArch()
  const { hub, seed, other, clock } = await meshBefore(index)
  for (const { descriptor } of manifestsOf(index)) await ask(at(seed.url, `manifests/${descriptor.digest}`))
  for (const { descriptor } of blobsOf(index)) await ask(at(seed.url, `blobs/${descriptor.digest}`))
  await storeAtRest(seed)
  await ask(at(other.url, 'manifests/latest'))
  await storeAtRest(other)
  await hub.gone()
  // Long enough that upstream does not count as there.
  clock.pass(MINUTE)
  for (const image of index.manifests) {
    const manifest = await ask(at(other.url, `manifests/${image.descriptor.digest}`))
    expect([manifest.status, manifest.body.equals(image.bytes)]).toEqual([200, true])
    await askForBlobs(other.url, image)
  }
})

it('a manifest of which one layer is neither here nor to be had is not served until somebody has that', async () => {
  const hub = await startHub()
  const index = await makeMultiArch()
  const [image] = index.manifests
  const [missing, ...held] = image?.blobs ?? []
  if (!image || !missing) throw new Error('an image without blobs')
  hub.publish('library/x', 'latest', index)
  const clock = new ShiftedClock()
  const init = { data: temp.create('node'), hubs: { 'docker.io': hub }, clock }
  let node = await startImageNode(init)
  const pull = async () => {
    const statuses = []
    for (const reference of ['latest', index.descriptor.digest, image.descriptor.digest]) {
      for (const method of ['HEAD', 'GET'])
        statuses.push((await ask(at(node.url, `manifests/${reference}`), { method })).status)
    }
    return statuses
  }
  expect(new Set(await pull())).toEqual(new Set([200]))
  for (const { descriptor } of held) await ask(at(node.url, `blobs/${descriptor.digest}`))
  await storeAtRest(node)
  await hub.gone()
  clock.pass(MINUTE)
  expect(new Set(await pull())).toEqual(new Set([503]))
  // Nor by a node that has been started anew.
  await node.node.stop()
  node = await startImageNode(init)
  expect(new Set(await pull())).toEqual(new Set([503]))
  await hub.back()
  clock.pass(MINUTE)
  expect(new Set(await pull())).toEqual(new Set([200]))
  expect((await ask(at(node.url, `blobs/${missing.descriptor.digest}`))).status).toBe(200)
  await storeAtRest(node)
  await hub.gone()
  clock.pass(MINUTE)
  expect(new Set(await pull())).toEqual(new Set([200]))
})

it('a manifest that a member has without its layers is not served while these are not to be had', async () => {
  const index = await makeMultiArch()
  const { hub, seed, other, clock } = await meshBefore(index)
  const manifests = manifestsOf(index).map(({ descriptor }) => `manifests/${descriptor.digest}`)
  for (const path of manifests) await ask(at(seed.url, path))
  await ask(at(other.url, 'manifests/latest'))
  await Promise.all([seed, other].map(storeAtRest))
  await hub.gone()
  // Long enough that upstream does not count as there.
  clock.pass(MINUTE)
  for (const path of manifests) expect([path, (await ask(at(other.url, path))).status]).toEqual([path, 503])
})

it('nobody is asked whether the repository has what its manifest has just named', async () => {
  const image = await makeImage()
  const { hub, seed } = await meshBefore(image)
  expect((await ask(at(seed.url, 'manifests/latest'))).status).toBe(200)
  await askForBlobs(seed.url, image)
  expect(hub.tally.kind('HEAD blob').requests).toBe(0)
})
