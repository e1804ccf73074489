import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage, makeMultiArch } from '../harness/oci-images.ts'
import { blobsOf, MEDIA_TYPES } from '../harness/oci-types.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { ask, problem, startHub, startImageNode } from './image-node.ts'

const CLIENTS = 50
const HOUR = 3_600_000
const MOST_MANIFEST = 4 << 20

useLeakCheck()
const temp = useTempFolders()

describe('a tag', () => {
  it('of one registry is not mixed up with the same name and tag of another', async () => {
    const hubs = { 'docker.io': await startHub(), 'quay.io': await startHub() }
    const images = { 'docker.io': await makeImage({ seed: 1 }), 'quay.io': await makeImage({ seed: 2 }) }
    const registries = ['docker.io', 'quay.io'] as const
    for (const registry of registries) hubs[registry].publish('library/x', 'latest', images[registry])
    const node = await startImageNode({ data: temp.create('node'), hubs })
    for (const round of ['cold', 'warm']) {
      for (const registry of registries) {
        const reply = await ask(`${node.url}/v2/library/x/manifests/latest?ns=${registry}`)
        expect([round, reply.status, reply.body.equals(images[registry].bytes)]).toEqual([round, 200, true])
        expect(reply.headers['oci-namespace']).toBe(registry)
        const other = images[registry === 'docker.io' ? 'quay.io' : 'docker.io'].descriptor.digest
        const mixed = await ask(`${node.url}/v2/library/x/manifests/${other}?ns=${registry}`)
        expect(problem(mixed)).toEqual([404, 'MANIFEST_UNKNOWN'])
      }
      await storeAtRest(node)
    }
  })

  it('is an index to one client and an image to another that knows no index', async () => {
    const hub = await startHub()
    const index = await makeMultiArch({ form: 'docker' })
    const [image] = index.manifests
    if (!image) throw new Error('an index without images')
    hub.publish('library/x', 'latest', index)
    const clock = new ShiftedClock()
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, clock })
    const url = `${node.url}/v2/library/x/manifests/latest`
    const both = `${MEDIA_TYPES.docker.manifest}, ${MEDIA_TYPES.docker.index}`
    const wishes = [
      { accept: both, answer: index },
      { accept: MEDIA_TYPES.docker.manifest, answer: image },
      { accept: both, answer: index },
    ]
    for (const method of ['GET', 'HEAD']) {
      for (const { accept, answer } of wishes) {
        const reply = await ask(url, { method, headers: { accept } })
        expect([reply.status, reply.headers['content-type']]).toEqual([200, answer.descriptor.mediaType])
        expect(reply.headers['docker-content-digest']).toBe(answer.descriptor.digest)
        expect(reply.headers['content-length']).toBe(`${answer.bytes.length}`)
        expect(reply.headers.vary?.toLowerCase()).toContain('accept')
        if (method === 'GET') expect(reply.body.equals(answer.bytes)).toBe(true)
      }
    }
    for (const { descriptor } of blobsOf(index)) await ask(`${node.url}/v2/library/x/blobs/${descriptor.digest}`)
    await storeAtRest(node)
    await hub.gone()
    clock.pass(HOUR)
    for (const { accept, answer } of wishes) {
      const stale = await ask(url, { headers: { accept } })
      expect([stale.status, stale.body.equals(answer.bytes)]).toEqual([200, true])
    }
  })

  it('that nobody has is told to a HEAD with length and digest, which costs no pull', async () => {
    const hub = await startHub()
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    const reply = await ask(`${node.url}/v2/library/x/manifests/latest?ns=docker.io`, { method: 'HEAD' })
    expect(reply.status).toBe(200)
    expect(reply.headers).toMatchObject({
      'content-length': `${image.bytes.length}`,
      'content-type': image.descriptor.mediaType,
      'docker-content-digest': image.descriptor.digest,
      'docker-distribution-api-version': 'registry/2.0',
      'oci-namespace': 'docker.io',
      etag: `"${image.descriptor.digest}"`,
    })
    expect([hub.pulls, hub.tally.kind('GET manifest').requests]).toEqual([0, 0])
  })

  it('that nobody has costs upstream one HEAD and one GET for fifty clients at once', async () => {
    const hub = await startHub()
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    // The challenge of the first request is none of the tag.
    hub.authenticates = false
    hub.latencyMs = 100
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    const url = `${node.url}/v2/library/x/manifests/latest`
    const replies = await Promise.all(Array.from({ length: CLIENTS }, () => ask(url)))
    for (const reply of replies) expect([reply.status, reply.body.equals(image.bytes)]).toEqual([200, true])
    expect([hub.tally.kind('HEAD manifest').requests, hub.tally.kind('GET manifest').requests]).toEqual([1, 1])
  })

  it('is served with its age while upstream is away, and one that nobody knows is no «not found»', async () => {
    const hub = await startHub()
    const image = await makeImage()
    hub.publish('library/x', 'latest', image)
    const clock = new ShiftedClock()
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, clock })
    const url = `${node.url}/v2/library/x/manifests`
    await ask(`${url}/latest`)
    for (const { descriptor } of blobsOf(image)) await ask(`${node.url}/v2/library/x/blobs/${descriptor.digest}`)
    await storeAtRest(node)
    await hub.gone()
    clock.pass(HOUR)
    for (const method of ['GET', 'HEAD']) {
      const stale = await ask(`${url}/latest`, { method })
      expect([stale.status, stale.headers['docker-content-digest']]).toEqual([200, image.descriptor.digest])
      expect(Number(stale.headers.age)).toBeGreaterThanOrEqual(HOUR / 1000)
    }
    for (const unknown of ['v2', `sha256:${'0'.repeat(64)}`]) {
      expect(problem(await ask(`${url}/${unknown}`))).toEqual([503, 'UNAVAILABLE'])
    }
    expect((await ask(`${url}/v2`, { method: 'HEAD' })).status).toBe(503)
    expect(problem(await ask(`${node.url}/v2/library/x/blobs/sha256:${'0'.repeat(64)}`))).toEqual([503, 'UNAVAILABLE'])
    expect(problem(await ask(`${node.url}/v2/library/x/tags/list`))).toEqual([503, 'UNAVAILABLE'])
  })
})

