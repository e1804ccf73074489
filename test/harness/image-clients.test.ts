import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { readAll } from '../../node/body.ts'
import { Containerd, requireContainerd } from './containerd.ts'
import { pushBlob, pushImage, startDockerRegistry } from './docker-registry.ts'
import { get } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { makeArtifact, makeImage, makeMultiArch } from './oci-images.ts'
import { makeLayer } from './oci-layers.ts'
import { blobInLayout, digestsInLayout, writeLayout } from './oci-layout.ts'
import { digestsOf, type Form } from './oci-types.ts'
import { ScriptedHub } from './scripted-hub.ts'
import { Skopeo } from './skopeo.ts'
import { useTempFolders } from './temp.ts'
import { requireTool } from './tools.ts'
import { Umoci } from './umoci.ts'

const FORMS: readonly Form[] = ['oci', 'docker']

useLeakCheck()
const temp = useTempFolders()

/** URL of a registry that has nothing yet. */
async function registry(context: TestContext): Promise<string> {
  const server = await startDockerRegistry(requireTool(context, 'docker-registry'), temp.create('registry'))
  onTestFinished(() => server.stop())
  return server.url
}

function skopeo(context: TestContext, mirrors: Readonly<Record<string, string>> = {}): Skopeo {
  return new Skopeo(requireTool(context, 'skopeo'), temp.create('skopeo'), mirrors)
}

async function containerd(context: TestContext): Promise<Containerd> {
  const started = await Containerd.start(requireContainerd(context), temp.create('containerd'))
  onTestFinished(() => started.stop())
  return started
}

describe("Debian's registry", () => {
  for (const form of FORMS) {
    it(`takes an image with the media types of ${form} over HTTP and gives it back byte by byte`, async (context) => {
      const url = await registry(context)
      const image = await makeMultiArch({ form })
      await pushImage(url, 'library/x', 'latest', image)
      const { mediaType, digest } = image.descriptor
      const reply = await get(`${url}/v2/library/x/manifests/latest`, { accept: mediaType })
      expect(reply.body.equals(image.bytes)).toBe(true)
      expect(reply.headers).toMatchObject({ 'content-type': mediaType, 'docker-content-digest': digest })
    })
  }

  it('takes blobs by sha512, as it takes no manifest', async (context) => {
    const url = await registry(context)
    const layer = await makeLayer({ bytes: 1000 }, 'oci', 'sha512')
    const reply = await get(url + (await pushBlob(url, 'library/x', layer)))
    expect(reply.body.equals(await readAll(layer.open()))).toBe(true)
    await expect(pushImage(url, 'library/x', 'latest', await makeImage({ algorithm: 'sha512' }))).rejects.toThrow(/400/)
  })
})

describe('skopeo', () => {
  it('takes a layout of ours to a registry and an image of several platforms back, through a mirror', async (context) => {
    const url = await registry(context)
    const { host } = new URL(url)
    const image = await makeMultiArch()
    const [source, target] = [temp.path('source'), temp.path('target')]
    await writeLayout(source, { latest: image })
    const client = skopeo(context, { 'docker.io': host, 'quay.io': `${host}/library` })
    await client.copy(`oci:${source}:latest`, `docker://${host}/library/x:latest`, '--all')
    expect(await client.tags(`${host}/library/x`)).toEqual(['latest'])
    expect(await client.manifest('docker://quay.io/x:latest')).toBe(image.bytes.toString())
    await client.copy('docker://docker.io/library/x:latest', `oci:${target}:latest`, '--all')
    expect(digestsInLayout(target)).toEqual(digestsOf(image))
    expect(blobInLayout(target, image.descriptor.digest).equals(image.bytes)).toBe(true)
  })

  it('goes to a dead end when the mirror has nothing', async (context) => {
    const { host } = new URL(await registry(context))
    const client = skopeo(context, { 'docker.io': host })
    const done = await client.run('inspect', 'docker://docker.io/library/absent:latest')
    expect(done.code).toBe(1)
    expect(done.stderr).toContain('127.0.0.1:1')
    // Without a mirror as well, though then it is told the registry's real name.
    const elsewhere = await client.run('inspect', 'docker://registry.example.test/x:latest')
    expect(elsewhere.stderr).toMatch(/proxyconnect tcp: dial tcp 127\.0\.0\.1:1/)
  })

  it('brings umoci what umoci made', async (context) => {
    const { host } = new URL(await registry(context))
    const umoci = new Umoci(requireTool(context, 'umoci'), temp.create('umoci'))
    const [source, target, bundle] = [temp.path('source'), temp.path('target'), temp.path('bundle')]
    const file = temp.path('hello')
    writeFileSync(file, 'hello')
    await umoci.make(source, 'v1', { 'srv/hello': file })
    const client = skopeo(context, { 'quay.io': host })
    await client.copy(`oci:${source}:v1`, `docker://${host}/org/app:v1`)
    await client.copy('docker://quay.io/org/app:v1', `oci:${target}:v1`)
    await umoci.unpack(target, 'v1', bundle)
    expect(readFileSync(join(bundle, 'rootfs/srv/hello'), 'utf8')).toBe('hello')
  })
})

