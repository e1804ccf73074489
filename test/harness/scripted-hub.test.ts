import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readAll } from '../../node/body.ts'
import { answer } from './answer.ts'
import { VirtualClock } from './clock.ts'
import { headers as changed, cutAfter, cutAtRandom, flip, instead, stallAfter } from './fault.ts'
import { exchange, get, HttpClient, type Reply } from './http.ts'
import { useLeakCheck } from './leaks.ts'
import { makeArtifact, makeImage, makeMultiArch } from './oci-images.ts'
import { type Blob, type Manifest, MEDIA_TYPES } from './oci-types.ts'
import { ScriptedHub } from './scripted-hub.ts'

const NAME = 'library/x'
const ALL_TYPES = Object.values(MEDIA_TYPES)
  .flatMap(({ index, manifest }) => [index, manifest])
  .join(', ')

useLeakCheck()
let clock: VirtualClock
let hub: ScriptedHub

beforeEach(async () => {
  clock = new VirtualClock()
  hub = await new ScriptedHub(clock).start()
})

afterEach(() => hub.stop())

/** What a client asks for: a token first, then the thing. */
async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
  const name = /^(.+)\/(manifests|blobs|tags|referrers)\//.exec(path)?.[1] ?? ''
  const { token } = await tokenFor(`repository:${name}:pull`)
  return exchange(`${hub.origin}/v2/${path}`, { method, headers: { authorization: `Bearer ${token}`, ...headers } })
}

function head(path: string, headers: Record<string, string> = {}): Promise<Reply> {
  return ask(path, headers, 'HEAD')
}

async function tokenReply(scope: string, headers: Record<string, string> = {}): Promise<Reply> {
  return get(`${hub.tokens.realm}?service=registry.docker.io&scope=${encodeURIComponent(scope)}`, headers)
}

async function tokenFor(scope: string, headers: Record<string, string> = {}) {
  return JSON.parse((await tokenReply(scope, headers)).body.toString())
}

function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

function errorOf({ body }: Reply): string {
  return JSON.parse(body.toString()).errors[0].code
}

/** An image at `latest`, and the larger of its layers. */
async function published(): Promise<{ image: Manifest; layer: Blob; bytes: Buffer }> {
  const image = await makeImage()
  hub.publish(NAME, 'latest', image)
  const layer = image.blobs[1]
  if (!layer) throw new Error('the image has no layer')
  return { image, layer, bytes: await readAll(layer.open()) }
}

/** The signed URL that a request for a layer is sent to. */
async function signedUrl({ descriptor }: Blob): Promise<string> {
  const { status, headers } = await ask(`${NAME}/blobs/${descriptor.digest}`)
  expect(status).toBe(307)
  return headers.location ?? ''
}