describe('an image', () => {
  it('is served to a client without Accept', async () => {
    const hub = await startHub()
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    for (const round of ['cold', 'warm']) {
      const reply = await ask(`${node.url}/v2/library/x/manifests/latest`)
      expect([round, reply.status, reply.headers['content-type']]).toEqual([round, 200, image.descriptor.mediaType])
      expect(reply.body.equals(image.bytes)).toBe(true)
    }
  })

  it('may be named by sha512 through and through', async () => {
    const hub = await startHub()
    const image = await makeMultiArch({ algorithm: 'sha512' })
    hub.publish('library/x', 'latest', image)
    const clock = new ShiftedClock()
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, clock })
    const base = `${node.url}/v2/library/x`
    for (const round of ['cold', 'without upstream']) {
      const tag = await ask(`${base}/manifests/latest`)
      expect([round, tag.status, tag.headers['docker-content-digest']]).toEqual([round, 200, image.descriptor.digest])
      for (const { descriptor, bytes } of [image, ...image.manifests]) {
        const reply = await ask(`${base}/manifests/${descriptor.digest}`)
        expect([round, reply.status, reply.body.equals(bytes)]).toEqual([round, 200, true])
      }
      for (const { descriptor } of blobsOf(image)) {
        const reply = await ask(`${base}/blobs/${descriptor.digest}`)
        expect([round, reply.status, reply.body.length]).toEqual([round, 200, descriptor.size])
        expect(reply.headers['docker-content-digest']).toBe(descriptor.digest)
      }
      await storeAtRest(node)
      await hub.gone()
      clock.pass(HOUR)
    }
  })

  it('may have a name of 255 characters with every separator that there is', async () => {
    const hub = await startHub()
    const image = await makeImage()
    const start = 'a__b/c---d/e.f/g_h/'
    const name = start + 'x'.repeat(255 - start.length)
    hub.publish(name, 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    const reply = await ask(`${node.url}/v2/${name}/manifests/latest`)
    expect([reply.status, reply.body.equals(image.bytes)]).toEqual([200, true])
    const layer = blobsOf(image)[0]?.descriptor
    expect((await ask(`${node.url}/v2/${name}/blobs/${layer?.digest}`)).body.length).toBe(layer?.size)
    expect(problem(await ask(`${node.url}/v2/${name}x/manifests/latest`))).toEqual([400, 'NAME_INVALID'])
  })

  it('whose manifest is as large as a registry may take is served, and refused beyond that', async () => {
    const hub = await startHub()
    const empty = (await makeImage({ annotations: { pad: '' } })).bytes.length
    const [fits, exceeds] = [0, 1].map((more) => ({ pad: 'x'.repeat(MOST_MANIFEST - empty + more) }))
    const largest = await makeImage({ annotations: { ...fits } })
    const larger = await makeImage({ annotations: { ...exceeds } })
    hub.publish('library/x', 'largest', largest)
    hub.publish('library/x', 'larger', larger)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    const url = `${node.url}/v2/library/x/manifests`
    const reply = await ask(`${url}/largest`)
    expect([reply.status, reply.body.length, reply.body.equals(largest.bytes)]).toEqual([200, MOST_MANIFEST, true])
    const { blobs } = await storeAtRest(node)
    for (const reference of ['larger', larger.descriptor.digest]) {
      expect(problem(await ask(`${url}/${reference}`))).toEqual([503, 'UNAVAILABLE'])
    }
    expect((await storeAtRest(node)).blobs).toBe(blobs)
  })
})