describe('containerd', () => {
  for (const form of FORMS) {
    it(`pulls an image with the media types of ${form}, forgets it and pulls it again`, async (context) => {
      const url = await registry(context)
      const image = await makeMultiArch({ form })
      await pushImage(url, 'library/x', 'latest', image)
      const client = await containerd(context)
      client.mirror('docker.io', url)
      await client.pull('docker.io/library/x:latest', '--platform', 'linux/arm64')
      const [, arm64] = image.manifests
      expect(await client.held()).toEqual([image.descriptor.digest, ...(arm64 ? digestsOf(arm64) : [])].sort())
      expect(await client.text(image.descriptor.digest)).toBe(image.bytes.toString())
      await client.forget()
      expect(await client.held()).toEqual([])
      await client.pull('docker.io/library/x:latest', '--all-platforms')
      expect(await client.held()).toEqual(digestsOf(image))
    })
  }

  it('asks nobody outside: the registry itself is a dead end, with and without an entry', async (context) => {
    const url = await registry(context)
    const client = await containerd(context)
    client.mirror('docker.io', url)
    const absent = await client.tryPull('docker.io/library/absent:latest')
    expect(absent.stderr).toMatch(/127\.0\.0\.1:1/)
    const elsewhere = await client.tryPull('registry.example.test/x:latest')
    expect(elsewhere.stderr).toMatch(/proxyconnect tcp: dial tcp 127\.0\.0\.1:1/)
  })
})

describe('the scripted registry', () => {
  /** With a multi-arch image at `latest` of library/x, and its signature. */
  async function hub() {
    const started = await new ScriptedHub().start()
    onTestFinished(() => started.stop())
    const image = await makeMultiArch()
    started.publish('library/x', 'latest', image)
    started.publish('library/x', 'signed', makeArtifact(image, 'application/x.signature', Buffer.from('signed')))
    return { hub: started, image, host: new URL(started.origin).host }
  }

  it('gives containerd an image, with tokens and by way of the storage', async (context) => {
    const client = await containerd(context)
    const { hub: upstream, image } = await hub()
    client.mirror('docker.io', upstream.origin)
    upstream.limitPulls(5)
    await client.pull('docker.io/library/x:latest', '--all-platforms')
    expect(await client.held()).toEqual(digestsOf(image))
    expect(upstream.tally.kind('HEAD manifest').requests).toBeGreaterThan(0)
    expect(upstream.pulls).toBe(3)
    expect(upstream.cdn.tally.kind('GET blob').requests).toBe(6)
    expect(upstream.cdn.tally.log.some(({ headers }) => headers.authorization !== undefined)).toBe(false)
  })

  it('gives skopeo an image and its tags', async (context) => {
    const { hub: upstream, image, host } = await hub()
    const client = skopeo(context, { 'docker.io': host })
    const target = temp.path('target')
    await client.copy('docker://docker.io/library/x:latest', `oci:${target}:latest`, '--all')
    expect(digestsInLayout(target)).toEqual(digestsOf(image))
    expect(upstream.tokens.tally.kind('token').requests).toBeGreaterThan(0)
    upstream.pageSize = 1
    for (const links of ['absolute', 'relative'] as const) {
      upstream.links = links
      expect(await client.tags(`${host}/library/x`)).toEqual(['latest', 'signed'])
    }
  })
})
