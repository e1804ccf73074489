import { describe, expect, it } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { Secret } from '../../node/secret.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import { blobsOf, type Manifest } from '../harness/oci-types.ts'
import type { ScriptedHub } from '../harness/scripted-hub.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { ask, problem, startHub, startImageNode } from './image-node.ts'

const MINUTE = 60_000
const SECRET = 'org/secret'
const OPEN = 'org/open'

useLeakCheck()
const temp = useTempFolders()

const blobUrls = (url: string, name: string, image: Manifest) =>
  blobsOf(image).map(({ descriptor }) => `${url}/v2/${name}/blobs/${descriptor.digest}`)

describe('the token for a registry', () => {
  it('is renewed when it ends between a manifest and its blobs', async () => {
    const clock = new ShiftedClock()
    const hub = await startHub(clock)
    const image = await makeImage()
    hub.publish('library/x', 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, clock })
    expect((await ask(`${node.url}/v2/library/x/manifests/latest`)).status).toBe(200)
    expect(hub.tokens.tally.total.requests).toBe(1)
    clock.pass(hub.tokens.lifeSeconds * 1000 + MINUTE)
    for (const url of blobUrls(node.url, 'library/x', image)) expect((await ask(url)).status).toBe(200)
    expect(hub.tokens.tally.total.requests).toBe(2)
  })

  it('is renewed once when it was taken back', async () => {
    const hub = await startHub()
    const image = await makeImage()
    hub.publish('library/x', 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    await ask(`${node.url}/v2/library/x/manifests/latest`)
    hub.tokens.revoke()
    const replies = await Promise.all(blobUrls(node.url, 'library/x', image).map((url) => ask(url)))
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
    expect(hub.tokens.tally.total.requests).toBe(2)
  })

  it('is not asked for again and again where none is ever good enough', async () => {
    const hub = await startHub()
    const image = await makeImage()
    hub.publish('library/x', 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    await ask(`${node.url}/v2/library/x/manifests/latest`)
    const [url = ''] = blobUrls(node.url, 'library/x', image)
    // From now on it is over before it arrives.
    hub.tokens.revoke()
    hub.tokens.lifeSeconds = 0
    hub.tally.reset()
    hub.tokens.tally.reset()
    expect(problem(await ask(url))).toEqual([403, 'DENIED'])
    expect(hub.tokens.tally.total.requests).toBeLessThanOrEqual(2)
    expect(hub.tally.total.requests).toBeLessThanOrEqual(3)
  })

  it('is one for each repository', async () => {
    const hub = await startHub()
    for (const name of [OPEN, SECRET]) hub.publish(name, 'latest', await makeImage())
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    for (const name of [OPEN, SECRET]) expect((await ask(`${node.url}/v2/${name}/manifests/latest`)).status).toBe(200)
    const scopes = hub.tokens.tally.log.map(({ target }) => new URL(target, hub.tokens.origin).searchParams.get('scope'))
    expect(scopes).toEqual([OPEN, SECRET].map((name) => `repository:${name}:pull`))
  })

  it('is had where the challenge names no scope and the token no life, by its other name', async () => {
    const clock = new ShiftedClock()
    const hub = await startHub(clock)
    Object.assign(hub, { challengesScope: false })
    Object.assign(hub.tokens, { tellsLife: false, field: 'access_token' })
    const image = await makeImage()
    hub.publish('library/x', 'latest', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, clock })
    expect((await ask(`${node.url}/v2/library/x/manifests/latest`)).status).toBe(200)
    // What tells no life has a minute.
    clock.pass(MINUTE)
    hub.tally.reset()
    for (const url of blobUrls(node.url, 'library/x', image)) expect((await ask(url)).status).toBe(200)
    expect(hub.tokens.tally.total.requests).toBe(2)
    expect(hub.tally.log.filter(({ status }) => status === 401)).toEqual([])
  })
})

/** A registry with one image that only `ann` may have, and the login of a node that is hers. */
async function privateHub(): Promise<{ hub: ScriptedHub; image: Manifest; config: Partial<Config> }> {
  const hub = await startHub()
  const image = await makeImage({ seed: 7 })
  hub.publish(SECRET, 'latest', image)
  hub.publish(OPEN, 'latest', await makeImage({ seed: 8 }))
  hub.content.setPrivate(SECRET)
  hub.tokens.users.set('ann', 'hunter2')
  const login = { username: 'ann', password: new Secret('hunter2'), realm: hub.tokens.origin }
  return { hub, image, config: { credentials: [{ origin: hub.origin, ...login }] } }
}

