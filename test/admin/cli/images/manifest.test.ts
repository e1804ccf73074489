import { expect, test } from 'vitest'
import { parseManifest, platformIn } from '../../../../admin/cli/images/manifest.ts'
import { makeImage, makeIndex, makeMultiArch } from '../../../harness/oci-images.ts'
import type { Form } from '../../../harness/oci-types.ts'

const DIGEST = `sha256:${'0a'.repeat(32)}`
const OTHER = `sha256:${'0b'.repeat(32)}`
const part = { mediaType: 'application/octet-stream', digest: DIGEST, size: 5 }

function read(document: unknown) {
  return parseManifest(Buffer.from(JSON.stringify(document)))
}

test.for<Form>(['oci', 'docker'])('an image of %s names its configuration and its layers', async (form) => {
  const image = await makeImage({ form })
  const [config, ...layers] = image.blobs.map(({ descriptor: { digest, size } }) => ({ digest, size }))
  expect(parseManifest(image.bytes)).toMatchObject({ kind: 'image', config, layers, foreign: [] })
})

test.for<Form>(['oci', 'docker'])('an index of %s lists its images with their platforms, and indexes as such', async (form) => {
  const inner = await makeMultiArch({ form })
  const platforms = (manifest: ReturnType<typeof parseManifest>) =>
    manifest.kind === 'index' ? manifest.manifests.map(({ platform, isIndex }) => [platform?.architecture, isIndex]) : []
  expect(platforms(parseManifest(inner.bytes))).toEqual([
    ['amd64', false],
    ['arm64', false],
  ])
  expect(platforms(parseManifest(makeIndex([inner], { form }).bytes))).toEqual([[undefined, true]])
})

test('layers that registries do not hand out are set apart', () => {
  const foreign = { ...part, digest: OTHER, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }
  const older = { ...part, digest: OTHER, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' }
  expect(read({ schemaVersion: 2, config: part, layers: [foreign, part, older] })).toMatchObject({
    layers: [{ digest: DIGEST }],
    foreign: [OTHER, OTHER],
  })
})

test.for([
  ['{', 'JSON'],
  ['[]', 'it is no JSON object'],
  ['null', 'it is no JSON object'],
  ['{}', 'it is no manifest: config: '],
  [JSON.stringify({ schemaVersion: 1, fsLayers: [] }), 'it is in the form «schema 1» of before 2016'],
  [JSON.stringify({ manifests: [], config: part, layers: [] }), 'it is an index and an image at once'],
  [JSON.stringify({ manifests: [{ ...part, digest: 'sha256:../..' }] }), 'manifests.0.digest: is no digest'],
  [JSON.stringify({ config: part, layers: [{ ...part, digest: `md5:${'0'.repeat(32)}` }] }), 'layers.0.digest: is no digest'],
  [JSON.stringify({ config: { ...part, size: -1 }, layers: [] }), 'config.size: '],
  [JSON.stringify({ config: part, layers: 'none' }), 'layers: '],
] as const)('%s is no manifest that can be fetched', ([text, why]) => {
  expect(() => parseManifest(Buffer.from(text))).toThrow(why)
})

test('a configuration tells the platform, and what is none tells nothing', () => {
  const config = { os: 'linux', architecture: 'arm64', variant: 'v8' }
  expect(platformIn(Buffer.from(JSON.stringify(config)))).toEqual({ os: 'linux', architecture: 'arm64', variant: '' })
  for (const text of ['{}', '[]', 'x', '', '{"os":7,"architecture":"amd64"}', '{"os":"linux","architecture":"\\u001b[2J"}'])
    expect(platformIn(Buffer.from(text))).toBeUndefined()
})

test('a platform that would steer the terminal is none', () => {
  expect(read({ manifests: [{ ...part, platform: { os: 'linux', architecture: 'a\u001b[2J' } }] })).toMatchObject({
    kind: 'index',
    manifests: [{ platform: undefined }],
  })
})