describe('the token service', () => {
  test('is named by the challenge that every request without a token gets, with the scope that it wants', async () => {
    const ping = await get(`${hub.origin}/v2/`)
    const plain = `Bearer realm="${hub.tokens.realm}",service="registry.docker.io"`
    expect([ping.status, ping.headers['www-authenticate'], errorOf(ping)]).toEqual([401, plain, 'UNAUTHORIZED'])
    expect(ping.headers['docker-distribution-api-version']).toBe('registry/2.0')
    expect(new URL(hub.tokens.realm).origin).not.toBe(hub.origin)
    const manifest = () => get(`${hub.origin}/v2/${NAME}/manifests/latest`)
    expect((await manifest()).headers['www-authenticate']).toBe(`${plain},scope="repository:${NAME}:pull"`)
    hub.challengesScope = false
    expect((await manifest()).headers['www-authenticate']).toBe(plain)
    hub.authenticates = false
    expect((await get(`${hub.origin}/v2/`)).status).toBe(200)
  })

  test('gives tokens that are good for their own repositories only, and for a while', async () => {
    await published()
    hub.publish('org/y', 'latest', await makeImage())
    const { token, expires_in, issued_at } = await tokenFor(`repository:${NAME}:pull,push`)
    expect([expires_in, Date.parse(issued_at)]).toEqual([300, clock.now()])
    const of = (name: string) => get(`${hub.origin}/v2/${name}/manifests/latest`, { authorization: `Bearer ${token}` })
    expect((await of(NAME)).status).toBe(200)
    expect((await get(`${hub.origin}/v2/`, { authorization: `Bearer ${token}` })).status).toBe(200)
    const other = await of('org/y')
    expect([other.status, other.headers['www-authenticate']]).toEqual([
      401,
      expect.stringMatching(/error="insufficient_scope"$/),
    ])
    clock.jump(299_000)
    expect((await of(NAME)).status).toBe(200)
    clock.jump(1_000)
    expect((await of(NAME)).headers['www-authenticate']).toMatch(/error="invalid_token"$/)
    expect(hub.tokens.tally.kind('token').requests).toBe(1)
  })

  test('takes all tokens back at once', async () => {
    await published()
    const authorization = `Bearer ${(await tokenFor(`repository:${NAME}:pull`)).token}`
    hub.tokens.revoke()
    const another = await tokenFor(`repository:${NAME}:pull`)
    expect(`Bearer ${another.token}`).not.toBe(authorization)
    expect((await get(`${hub.origin}/v2/`, { authorization })).status).toBe(401)
  })

  test('calls the token as it is told, and need not say how long it lives: then it is a minute', async () => {
    await published()
    hub.tokens.field = 'access_token'
    hub.tokens.tellsLife = false
    const answered = await tokenFor(`repository:${NAME}:pull`)
    expect(Object.keys(answered)).toEqual(['access_token'])
    const authorization = `Bearer ${answered.access_token}`
    expect((await get(`${hub.origin}/v2/`, { authorization })).status).toBe(200)
    clock.jump(60_000)
    expect((await get(`${hub.origin}/v2/`, { authorization })).status).toBe(401)
    hub.tokens.field = 'token'
    expect(Object.keys(await tokenFor(''))).toEqual(['token'])
  })

  test('gives tokens for a private repository to those it knows, and none at all for a wrong password', async () => {
    await published()
    hub.content.setPrivate(NAME)
    hub.tokens.users.set('jo', 'a:b')
    expect((await ask(`${NAME}/manifests/latest`)).status).toBe(401)
    const { token } = await tokenFor(`repository:${NAME}:pull`, basic('jo', 'a:b'))
    const authorization = `Bearer ${token}`
    expect((await get(`${hub.origin}/v2/${NAME}/manifests/latest`, { authorization })).status).toBe(200)
    expect((await tokenReply(`repository:${NAME}:pull`, basic('jo', 'a'))).status).toBe(401)
  })

  test('does not tell what is private from what does not exist, unless it is told to', async () => {
    expect((await ask('org/absent/manifests/latest')).status).toBe(401)
    hub.tokens.grantsUnknown = true
    const absent = await ask('org/absent/manifests/latest')
    expect([absent.status, errorOf(absent)]).toEqual([404, 'NAME_UNKNOWN'])
  })
})

