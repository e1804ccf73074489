import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../node/body.ts'
import { randomBodies } from './bodies.ts'
import { useLeakCheck } from './leaks.ts'
import { makeArtifact, makeImage, makeIndex, makeMultiArch } from './oci-images.ts'
import { makeLayer } from './oci-layers.ts'
import { blobInLayout, digestsInLayout, writeLayout } from './oci-layout.ts'
import { type Blob, blobsOf, type Descriptor, digestsOf, type Manifest, manifestsOf } from './oci-types.ts'
import { useTempFolders } from './temp.ts'

useLeakCheck()
const temp = useTempFolders()

function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

async function expectTrue({ descriptor, open }: Blob): Promise<Buffer> {
  const bytes = await readAll(open())
  expect(bytes.length).toBe(descriptor.size)
  expect(digestOf(bytes, descriptor.digest.split(':')[0])).toBe(descriptor.digest)
  return bytes
}

function parsed({ bytes }: Manifest) {
  return JSON.parse(bytes.toString())
}

test('random bytes are the same from wherever they are read, and others for another seed', async () => {
  const open = randomBodies(5000, 3)
  const whole = await readAll(open())
  const parts: Buffer[] = []
  for (let at = 0; at < 5000; at += 7) parts.push(await open().read(at, 7, Buffer.allocUnsafe))
  expect(Buffer.concat(parts).equals(whole)).toBe(true)
  expect(whole.subarray(0, 2500).equals(whole.subarray(2500))).toBe(false)
  expect((await readAll(randomBodies(5000, 4)())).equals(whole)).toBe(false)
})

describe('layers', () => {
  test.each([true, false])('describe their bytes, and diffId the archive in them (gzip: %s)', async (gzip) => {
    const layer = await makeLayer({ bytes: 12_345, seed: 2, gzip })
    const bytes = await expectTrue(layer)
    expect(digestOf(gzip ? gunzipSync(bytes) : bytes)).toBe(layer.diffId)
    expect(layer.descriptor.mediaType).toBe(`application/vnd.oci.image.layer.v1.tar${gzip ? '+gzip' : ''}`)
    expect(await makeLayer({ bytes: 12_345, seed: 2, gzip })).toMatchObject({ descriptor: layer.descriptor })
  })

  test('may be larger than what fits in memory', async () => {
    const { descriptor } = await makeLayer({ bytes: 100 << 20 })
    expect(descriptor.size).toBeGreaterThan(100 << 20)
    expect(descriptor.mediaType).toBe('application/vnd.oci.image.layer.v1.tar')
  })
})

describe('images', () => {
  test.each(['oci', 'docker'] as const)(
    'for two platforms are listed in an index, all with true digests (%s)',
    async (form) => {
      const index = await makeMultiArch({ form })
      for (const blob of [...manifestsOf(index), ...blobsOf(index)]) await expectTrue(blob)
      const { manifests } = parsed(index)
      expect(manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
        { architecture: 'amd64', os: 'linux' },
        { architecture: 'arm64', os: 'linux' },
      ])
      expect(manifests.map(({ digest }: { digest: string }) => digest)).toEqual(index.manifests.map((m) => m.descriptor.digest))
      expect(index.descriptor.mediaType).toContain(form === 'oci' ? 'image.index.v1' : 'manifest.list.v2')
      // The index, two manifests, a configuration and two layers each, and none of them shared.
      expect(new Set(digestsOf(index)).size).toBe(9)
    },
  )

  test('name sha512 throughout when they are asked to', async () => {
    const image = await makeImage({ algorithm: 'sha512' })
    for (const blob of [image, ...image.blobs]) await expectTrue(blob)
    expect(digestsOf(image).every((digest) => /^sha512:[0-9a-f]{128}$/.test(digest))).toBe(true)
  })

  test('share a layer when they are given the same one, and differ by seed', async () => {
    const layer = await makeLayer({ bytes: 100 })
    const [one, two] = [await makeImage({ layers: [layer], seed: 1 }), await makeImage({ layers: [layer], seed: 2 })]
    expect(one.descriptor.digest).not.toBe(two.descriptor.digest)
    expect(blobsOf(makeIndex([one, two]))).toHaveLength(3)
  })

  test('are as long as their annotations', async () => {
    const { bytes } = await makeImage({ annotations: { filler: 'x'.repeat(5 << 20) } })
    expect(bytes.length).toBeGreaterThan(5 << 20)
  })

  test('have artifacts that refer to them', async () => {
    const image = await makeImage()
    const signature = makeArtifact(image, 'application/x.signature', Buffer.from('signed'))
    for (const blob of [signature, ...signature.blobs]) await expectTrue(blob)
    expect(parsed(signature).subject.digest).toBe(image.descriptor.digest)
    expect(signature.subject).toBe(image.descriptor.digest)
  })
})

test('a layout has every blob and manifest once, under its digest, and its index names the tags', async () => {
  const [one, two] = [await makeMultiArch(), await makeImage()]
  const folder = temp.path('layout')
  await writeLayout(folder, { latest: one, small: two })
  expect(digestsInLayout(folder)).toEqual([...new Set([...digestsOf(one), ...digestsOf(two)])].sort())
  for (const digest of digestsInLayout(folder)) expect(digestOf(blobInLayout(folder, digest))).toBe(digest)
  const { manifests } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'))
  const tagged = manifests.map(({ digest, annotations }: Descriptor) => [
    annotations?.['org.opencontainers.image.ref.name'],
    digest,
  ])
  expect(tagged).toEqual([
    ['latest', one.descriptor.digest],
    ['small', two.descriptor.digest],
  ])
})
