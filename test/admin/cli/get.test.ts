import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ownPlatform } from '../../../admin/cli/images/platform.ts'
import { answer } from '../../harness/answer.ts'
import type { Run } from '../../harness/child-process.ts'
import { cutAfter, declare, flip, headers, instead, stallAfter } from '../../harness/fault.ts'
import { makeArtifact, makeImage, makeIndex, makeMultiArch } from '../../harness/oci-images.ts'
import { blobOf, makeLayer } from '../../harness/oci-layers.ts'
import { blobsOf, type Descriptor, digestsOf, type Form, type Manifest, MEDIA_TYPES } from '../../harness/oci-types.ts'
import { ScriptedHub } from '../../harness/scripted-hub.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { type FakeNode, startFakeNode } from '../fake-node.ts'
import { runWarren } from './run-warren.ts'

const OWN = ownPlatform().architecture === 'arm64' ? 'arm64' : 'amd64'
const OTHER = OWN === 'arm64' ? 'amd64' : 'arm64'

const folders = useTempFolders()
let hub: ScriptedHub
let node: FakeNode
let data: string

beforeEach(async () => {
  // Stands for the mirrors of the node, which want no tokens and redirect nobody.
  hub = await new ScriptedHub().start()
  hub.authenticates = false
  hub.redirects = 'none'
  data = folders.create('data')
  node = await startFakeNode(data)
  node.listen = [hub.origin]
  node.mirrors = [{ name: 'docker-hub', protocol: 'oci', path: '/v2/', upstreams: [] }]
})

afterEach(() => hub.stop())

function get(...args: string[]): Promise<Run> {
  return runWarren(['get', '--data', data, ...args], { home: folders.create('home') })
}

async function getJson(...args: string[]) {
  const { code, stdout, stderr } = await get('--json', ...args)
  return { code, stderr, ...JSON.parse(stdout) }
}

/** Digests that were asked for, each as often as it was. */
function askedFor(): string[] {
  return hub.tally.log.map(({ path }) => path.split('?')[0]?.split('/').at(-1) ?? '').sort()
}

function digestOf({ descriptor }: { descriptor: Descriptor }): string {
  return descriptor.digest
}

function imageFor(index: Manifest, architecture: string): Manifest {
  const found = index.manifests.find(({ descriptor }) => descriptor.platform?.architecture === architecture)
  if (!found) throw new Error(`no image for ${architecture}`)
  return found
}

/** An index that says of what it lists whatever the test says. */
function indexOf(entries: readonly (readonly [Manifest, object])[]): Manifest {
  const manifests = entries.map(([{ descriptor }, more]) => ({ ...descriptor, ...more }))
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.oci.index, manifests }))
  return { ...blobOf(bytes, MEDIA_TYPES.oci.index), bytes, blobs: [], manifests: entries.map(([manifest]) => manifest) }
}

test.for<Form>(['oci', 'docker'])('of an index (%s) the image for this machine is fetched, each digest once', async (form) => {
  const index = await makeMultiArch({ form })
  hub.publish('library/x', '1.0', index)
  const own = imageFor(index, OWN)
  hub.fail(/\/blobs\//, headers({ 'x-warren-source': 'peer' }))
  hub.fail(/\/manifests\//, headers({ 'x-warren-source': 'upstream' }))
  const { code, stdout, stderr } = await get('x:1.0')
  expect([code, stderr]).toEqual([0, ''])
  expect(askedFor()).toEqual(['1.0', ...digestsOf(own)].sort())
  expect(new Set(hub.tally.log.map(({ target }) => target.split('?')[1]))).toEqual(new Set(['ns=docker.io']))
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]).toBe('docker.io/library/x:1.0')
  for (const { descriptor } of own.blobs)
    expect(lines.find((line) => line.includes(descriptor.digest.slice(7, 19)))).toMatch(
      /^ {2}\w{12} {2}(config|layer) .* peer$/,
    )
  expect(lines.at(-2)).toBe(`  linux/${OWN}  ${digestOf(own)}`)
  expect(lines.at(-1)).toMatch(
    /^1 image, 2 manifests, 3 blobs, [\d.]+ KiB in [\d.]+ s; peer [\d.]+ KiB, upstream [\d.]+ (KiB|B)$/,
  )
})

