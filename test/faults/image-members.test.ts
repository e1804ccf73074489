import { expect, it } from 'vitest'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeMultiArch } from '../harness/oci-images.ts'
import { blobsOf, manifestsOf } from '../harness/oci-types.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { ask, startHub } from './image-node.ts'

useLeakCheck()
const temp = useTempFolders()

it('a client may ask for what a manifest names the moment it has it, with upstream gone', async () => {
  const hub = await startHub()
  const index = await makeMultiArch()
  hub.publish('library/x', 'latest', index)
  const init = { upstream: hub.origin, mirrors: imageMirrors({ 'docker.io': hub }) }
  const mesh = await TestMesh.create(temp, init)
  const other = await mesh.join(init)
  const at = (url: string, rest: string) => `${url}/v2/library/x/${rest}`
  for (const { descriptor } of manifestsOf(index)) await ask(at(mesh.seed.url, `manifests/${descriptor.digest}`))
  for (const { descriptor } of blobsOf(index)) await ask(at(mesh.seed.url, `blobs/${descriptor.digest}`))
  await storeAtRest(mesh.seed)
  await ask(at(other.url, 'manifests/latest'))
  await storeAtRest(other)
  await hub.gone()
  for (const image of index.manifests) {
    const manifest = await ask(at(other.url, `manifests/${image.descriptor.digest}`))
    expect([manifest.status, manifest.body.equals(image.bytes)]).toEqual([200, true])
    const replies = await Promise.all(image.blobs.map(({ descriptor }) => ask(at(other.url, `blobs/${descriptor.digest}`))))
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
  }
})
