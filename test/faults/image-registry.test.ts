import { describe, expect, it, onTestFinished } from 'vitest'
import { pushImage, startDockerRegistry } from '../harness/docker-registry.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeMultiArch } from '../harness/oci-images.ts'
import { blobsOf, type Form, MEDIA_TYPES, manifestsOf } from '../harness/oci-types.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { ask, problem, startImageNode } from './image-node.ts'

const FORMS: readonly Form[] = ['oci', 'docker']
const HOUR = 3_600_000

useLeakCheck()
const temp = useTempFolders()

describe("Debian's registry as upstream", () => {
  for (const form of FORMS) {
    it(`gives an image with the media types of ${form} by tag and digest, which is served with it stopped`, async (context) => {
      const registry = await startDockerRegistry(requireTool(context, 'docker-registry'), temp.create('registry'))
      onTestFinished(() => registry.stop())
      const index = await makeMultiArch({ form })
      await pushImage(registry.url, 'org/app', 'v1', index)
      const clock = new ShiftedClock()
      const hubs = { 'quay.io': { origin: registry.url } }
      const node = await startImageNode({ data: temp.create('node'), hubs, clock })
      const base = `${node.url}/v2/quay.io/org/app`
      const accept = manifestsOf(index)
        .map(({ descriptor }) => descriptor.mediaType)
        .join(', ')
      for (const round of ['running', 'stopped']) {
        const references = ['v1', ...manifestsOf(index).map(({ descriptor }) => descriptor.digest)]
        for (const reference of references) {
          const right = manifestsOf(index).find(({ descriptor }) => descriptor.digest === reference) ?? index
          for (const method of ['HEAD', 'GET']) {
            const reply = await ask(`${base}/manifests/${reference}`, { method, headers: { accept } })
            expect([round, reference, method, reply.status]).toEqual([round, reference, method, 200])
            expect(reply.headers).toMatchObject({
              'content-type': right.descriptor.mediaType,
              'content-length': `${right.bytes.length}`,
              'docker-content-digest': right.descriptor.digest,
            })
            if (method === 'GET') expect(reply.body.equals(right.bytes)).toBe(true)
          }
        }
        for (const { descriptor } of blobsOf(index)) {
          const reply = await ask(`${base}/blobs/${descriptor.digest}`)
          expect([round, reply.status, reply.body.length]).toEqual([round, 200, descriptor.size])
        }
        const tags = await ask(`${base}/tags/list`)
        expect(JSON.parse(tags.body.toString())).toEqual({ name: 'org/app', tags: ['v1'] })
        await storeAtRest(node)
        await registry.stop()
        clock.pass(HOUR)
      }
    })
  }

  it('is asked for everything by a client that says nothing of what it takes, and for images by one that knows no index', async (context) => {
    const registry = await startDockerRegistry(requireTool(context, 'docker-registry'), temp.create('registry'))
    onTestFinished(() => registry.stop())
    const [oci, docker] = [await makeMultiArch(), await makeMultiArch({ form: 'docker', seed: 2 })]
    await pushImage(registry.url, 'org/app', 'oci', oci)
    await pushImage(registry.url, 'org/app', 'docker', docker)
    const clock = new ShiftedClock()
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'quay.io': { origin: registry.url } }, clock })
    const base = `${node.url}/v2/quay.io/org/app`
    for (const round of ['running', 'stopped']) {
      for (const [tag, accept, right] of [
        ['oci', undefined, oci],
        ['docker', undefined, docker],
        ['docker', MEDIA_TYPES.docker.manifest, docker.manifests[0]],
        ['docker', MEDIA_TYPES.docker.index, docker],
      ] as const) {
        const reply = await ask(`${base}/manifests/${tag}`, accept === undefined ? {} : { headers: { accept } })
        expect([round, tag, accept, reply.status]).toEqual([round, tag, accept, 200])
        expect(reply.headers['docker-content-digest']).toBe(right?.descriptor.digest)
        expect(reply.headers['content-type']).toBe(right?.descriptor.mediaType)
        expect(reply.body.toString()).toBe(right?.bytes.toString())
      }
      for (const { descriptor } of [...blobsOf(oci), ...blobsOf(docker)]) await ask(`${base}/blobs/${descriptor.digest}`)
      for (const { descriptor } of [...manifestsOf(oci), ...manifestsOf(docker)])
        await ask(`${base}/manifests/${descriptor.digest}`)
      await storeAtRest(node)
      await registry.stop()
      clock.pass(HOUR)
    }
  })

  it('says what it does not have', async (context) => {
    const registry = await startDockerRegistry(requireTool(context, 'docker-registry'), temp.create('registry'))
    onTestFinished(() => registry.stop())
    await pushImage(registry.url, 'org/app', 'v1', await makeMultiArch())
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'quay.io': { origin: registry.url } } })
    const absent = `sha256:${'0'.repeat(64)}`
    for (const [rest, code] of [
      ['org/app/manifests/v2', 'MANIFEST_UNKNOWN'],
      [`org/app/manifests/${absent}`, 'MANIFEST_UNKNOWN'],
      [`org/app/blobs/${absent}`, 'BLOB_UNKNOWN'],
      ['org/absent/tags/list', 'NAME_UNKNOWN'],
    ]) {
      expect([rest, ...problem(await ask(`${node.url}/v2/quay.io/${rest}`))]).toEqual([rest, 404, code])
    }
    expect((await ask(`${node.url}/v2/quay.io/org/app/manifests/v2`, { method: 'HEAD' })).status).toBe(404)
  })
})