test('with --json the facts go to stdout, and what happens to stderr', async () => {
  const index = await makeMultiArch()
  hub.publish('org/app', 'latest', index)
  hub.fail(/\/blobs\//, headers({ 'x-warren-source': 'seed' }))
  const {
    code,
    stderr,
    images,
    totals,
    failures,
    node: base,
  } = await getJson('quay.io/org/app', '--platform', `linux/${OTHER}`)
  const image = imageFor(index, OTHER)
  expect([code, base, failures]).toEqual([0, hub.origin, []])
  expect(hub.tally.log[0]?.target).toBe('/v2/org/app/manifests/latest?ns=quay.io')
  expect(images).toMatchObject([
    {
      image: 'quay.io/org/app:latest',
      digest: digestOf(image),
      platform: `linux/${OTHER}`,
      manifests: [{ digest: digestOf(index) }, { digest: digestOf(image), size: image.bytes.length, source: 'unknown' }],
      blobs: image.blobs.map(({ descriptor: { digest, size } }) => ({ digest, size, source: 'seed' })),
      foreign: [],
    },
  ])
  const bytes = image.blobs.reduce((sum, { descriptor }) => sum + descriptor.size, 0)
  const documents = index.bytes.length + image.bytes.length
  expect(totals).toEqual({
    images: 1,
    manifests: 2,
    blobs: 3,
    packages: 0,
    files: 0,
    documents: 0,
    bytes: bytes + documents,
    sources: { seed: bytes, unknown: documents },
  })
  expect(stderr).toContain('quay.io/org/app:latest\n')
})

test('several platforms, and all of them with what is attached', async () => {
  const index = await makeMultiArch()
  const note = makeArtifact(imageFor(index, OWN), 'application/example', Buffer.from('{}'))
  const unknown = { platform: { os: 'unknown', architecture: 'unknown' } }
  const all = indexOf([...index.manifests.map((manifest) => [manifest, {}] as const), [note, unknown]])
  hub.publish('library/x', 'latest', all)
  const two = await getJson('x', '--platform', 'linux/arm64', '--platform', 'linux/amd64', '--platform', 'linux/arm64/v8')
  expect(two.images.map(({ platform }: { platform: string }) => platform)).toEqual(['linux/arm64', 'linux/amd64'])
  expect(askedFor()).not.toContain(digestOf(note))
  hub.tally.reset()
  const every = await getJson('x', '--all-platforms')
  expect(every.images.map(({ platform }: { platform: string }) => platform)).toEqual([
    'linux/amd64',
    'linux/arm64',
    'unknown/unknown',
  ])
  expect(askedFor()).toEqual(['latest', ...digestsOf(all).filter((digest) => digest !== digestOf(all))].sort())
})

test('a platform that there is none for is told with those that there are', async () => {
  const index = await makeMultiArch()
  const unknown = { platform: { os: 'unknown', architecture: 'unknown' } }
  hub.publish(
    'library/x',
    'latest',
    indexOf([...index.manifests.map((one) => [one, {}] as const), [await makeImage(), unknown]]),
  )
  const { code, stderr } = await get('x', '--platform', 'linux/s390x')
  expect(code).toBe(1)
  expect(stderr).toBe(
    'warren: docker.io/library/x:latest has no image for linux/s390x: there is linux/amd64, linux/arm64; choose with --platform\n',
  )
})

test('an image that is there for one platform is refused only to who named another', async () => {
  hub.publish('library/x', 'latest', await makeImage({ architecture: OTHER }))
  expect(await getJson('x')).toMatchObject({ code: 0, images: [{ platform: `linux/${OTHER}` }] })
  const { code, stderr } = await get('x', '--platform', 'linux/riscv64')
  expect(code).toBe(1)
  expect(stderr).toContain(`has no image for linux/riscv64: there is linux/${OTHER} only\n`)
  expect(await getJson('x', '--all-platforms')).toMatchObject({ code: 0 })
})

test('indexes within indexes are followed, and an image without a label is known by its configuration', async () => {
  const inner = await makeMultiArch({ seed: 2 })
  const unlabelled = indexOf(inner.manifests.map((manifest) => [manifest, { platform: undefined }]))
  hub.publish('library/x', 'nested', makeIndex([makeIndex([inner])]))
  hub.publish('library/x', 'unlabelled', unlabelled)
  const { code, images } = await getJson('x:nested', 'x:unlabelled')
  const own = digestOf(imageFor(inner, OWN))
  expect([code, images.map(({ digest }: { digest: string }) => digest)]).toEqual([0, [own, own]])
})

test('an index that lists itself deeper and deeper is given up', async () => {
  let index = await makeMultiArch()
  for (let depth = 0; depth < 6; depth++) index = makeIndex([index])
  hub.publish('library/x', 'latest', index)
  const { code, stderr } = await get('x')
  expect([code, stderr]).toEqual([1, 'warren: docker.io/library/x:latest has indexes within indexes, more than 4 deep\n'])
})

test('images are checked by sha512 too, and asked for by digest', async () => {
  const image = await makeImage({ algorithm: 'sha512' })
  hub.publish('library/x', undefined, image)
  const { code, images } = await getJson(`x@${digestOf(image)}`)
  expect([code, images[0].digest, images[0].blobs.length]).toEqual([0, digestOf(image), 3])
})

test('no more than three blobs are fetched at once, and what images share once', async () => {
  const layers = await Promise.all(Array.from({ length: 8 }, (_, seed) => makeLayer({ bytes: 1_000, seed })))
  hub.publish('library/x', '1', await makeImage({ layers, architecture: OWN }))
  hub.publish('library/x', '2', await makeImage({ layers: layers.slice(2), architecture: OWN, seed: 2 }))
  hub.latencyMs = 20
  const { code, totals } = await getJson('x:1', 'x:2')
  expect([code, totals.blobs, hub.tally.peak]).toEqual([0, 10, 3])
  expect(hub.tally.kind('GET blob').requests).toBe(10)
})

test('layers that registries do not hand out are left alone and named', async () => {
  const image = await makeImage()
  const [, first, second] = image.blobs
  const document = JSON.parse(image.bytes.toString())
  document.layers[1].mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
  const bytes = Buffer.from(JSON.stringify(document))
  hub.publish('library/x', 'latest', { ...image, ...blobOf(bytes, MEDIA_TYPES.oci.manifest), bytes })
  const { code, images } = await getJson('x')
  expect([code, images[0].foreign]).toEqual([0, [second && digestOf(second)]])
  expect(askedFor()).toContain(first && digestOf(first))
  expect(askedFor()).not.toContain(second && digestOf(second))
})

test.for([
  [
    'has other bytes',
    flip(100),
    /^warren: blob (\S+) of docker.io\/library\/bad:latest is wrong: its digest is sha256:\w{64} instead of \1$/m,
  ],
  [
    'breaks off',
    cutAfter(500),
    /^warren: blob sha256:\w{64} of docker.io\/library\/bad:latest broke off after 500 B of \S+ KiB: /m,
  ],
  ['is too short', declare(400), /is wrong: it has 400 bytes instead of \d+$/m],
  ['is refused', instead(answer(503)), /^warren: blob sha256:\w{64} of docker.io\/library\/bad:latest: the node answers 503$/m],
] as const)('a blob that %s is named, and the other images are fetched', async ([, fault, message]) => {
  const [bad, good] = [await makeImage({ architecture: OWN }), await makeImage({ architecture: OWN, seed: 2 })]
  hub.publish('library/bad', 'latest', bad)
  hub.publish('library/good', 'latest', good)
  const [, layer] = bad.blobs
  hub.fail(new RegExp(layer ? digestOf(layer) : ''), fault)
  const { code, stderr, images, failures } = await getJson('bad', 'good')
  expect(code).toBe(1)
  expect(stderr).toMatch(message)
  expect(stderr).toContain(layer && digestOf(layer))
  expect(images).toMatchObject([{ image: 'docker.io/library/good:latest' }])
  expect(failures).toMatchObject([{ image: 'docker.io/library/bad:latest' }])
})

test('what was broken off with one image is fetched for the next', async () => {
  const [shared, refused] = [await makeLayer({ bytes: 5_000, seed: 1 }), await makeLayer({ bytes: 5_000, seed: 2 })]
  hub.publish('library/x', '1', await makeImage({ layers: [shared, refused], architecture: OWN }))
  const good = await makeImage({ layers: [shared], architecture: OWN })
  hub.publish('library/x', '2', good)
  hub.fail(new RegExp(digestOf(shared)), stallAfter(1_000), 1)
  hub.fail(new RegExp(digestOf(refused)), instead(answer(503)))
  const { code, images } = await getJson('x:1', 'x:2')
  expect([code, images.map(({ digest }: { digest: string }) => digest)]).toEqual([1, [digestOf(good)]])
})

test.for([
  ['has other bytes', flip(3), 'is wrong: its digest is sha256:'],
  ['is no manifest', instead(answer(200, '<\u001b[2J')), 'cannot be used: Unexpected token \'<\', "<?[2J" is not valid JSON\n'],
] as const)('a manifest that %s is named', async ([, fault, message]) => {
  hub.publish('library/x', 'latest', await makeImage())
  hub.fail(/\/manifests\//, fault)
  const { code, stderr } = await get('x')
  expect(code).toBe(1)
  expect(stderr).toContain('warren: manifest latest of docker.io/library/x:latest ')
  expect(stderr).toContain(message)
})

test('what the registry says is told', async () => {
  hub.publish('library/x', 'latest', await makeImage())
  const { code, stderr } = await get('x:no', 'y')
  expect([code, stderr.split('\n')]).toEqual([
    1,
    [
      'warren: manifest no of docker.io/library/x:no: manifest unknown (MANIFEST_UNKNOWN, 404)',
      'warren: manifest latest of docker.io/library/y:latest: unknown name (NAME_UNKNOWN, 404); did you mean pkg:npm/y?',
      '',
    ],
  ])
})

test('no node is an exit code of its own, also when it goes away in between', async () => {
  await hub.gone()
  const away = await get('x', 'y')
  expect([away.code, away.stderr.split('\n')]).toEqual([
    3,
    [expect.stringMatching(`^warren: no node answers at ${hub.origin}: .*ECONNREFUSED`), ''],
  ])
  rmSync(join(data, 'node.json'))
  const none = await get('x')
  expect([none.code, none.stdout]).toEqual([3, ''])
  expect(none.stderr).toContain(`no node runs on ${data};`)
})

test('the mirrors of a node that is named by its address are found', async () => {
  hub.publish('library/x', 'latest', await makeImage())
  const env = { WARREN_TOKEN: node.token.value }
  const { code } = await runWarren(['get', '--node', node.admin, 'x'], { home: folders.create('home'), env })
  expect(code).toBe(0)
})

test('a node without a mirror for images is told', async () => {
  node.mirrors = [{ name: 'npm', protocol: 'npm', path: '/npm/', upstreams: [] }]
  const { code, stderr } = await get('x')
  expect(code).toBe(1)
  expect(stderr).toContain('has no mirror for container images; add one with «protocol: oci» to its settings\n')
})

test.for([
  [[], 'nothing to get: name an image or a package (pkg:TYPE/…), or a lockfile with --lockfile\n'],
  [['UPPER'], '"UPPER" has upper-case letters'],
  [['x', '--platform', 'arm64'], '"arm64" is no platform'],
  [['x', '--all-platforms', '--platform', 'linux/arm64'], "cannot be used with option '--platform"],
] as const)('%j is wrong usage', async ([args, message]) => {
  const { code, stdout, stderr } = await get(...args)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
})

test('every blob that is there was fetched whole', async () => {
  const image = await makeImage({ layers: [{ bytes: 3_000_000, seed: 7 }] })
  hub.publish('library/x', 'latest', image)
  expect((await get('x')).code).toBe(0)
  for (const { descriptor } of blobsOf(image))
    expect(hub.tally.path(`/v2/library/x/blobs/${descriptor.digest}?ns=docker.io`)).toEqual({
      requests: 1,
      bytes: descriptor.size,
    })
})
