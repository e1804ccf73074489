import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { readAll } from '../../node/body.ts'
import { cutAfter } from '../harness/fault.ts'
import { HttpClient } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import { type Layer, makeLayer } from '../harness/oci-layers.ts'
import type { ScriptedHub } from '../harness/scripted-hub.ts'
import { type StartedNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { ask, problem, startHub, startImageNode } from './image-node.ts'

const BYTES = 3_000_000
const CUT = 2_000_000
const PARTS = 8

useLeakCheck()
const temp = useTempFolders()

let hub: ScriptedHub
let layer: Layer
let bytes: Buffer
let node: StartedNode
let url: string

beforeEach(async () => {
  hub = await startHub()
  layer = await makeLayer({ bytes: BYTES })
  bytes = await readAll(layer.open())
  hub.publish('library/x', 'latest', await makeImage({ layers: [layer] }))
  node = await startImageNode({ data: temp.create('node'), hubs: { 'docker.io': hub } })
  url = `${node.url}/v2/library/x/blobs/${layer.descriptor.digest}`
})

/** How often the registry was asked for it with a token, and its storage. */
function fetches(): [registry: number, storage: number] {
  const asked = hub.tally.log.filter(({ kind, status }) => kind === 'GET blob' && status !== 401)
  return [asked.length, hub.cdn.tally.kind('GET blob').requests]
}

describe('a layer that upstream keeps elsewhere', () => {
  it('is fetched there without Authorization, and no client is sent there', async () => {
    const digest = layer.descriptor.digest
    for (const round of ['cold', 'warm']) {
      for (const method of ['HEAD', 'GET']) {
        const reply = await ask(url, { method })
        expect([round, method, reply.status]).toEqual([round, method, 200])
        expect(reply.headers).toMatchObject({
          'content-length': `${bytes.length}`,
          'docker-content-digest': digest,
          'accept-ranges': 'bytes',
        })
        // Bytes that are only now being checked have no tag yet by which anybody could put parts together.
        if (round === 'warm' || method === 'HEAD') expect(reply.headers.etag).toBe(`"${digest}"`)
      }
      await storeAtRest(node)
    }
    expect(hub.tally.log.some(({ headers }) => headers.authorization?.startsWith('Bearer '))).toBe(true)
    const atStorage = hub.cdn.tally.log
    expect(atStorage.length).toBeGreaterThan(0)
    expect(atStorage.map(({ headers }) => headers.authorization)).toEqual(atStorage.map(() => undefined))
  })
})

describe('a layer that upstream breaks off', () => {
  it('is whole for the client, since the rest is asked for by Range', async () => {
    hub.cdn.fail(/^\/blobs\//, cutAfter(CUT, 'fin'), 1)
    const reply = await ask(url)
    expect([reply.status, reply.complete, reply.body.equals(bytes)]).toEqual([200, true, true])
    expect(hub.cdn.tally.log.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${CUT}-`])
    await storeAtRest(node)
    await hub.gone()
    const again = await ask(url)
    expect([again.status, again.body.equals(bytes)]).toEqual([200, true])
  })

  it('again and again is not kept short, and is whole once upstream is well', async () => {
    // Nothing but a beginning, however often it is asked.
    hub.cdn.fail(/^\/blobs\//, cutAfter(1_000))
    hub.cdn.fail(({ headers }) => headers.range !== undefined, cutAfter(0))
    const short = await ask(url)
    expect([short.status, short.complete]).toEqual([200, false])
    expect((await storeAtRest(node)).blobs).toBe(0)
    hub.cdn.heal()
    const whole = await ask(url)
    expect([whole.status, whole.complete, whole.body.equals(bytes)]).toEqual([200, true, true])
    expect((await storeAtRest(node)).blobs).toBe(1)
  })
})

describe('ranges of a layer', () => {
  const part = (range: string) => ask(url, { headers: { range } })
  const wanted = [
    { range: 'bytes=-500', first: -500, end: undefined },
    { range: 'bytes=0-0', first: 0, end: 1 },
    { range: `bytes=${CUT}-`, first: CUT, end: undefined },
    { range: `bytes=100-${1 << 30}`, first: 100, end: undefined },
  ]

  for (const { range, first, end } of wanted) {
    it(`are answered the same when it is here and when nobody has it yet: ${range}`, async () => {
      const right = bytes.subarray(first, end)
      const start = first < 0 ? bytes.length + first : first
      for (const round of ['cold', 'warm']) {
        const reply = await part(range)
        expect([round, reply.status, reply.body.equals(right)]).toEqual([round, 206, true])
        expect(reply.headers).toMatchObject({
          'content-range': `bytes ${start}-${start + right.length - 1}/${bytes.length}`,
          'content-length': `${right.length}`,
        })
        await storeAtRest(node)
      }
      expect(fetches()).toEqual([1, 1])
    })
  }

  it('may be several, which come as parts of one answer', async () => {
    for (const round of ['cold', 'warm']) {
      const reply = await part('bytes=0-9,-5')
      const [, boundary] = /^multipart\/byteranges; boundary=([\w-]+)$/.exec(reply.headers['content-type'] ?? '') ?? []
      const parts = reply.body.toString('latin1').split(`--${boundary}`)
      expect([round, reply.status, parts.length]).toEqual([round, 206, 4])
      for (const [at, right] of [bytes.subarray(0, 10), bytes.subarray(-5)].entries()) {
        const [head = '', ...body] = (parts[at + 1] ?? '').split('\r\n\r\n')
        const start = at === 0 ? 0 : bytes.length - right.length
        expect(head).toContain(`content-range: bytes ${start}-${start + right.length - 1}/${bytes.length}`)
        expect(body.join('\r\n\r\n')).toBe(`${right.toString('latin1')}\r\n`)
      }
      await storeAtRest(node)
    }
    expect(fetches()).toEqual([1, 1])
  })

  it('that begin behind its end are refused', async () => {
    await ask(url)
    await storeAtRest(node)
    const reply = await part(`bytes=${bytes.length}-`)
    expect(problem(reply)).toEqual([416, 'SIZE_INVALID'])
    expect(reply.headers['content-range']).toBe(`bytes */${bytes.length}`)
  })

  it('that one client asks for at the same time come from one fetch', async () => {
    const size = Math.ceil(bytes.length / PARTS)
    const parts = await Promise.all(Array.from({ length: PARTS }, (_, i) => part(`bytes=${i * size}-${(i + 1) * size - 1}`)))
    expect(parts.map(({ status }) => status)).toEqual(parts.map(() => 206))
    expect(Buffer.concat(parts.map(({ body }) => body)).equals(bytes)).toBe(true)
    expect(fetches()).toEqual([1, 1])
  })

  it('may go on where another client has left, who was the first to ask', async () => {
    hub.cdn.limit(4_000_000)
    const client = new HttpClient()
    onTestFinished(() => client.close())
    const leader = await client.open(url)
    await leader.take(100_000)
    const following = ask(url)
    const rest = part(`bytes=${CUT}-`)
    leader.abort()
    expect((await following).body.equals(bytes)).toBe(true)
    expect((await rest).body.equals(bytes.subarray(CUT))).toBe(true)
    expect(fetches()).toEqual([1, 1])
  })
})
