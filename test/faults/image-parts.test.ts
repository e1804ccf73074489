import { expect, it } from 'vitest'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage, makeMultiArch } from '../harness/oci-images.ts'
import { blobsOf, manifestsOf } from '../harness/oci-types.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { ask, startHub, startImageNode } from './image-node.ts'

const MINUTE = 60_000

useLeakCheck()
const temp = useTempFolders()

it('a client may ask for what a manifest names the moment it has it, with upstream gone', async () => {
  const hub = await startHub()
  const index = await makeMultiArch()
  hub.publish('library/x', 'latest', index)
  const init = { upstream: hub.origin, mirrors: imageMirrors({ 'docker.io': hub }) }
  const mesh = await TestMesh.create(temp, init)
  const clock = new ShiftedClock()
  const other = await mesh.join({ ...init, overrides: { clock } })
  const at = (url: string, rest: string) => `${url}/v2/library/x/${rest}`
  for (const { descriptor } of manifestsOf(index)) await ask(at(mesh.seed.url, `manifests/${descriptor.digest}`))
  for (const { descriptor } of blobsOf(index)) await ask(at(mesh.seed.url, `blobs/${descriptor.digest}`))
  await storeAtRest(mesh.seed)
  await ask(at(other.url, 'manifests/latest'))
  await storeAtRest(other)
  await hub.gone()
  // Long enough that upstream does not count as there.
  clock.pass(MINUTE)
  for (const image of index.manifests) {
    const manifest = await ask(at(other.url, `manifests/${image.descriptor.digest}`))
    expect([manifest.status, manifest.body.equals(image.bytes)]).toEqual([200, true])
    const replies = await Promise.all(image.blobs.map(({ descriptor }) => ask(at(other.url, `blobs/${descriptor.digest}`))))
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
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
        statuses.push((await ask(`${node.url}/v2/library/x/manifests/${reference}`, { method })).status)
    }
    return statuses
  }
  expect(new Set(await pull())).toEqual(new Set([200]))
  for (const { descriptor } of held) await ask(`${node.url}/v2/library/x/blobs/${descriptor.digest}`)
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
  expect((await ask(`${node.url}/v2/library/x/blobs/${missing.descriptor.digest}`)).status).toBe(200)
  await storeAtRest(node)
  await hub.gone()
  clock.pass(MINUTE)
  expect(new Set(await pull())).toEqual(new Set([200]))
})

it('a manifest that a member has without its layers is not served while these are not to be had', async () => {
  const hub = await startHub()
  const index = await makeMultiArch()
  hub.publish('library/x', 'latest', index)
  const init = { upstream: hub.origin, mirrors: imageMirrors({ 'docker.io': hub }) }
  const mesh = await TestMesh.create(temp, init)
  const clock = new ShiftedClock()
  const other = await mesh.join({ ...init, overrides: { clock } })
  const manifests = manifestsOf(index).map(({ descriptor }) => `/v2/library/x/manifests/${descriptor.digest}`)
  for (const path of manifests) await ask(mesh.seed.url + path)
  await ask(`${other.url}/v2/library/x/manifests/latest`)
  await Promise.all([mesh.seed, other].map(storeAtRest))
  await hub.gone()
  // Long enough that upstream does not count as there.
  clock.pass(MINUTE)
  for (const path of manifests) expect([path, (await ask(other.url + path)).status]).toEqual([path, 503])
})

it('nobody is asked whether the repository has what its manifest has just named', async () => {
  const hub = await startHub()
  const image = await makeImage()
  hub.publish('library/x', 'latest', image)
  const init = { upstream: hub.origin, mirrors: imageMirrors({ 'docker.io': hub }) }
  const mesh = await TestMesh.create(temp, init)
  await mesh.join(init)
  const at = (rest: string) => `${mesh.seed.url}/v2/library/x/${rest}`
  expect((await ask(at('manifests/latest'))).status).toBe(200)
  const replies = await Promise.all(image.blobs.map(({ descriptor }) => ask(at(`blobs/${descriptor.digest}`))))
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
  expect(hub.tally.kind('HEAD blob').requests).toBe(0)
})
