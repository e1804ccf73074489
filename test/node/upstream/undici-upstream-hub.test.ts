import { afterEach, beforeEach, expect, test } from 'vitest'
import { readAll } from '../../../node/body.ts'
import { Secret } from '../../../node/secret.ts'
import type { UndiciUpstream } from '../../../node/upstream/undici-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { makeImage } from '../../harness/oci-images.ts'
import { type Manifest, MEDIA_TYPES } from '../../harness/oci-types.ts'
import { ScriptedHub } from '../../harness/scripted-hub.ts'
import { failure, makeUpstream, NEVER, read } from './fixture.ts'

const NAME = 'library/x'
const ACCEPT = Object.values(MEDIA_TYPES)
  .flatMap(({ index, manifest }) => [index, manifest])
  .join(', ')

useLeakCheck()
let clock: VirtualClock
let hub: ScriptedHub
let image: Manifest
let upstream: UndiciUpstream

beforeEach(async () => {
  clock = new VirtualClock()
  hub = await new ScriptedHub(clock).start()
  image = await makeImage()
  hub.publish(NAME, 'latest', image)
  upstream = makeUpstream({}, { clock, random: () => 0 })
})

afterEach(async () => {
  await upstream.close()
  await hub.stop()
})

function request(path: string, more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  const url = `${hub.origin}/v2/${NAME}/${path}`
  const scope = `repository:${NAME}:pull`
  return { method: 'GET', url, base: `${hub.origin}/`, headers: { accept: ACCEPT }, scope, ...more }
}

async function ask(path: string, more: Partial<UpstreamRequest> = {}, by = upstream) {
  const response = await by.fetch(request(path, more), NEVER)
  return { status: response.status, bytes: await read(response.body) }
}

test('an image is had with one token, which does not go to where its layers are', async () => {
  expect(await ask('manifests/latest', { method: 'HEAD' })).toMatchObject({ status: 200 })
  expect((await ask('manifests/latest')).bytes.equals(image.bytes)).toBe(true)
  for (const { descriptor, open } of image.blobs) {
    const { bytes } = await ask(`blobs/${descriptor.digest}`)
    expect(bytes.equals(await readAll(open()))).toBe(true)
  }
  expect(hub.tokens.tally.total.requests).toBe(1)
  expect(hub.tally.log.filter(({ status }) => status === 401)).toHaveLength(1)
  expect(hub.cdn.tally.log).toHaveLength(image.blobs.length)
  for (const { headers } of hub.cdn.tally.log) expect(headers).not.toHaveProperty('authorization')
})

test('a token that ends between manifest and layer is replaced, and one that was revoked, too', async () => {
  await ask('manifests/latest')
  await clock.advance(hub.tokens.lifeSeconds * 1000)
  const [blob] = image.blobs
  expect((await ask(`blobs/${blob?.descriptor.digest}`)).status).toBe(200)
  hub.tokens.revoke()
  expect((await ask(`blobs/${blob?.descriptor.digest}`)).status).toBe(200)
  expect(hub.tokens.tally.total.requests).toBe(3)
})

test('it may give its token under the other name, without a scope in its challenge, and not say how long it lives', async () => {
  hub.tokens.field = 'access_token'
  hub.tokens.tellsLife = false
  hub.challengesScope = false
  expect((await ask('manifests/latest')).status).toBe(200)
  await clock.advance(50_000)
  expect((await ask('manifests/latest')).status).toBe(200)
  expect(hub.tokens.tally.total.requests).toBe(2)
})

test('what is private is had with credentials, and denied with wrong ones', async () => {
  hub.content.setPrivate(NAME)
  hub.tokens.users.set('ann', 'hunter2')
  expect((await ask('manifests/latest')).status).toBe(401)
  const as = (password: string) =>
    makeUpstream({ credentials: [{ origin: hub.origin, username: 'ann', password: new Secret(password) }] }, { clock })
  expect((await ask('manifests/latest', {}, as('hunter2'))).bytes.equals(image.bytes)).toBe(true)
  expect(await failure(ask('manifests/latest', {}, as('hunter3')))).toMatchObject({ code: 'UPSTREAM_DENIED' })
})

test('its limit is read from what it answers to HEAD, which costs nothing, and is kept to when it is reached', async () => {
  hub.limitPulls(2)
  await ask('manifests/latest', { method: 'HEAD' })
  expect(upstream.budget(hub.origin)).toMatchObject({ limit: 2, remaining: 2, window: 21_600, isLow: false })
  await ask('manifests/latest')
  expect(upstream.budget(hub.origin)).toMatchObject({ remaining: 1, isLow: true })
  await ask('manifests/latest')
  const error = await failure(ask('manifests/latest'))
  expect(error).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: expect.any(Number) })
  const asked = hub.tally.total.requests
  for (const method of ['HEAD', 'GET'] as const)
    expect(await failure(ask('manifests/latest', { method }))).toMatchObject({ code: 'UPSTREAM_BUSY' })
  expect(hub.tally.total.requests).toBe(asked)
  expect(upstream.budget(hub.origin)).toMatchObject({ remaining: 0, isLow: true })
})