describe('manifests', () => {
  test.each(['oci', 'docker'] as const)('come by tag and digest with their exact bytes and types (%s)', async (form) => {
    const index = await makeMultiArch({ form })
    hub.publish(NAME, 'latest', index)
    for (const { bytes, descriptor } of [index, ...index.manifests]) {
      const { digest, mediaType, size } = descriptor
      const expected = { 'content-type': mediaType, 'docker-content-digest': digest, 'content-length': `${size}` }
      const reply = await ask(`${NAME}/manifests/${digest}`)
      expect(reply.headers).toMatchObject(expected)
      expect(reply.body.equals(bytes)).toBe(true)
      expect((await head(`${NAME}/manifests/${digest}`)).headers).toMatchObject(expected)
    }
    expect((await ask(`${NAME}/manifests/latest`, { accept: ALL_TYPES })).body.equals(index.bytes)).toBe(true)
    expect(hub.tally.kind('GET manifest').requests).toBe(4)
    expect(hub.tally.kind('HEAD manifest').requests).toBe(3)
  })

  test('of one platform are what a tag means to those who know of no index', async () => {
    const index = await makeMultiArch({ form: 'docker' })
    hub.publish(NAME, 'latest', index)
    const reply = await ask(`${NAME}/manifests/latest`, { accept: MEDIA_TYPES.docker.manifest })
    expect(reply.headers['docker-content-digest']).toBe(index.manifests[0]?.descriptor.digest)
    const none = await ask(`${NAME}/manifests/latest`, { accept: MEDIA_TYPES.oci.manifest })
    expect([none.status, errorOf(none)]).toEqual([404, 'MANIFEST_UNKNOWN'])
  })

  test('change under a tag that is moved, and stay to be had by digest', async () => {
    const { image } = await published()
    const newer = await makeImage({ seed: 2 })
    hub.publish(NAME, 'latest', newer)
    expect((await ask(`${NAME}/manifests/latest`)).body.equals(newer.bytes)).toBe(true)
    expect((await ask(`${NAME}/manifests/${image.descriptor.digest}`)).body.equals(image.bytes)).toBe(true)
    hub.content.remove(NAME, 'latest')
    expect(errorOf(await ask(`${NAME}/manifests/latest`))).toBe('MANIFEST_UNKNOWN')
  })

  test('are not sent again to those who have them', async () => {
    const { image } = await published()
    const { status } = await ask(`${NAME}/manifests/latest`, { 'if-none-match': `"${image.descriptor.digest}"` })
    expect(status).toBe(304)
  })

  test('are not to be pushed', async () => {
    await published()
    const { token } = await tokenFor(`repository:${NAME}:pull`)
    const headers = { authorization: `Bearer ${token}` }
    const pushed = await exchange(`${hub.origin}/v2/${NAME}/manifests/x`, { method: 'PUT', headers, body: '{}' })
    expect([pushed.status, errorOf(pushed)]).toEqual([405, 'UNSUPPORTED'])
  })
})

describe('the limit', () => {
  test('counts what is got, tells of it on HEAD too, and says when there is more', async () => {
    const { image, layer } = await published()
    hub.limitPulls(2, 600)
    const figures = ({ headers }: Reply) => [headers['ratelimit-limit'], headers['ratelimit-remaining']]
    expect(figures(await head(`${NAME}/manifests/latest`))).toEqual(['2;w=600', '2;w=600'])
    expect(figures(await ask(`${NAME}/manifests/latest`))).toEqual(['2;w=600', '1;w=600'])
    expect((await ask(`${NAME}/manifests/absent`)).status).toBe(404)
    clock.jump(100_000)
    expect(figures(await ask(`${NAME}/manifests/${image.descriptor.digest}`))).toEqual(['2;w=600', '0;w=600'])
    const refused = await ask(`${NAME}/manifests/latest`)
    expect([refused.status, errorOf(refused)]).toEqual([429, 'TOOMANYREQUESTS'])
    expect([refused.headers['retry-after'], ...figures(refused)]).toEqual(['500', '2;w=600', '0;w=600'])
    expect((await head(`${NAME}/manifests/latest`)).status).toBe(200)
    expect((await ask(`${NAME}/blobs/${layer.descriptor.digest}`)).status).toBe(307)
    expect(hub.pulls).toBe(2)
    clock.jump(500_000)
    expect((await ask(`${NAME}/manifests/latest`)).status).toBe(200)
  })

  test('is not spoken of where there is none', async () => {
    await published()
    expect(Object.keys((await ask(`${NAME}/manifests/latest`)).headers).filter((name) => /ratelimit/.test(name))).toEqual([])
    expect(hub.pulls).toBe(1)
  })

  test('against abuse refuses everything without a word, and counts nothing', async () => {
    const { layer } = await published()
    hub.abused = true
    for (const path of [`${NAME}/manifests/latest`, `${NAME}/blobs/${layer.descriptor.digest}`]) {
      const { status, headers, body } = await ask(path)
      expect([status, headers['retry-after'], body.length]).toEqual([429, undefined, 0])
    }
    expect(hub.pulls).toBe(0)
  })
})

