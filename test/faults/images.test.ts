import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { answer } from '../harness/answer.ts'
import { cutAtRandom, flip, instead } from '../harness/fault.ts'
import { get } from '../harness/http.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { startHub } from './image-node.ts'
import { blobUrl, hubWithLayer, openClient, readRest, startProcessBefore } from './one-layer.ts'

const MIB = 1 << 20
const LARGE = 500 * MIB
const CUTS = 20
const TIMEOUT_MS = 240_000

useLeakCheck()
const temp = useTempFolders()

describe('a layer of 500 MB that nobody has', () => {
  it('is whole for everybody though upstream breaks off at random bytes twenty times', { timeout: TIMEOUT_MS }, async () => {
    const { hub, layer } = await hubWithLayer(LARGE)
    const node = await startProcessBefore(hub, temp.create('node'))
    hub.cdn.fail(/^\/blobs\//, cutAtRandom(7, LARGE / CUTS), CUTS)
    const client = openClient()
    const readings = await Promise.all(Array.from({ length: 5 }, () => client.open(blobUrl(node.url, layer))))
    for (const end of await Promise.all(readings.map((one) => readRest(one, true)))) {
      expect(end).toEqual({ bytes: layer.descriptor.size, digest: layer.descriptor.digest })
    }
    expect(hub.cdn.tally.kind('GET blob').requests).toBe(CUTS + 1)
  })
})

describe('a layer of which upstream', () => {
  it('sends one wrong byte breaks off, is not kept, and is right the next time', { timeout: TIMEOUT_MS }, async () => {
    const { hub, layer } = await hubWithLayer(3 * MIB)
    const mirrors = imageMirrors({ 'docker.io': hub })
    const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors })
    const undo = hub.cdn.fail(/^\/blobs\//, flip(MIB))
    const client = openClient()
    const wrong = await client.exchange(blobUrl(node.url, layer))
    expect(wrong.complete).toBe(false)
    expect((await storeAtRest(node)).blobs).toBe(0)
    undo()
    const right = await client.exchange(blobUrl(node.url, layer))
    expect([right.complete, createHash('sha256').update(right.body).digest('hex')]).toEqual([
      true,
      layer.descriptor.digest.slice('sha256:'.length),
    ])
  })

  it('signed the URL for minutes is fetched by a new one an hour later', { timeout: TIMEOUT_MS }, async () => {
    const clock = new ShiftedClock()
    const hub = await startHub(clock)
    const image = await makeImage()
    hub.publish('library/x', 'latest', image)
    const mirrors = imageMirrors({ 'docker.io': hub })
    const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors, overrides: { clock } })
    const urls = image.blobs.map(({ descriptor }) => `${node.url}/v2/library/x/blobs/${descriptor.digest}`)
    for (const url of urls) {
      const reply = await get(url)
      expect([reply.status, reply.headers.location, reply.headers['www-authenticate']]).toEqual([200, undefined, undefined])
      clock.pass(3_600_000)
    }
    // Neither token nor credential went to where the registry redirects.
    expect(hub.cdn.tally.kind('GET blob').requests).toBe(urls.length)
  })
})

describe('near and beyond the limit of pulls', () => {
  it('stale tags are served, cold ones wait or are told when to come back, and blobs go on', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const clock = new ShiftedClock()
    const hub = await startHub(clock)
    const [one, two, three] = [await makeImage({ seed: 1 }), await makeImage({ seed: 2 }), await makeImage({ seed: 3 })]
    hub.publish('library/x', 'latest', one)
    hub.limitPulls(10)
    const mirrors = imageMirrors({ 'docker.io': hub })
    const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors, overrides: { clock } })
    const pull = (name: string) => get(`${node.url}/v2/${name}/manifests/latest`)
    expect((await pull('library/x')).body.equals(one.bytes)).toBe(true)
    for (const { descriptor } of one.blobs) await get(`${node.url}/v2/library/x/blobs/${descriptor.digest}`)
    await storeAtRest(node)
    // Others use up the rest.
    hub.limitPulls(0)
    hub.publish('library/x', 'latest', two)
    clock.pass(600_000)
    await get(`${node.url}/v2/library/x/manifests/latest`, { 'cache-control': 'no-cache' })
    const stale = await pull('library/x')
    expect([stale.status, stale.body.equals(one.bytes)]).toEqual([200, true])
    expect(Number(stale.headers.age)).toBeGreaterThan(60)
    const status = await node.status()
    expect(status.upstream.map(({ budget }) => budget)).toContainEqual(expect.objectContaining({ limit: 0, remaining: 0 }))
    hub.publish('library/y', 'latest', three)
    const cold = await get(`${node.url}/v2/library/y/manifests/latest`)
    expect([cold.status, Number(cold.headers['retry-after']) > 0]).toEqual([429, true])
    expect(JSON.parse(cold.body.toString())).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] })
  })

  it('a limiter that says nothing but 429 is left alone', { timeout: TIMEOUT_MS }, async () => {
    const { hub } = await hubWithLayer(1_000)
    const node = await startNode({
      data: temp.create('node'),
      upstream: hub.origin,
      mirrors: imageMirrors({ 'docker.io': hub }),
    })
    hub.fail(() => true, instead(answer(429)))
    const first = await get(`${node.url}/v2/library/x/manifests/latest`)
    expect(first.status).toBe(429)
    const { requests } = hub.tally.total
    for (let i = 0; i < 5; i++) expect((await get(`${node.url}/v2/library/x/manifests/v${i}`)).status).toBe(429)
    expect(hub.tally.total.requests).toBe(requests)
    await eventually('the status tells of the pause', async () => {
      const { upstream } = await node.status()
      return upstream.some(({ state }) => state === 'frozen')
    })
  })
})