describe('an image that only this node may have', () => {
  it('is read by its own repository and cannot be told from nothing by any other', async () => {
    const { hub, image, config } = await privateHub()
    const quay = await startHub()
    quay.publish(OPEN, 'latest', await makeImage({ seed: 9 }))
    const hubs = { 'docker.io': hub, 'quay.io': quay }
    const node = await startImageNode({ data: temp.create('node'), hubs, config })
    const manifest = await ask(`${node.url}/v2/${SECRET}/manifests/latest`)
    expect([manifest.status, manifest.body.equals(image.bytes)]).toEqual([200, true])
    for (const url of blobUrls(node.url, SECRET, image)) expect((await ask(url)).status).toBe(200)
    await storeAtRest(node)
    const absent = `sha256:${'0'.repeat(64)}`
    for (const ns of Object.keys(hubs)) {
      // A HEAD before it would be remembered.
      for (const method of ['GET', 'HEAD']) {
        for (const [kind, digests] of [
          ['blobs', blobsOf(image).map(({ descriptor }) => descriptor.digest)],
          ['manifests', [image.descriptor.digest]],
        ] as const) {
          const url = (digest: string) => `${node.url}/v2/${OPEN}/${kind}/${digest}?ns=${ns}`
          const nothing = await ask(url(absent), { method })
          for (const digest of digests) {
            const reply = await ask(url(digest), { method })
            expect([ns, method, reply.status, reply.body.equals(nothing.body)]).toEqual([ns, method, 404, true])
          }
        }
      }
    }
  })

  it('is given to no member of the mesh, by whichever name that asks for it', async () => {
    const { hub, image, config } = await privateHub()
    // The same bytes are public elsewhere, where the other member has their names from.
    const quay = await startHub()
    quay.publish(OPEN, 'latest', image)
    const mirrors = imageMirrors({ 'docker.io': hub, 'quay.io': quay })
    const mesh = await TestMesh.create(temp, { upstream: hub.origin, mirrors, config })
    const other = await mesh.join({ upstream: hub.origin, mirrors })
    expect((await ask(`${mesh.seed.url}/v2/${SECRET}/manifests/latest`)).status).toBe(200)
    for (const url of blobUrls(mesh.seed.url, SECRET, image)) expect((await ask(url)).status).toBe(200)
    await storeAtRest(mesh.seed)
    const references = ['latest', image.descriptor.digest].map((one) => `${other.url}/v2/${SECRET}/manifests/${one}`)
    for (const url of [...references, ...blobUrls(other.url, SECRET, image)])
      expect(problem(await ask(url))).toEqual([403, 'DENIED'])
    for (const url of blobUrls(other.url, OPEN, image)) expect(problem(await ask(url))).toEqual([404, 'BLOB_UNKNOWN'])
    expect((await ask(`${other.url}/v2/${OPEN}/manifests/latest?ns=quay.io`)).status).toBe(200)
    await storeAtRest(other)
    for (const url of blobUrls(other.url, OPEN, image)) expect((await ask(`${url}?ns=quay.io`)).status).toBe(200)
    expect(quay.cdn.tally.kind('GET blob').requests).toBe(blobsOf(image).length)
  })
})

describe('a login that is there for a higher limit', () => {
  it('lets members have all that it opens, which is public as its owner says', async () => {
    const { hub, image, config } = await privateHub()
    const open = await makeImage({ seed: 10 })
    hub.publish(OPEN, 'latest', open)
    const mirrors = imageMirrors({ 'docker.io': hub })
    const credentials = (config.credentials ?? []).map((login) => ({ ...login, share: true }))
    const mesh = await TestMesh.create(temp, { upstream: hub.origin, mirrors, config: { credentials } })
    const other = await mesh.join({ upstream: hub.origin, mirrors })
    for (const [name, one] of [
      [SECRET, image],
      [OPEN, open],
    ] as const) {
      expect((await ask(`${mesh.seed.url}/v2/${name}/manifests/latest`)).status).toBe(200)
      for (const url of blobUrls(mesh.seed.url, name, one)) expect((await ask(url)).status).toBe(200)
    }
    await storeAtRest(mesh.seed)
    hub.cdn.tally.reset()
    // Whoever is asked first has more than enough time.
    hub.latencyMs = 1_500
    expect((await ask(`${other.url}/v2/${OPEN}/manifests/latest`)).status).toBe(200)
    for (const url of blobUrls(other.url, OPEN, open)) expect((await ask(url)).status).toBe(200)
    expect(hub.cdn.tally.kind('GET blob').requests).toBe(0)
    hub.latencyMs = 0
    for (const url of blobUrls(other.url, OPEN, image)) expect(problem(await ask(url))).toEqual([404, 'BLOB_UNKNOWN'])
    expect((await ask(`${other.url}/v2/${SECRET}/manifests/latest`)).status).toBe(200)
    for (const url of blobUrls(other.url, SECRET, image)) expect((await ask(url)).status).toBe(200)
    const { requests } = await other.status()
    expect([requests.seed > 0, requests.upstream]).toEqual([true, 0])
  })
})

describe('what a client shows to prove who it is', () => {
  it('is taken, is not looked at, and goes nowhere', async () => {
    const { hub, image, config } = await privateHub()
    hub.publish(OPEN, 'v2', image)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub }, config })
    const headers = { authorization: 'Bearer x', cookie: 'session=x', 'proxy-authorization': 'Basic eDp4' }
    const urls = [
      `${node.url}/v2/`,
      `${node.url}/v2/${OPEN}/manifests/v2`,
      `${node.url}/v2/${OPEN}/tags/list`,
      `${node.url}/v2/${OPEN}/referrers/${image.descriptor.digest}`,
      ...blobUrls(node.url, OPEN, image),
    ]
    for (const url of urls) {
      for (const method of ['HEAD', 'GET']) expect([url, (await ask(url, { method, headers })).status]).toEqual([url, 200])
    }
    const sent = [hub, hub.tokens, hub.cdn].flatMap(({ tally }) => tally.log.map((request) => request.headers))
    expect(sent.length).toBeGreaterThan(urls.length)
    for (const one of sent) {
      expect(one.authorization).not.toBe(headers.authorization)
      expect([one.cookie, one['proxy-authorization']]).toEqual([undefined, undefined])
    }
  })

  it('is not asked for by a challenge of upstream, whatever that says no to', async () => {
    const hub = await startHub()
    hub.publish(SECRET, 'latest', await makeImage())
    hub.content.setPrivate(SECRET)
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
    for (const rest of [
      'manifests/latest',
      `manifests/sha256:${'0'.repeat(64)}`,
      `blobs/sha256:${'0'.repeat(64)}`,
      'tags/list',
    ]) {
      for (const name of [SECRET, 'org/absent']) {
        const reply = await ask(`${node.url}/v2/${name}/${rest}`)
        expect([rest, ...problem(reply)]).toEqual([rest, 403, 'DENIED'])
      }
    }
  })
})