describe('blobs', () => {
  test('lie on a third origin, whole and by Range', async () => {
    const { layer, bytes } = await published()
    const url = await signedUrl(layer)
    expect(new Set([hub.origin, hub.tokens.origin, new URL(url).origin]).size).toBe(3)
    expect((await get(url)).body.equals(bytes)).toBe(true)
    const part = await get(url, { range: 'bytes=1000-1999' })
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 1000-1999/${bytes.length}`])
    expect(part.body.equals(bytes.subarray(1000, 2000))).toBe(true)
    expect(hub.tally.kind('GET blob')).toEqual({ requests: 1, bytes: 0 })
    expect(hub.cdn.tally.kind('GET blob')).toEqual({ requests: 2, bytes: bytes.length + 1000 })
    expect((await ask(`${NAME}/blobs/sha256:${'0'.repeat(64)}`)).status).toBe(404)
  })

  test('have URLs that end, that nobody can make, and that are for GET without Authorization', async () => {
    const { layer } = await published()
    hub.cdn.signedForSeconds = 60
    const url = await signedUrl(layer)
    expect((await exchange(url, { method: 'HEAD' })).status).toBe(403)
    expect((await get(url, { authorization: 'Bearer x' })).status).toBe(400)
    expect((await get(url.replace(/expires=\d/, 'expires=9'))).status).toBe(403)
    clock.jump(59_000)
    expect((await get(url)).status).toBe(200)
    clock.jump(1_000)
    expect((await get(url)).status).toBe(403)
    expect((await get(await signedUrl(layer))).status).toBe(200)
  })

  test('come from the registry itself when it redirects nobody, or HEAD alone does', async () => {
    const { layer, bytes } = await published()
    const path = `${NAME}/blobs/${layer.descriptor.digest}`
    hub.redirects = 'get'
    const { status, headers } = await head(path)
    expect([status, headers['content-length'], headers['docker-content-digest']]).toEqual([
      200,
      `${bytes.length}`,
      layer.descriptor.digest,
    ])
    expect((await ask(path)).status).toBe(307)
    hub.redirects = 'none'
    expect((await ask(path)).body.equals(bytes)).toBe(true)
  })

  test('are had through the repositories that have them only', async () => {
    const { layer } = await published()
    hub.publish('org/y', 'latest', await makeImage({ seed: 2 }))
    expect(errorOf(await ask(`org/y/blobs/${layer.descriptor.digest}`))).toBe('BLOB_UNKNOWN')
  })
})

describe('faults', () => {
  test('cut a blob after so many bytes, or at random ones that are the same for the same seed', async () => {
    const { layer } = await published()
    const url = await signedUrl(layer)
    hub.cdn.fail(/^\/blobs\//, cutAfter(1234, 'fin'), 1)
    expect(await exchange(url)).toMatchObject({ complete: false, body: { length: 1234 } })
    const rounds: number[][] = []
    for (const _ of [1, 2]) {
      const healed = hub.cdn.fail(/^\/blobs\//, cutAtRandom(5, 9000, 'fin'))
      const lengths: number[] = []
      for (const _ of [1, 2, 3, 4]) lengths.push((await exchange(url)).body.length)
      rounds.push(lengths)
      healed()
    }
    expect(rounds[0]).toEqual(rounds[1])
    expect(new Set(rounds[0]).size).toBe(4)
    expect((await get(url)).status).toBe(200)
  })

  test('change a byte of a blob', async () => {
    const { layer, bytes } = await published()
    hub.cdn.fail(/^\/blobs\//, flip(77))
    const { body } = await get(await signedUrl(layer))
    expect([...body.keys()].filter((at) => body[at] !== bytes[at])).toEqual([77])
  })

  test('leave a blob unended', async () => {
    const { layer, bytes } = await published()
    const url = await signedUrl(layer)
    hub.cdn.fail(/^\/blobs\//, stallAfter(500))
    const client = new HttpClient()
    const reading = await client.open(url)
    expect((await reading.take(500)).equals(bytes.subarray(0, 500))).toBe(true)
    expect([reading.complete, hub.cdn.tally.inFlight]).toEqual([false, 1])
    reading.abort()
    client.close()
  })

  test('give a manifest the digest of another, or none, and refuse HEAD', async () => {
    const { image } = await published()
    const other = `sha256:${'f'.repeat(64)}`
    hub.fail(/\/manifests\//, changed({ 'docker-content-digest': other }), 1)
    hub.fail(({ kind }) => kind === 'HEAD manifest', instead(answer(405)))
    const wrong = await ask(`${NAME}/manifests/latest`)
    expect([wrong.headers['docker-content-digest'], wrong.body.equals(image.bytes)]).toEqual([other, true])
    hub.fail(/\/manifests\//, changed({ 'docker-content-digest': '' }), 1)
    expect(Object.keys((await ask(`${NAME}/manifests/latest`)).headers)).not.toContain('docker-content-digest')
    expect((await head(`${NAME}/manifests/latest`)).status).toBe(405)
  })
})

describe('lists', () => {
  test.each(['absolute', 'relative'] as const)('of tags come in pages, each with an %s Link to the next', async (links) => {
    hub.links = links
    hub.pageSize = 2
    const image = await makeImage()
    for (const tag of ['1.9', '1.10', 'latest', 'a']) hub.publish(NAME, tag, image)
    const tags = ({ body }: Reply) => JSON.parse(body.toString()).tags
    const first = await ask(`${NAME}/tags/list`)
    const target = `/v2/${NAME}/tags/list?last=1.9&n=2`
    expect(first.headers.link).toBe(`<${links === 'absolute' ? hub.origin : ''}${target}>; rel="next"`)
    const second = await ask(target.replace('/v2/', ''))
    expect([tags(first), tags(second), second.headers.link]).toEqual([['1.10', '1.9'], ['a', 'latest'], undefined])
    const none = await ask(`${NAME}/tags/list?n=0`)
    expect([tags(none), none.headers.link]).toEqual([[], undefined])
    expect(tags(await ask(`${NAME}/tags/list?n=1`))).toEqual(['1.10'])
  })

  test('of referrers have what refers to an image, all or of one type, unless the registry knows of none', async () => {
    const { image } = await published()
    const [signature, note] = ['signature', 'note'].map((type) =>
      makeArtifact(image, `application/x.${type}`, Buffer.from(type)),
    )
    for (const artifact of [signature, note]) if (artifact) hub.publish(NAME, undefined, artifact)
    const path = `${NAME}/referrers/${image.descriptor.digest}`
    const listed = ({ body }: Reply) => JSON.parse(body.toString()).manifests
    const all = await ask(path)
    expect(all.headers['content-type']).toBe(MEDIA_TYPES.oci.index)
    expect(listed(all)).toEqual([signature?.descriptor, note?.descriptor])
    const some = await ask(`${path}?artifactType=application/x.note`)
    expect([listed(some), some.headers['oci-filters-applied']]).toEqual([[note?.descriptor], 'artifactType'])
    hub.hasReferrers = false
    expect((await ask(path)).status).toBe(404)
  })
})

test('all three are gone and back on the same ports', async () => {
  const { layer } = await published()
  const url = await signedUrl(layer)
  const asked = [`${hub.origin}/v2/`, hub.tokens.realm, url]
  await hub.gone()
  for (const each of asked) await expect(get(each)).rejects.toThrow(/ECONNREFUSED/)
  await hub.back()
  const statuses = []
  for (const each of asked) statuses.push((await get(each)).status)
  expect(statuses).toEqual([401, 400, 200])
})
