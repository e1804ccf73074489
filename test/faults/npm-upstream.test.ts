import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Overrides } from '../../node/components.ts'
import { type Answer, answer, captivePortal, garbage, json, redirect, serve, tooMany } from '../harness/answer.ts'
import {
  chunked,
  cutAfter,
  declare,
  delay,
  endless,
  type Fault,
  flip,
  hangUp,
  labelled,
  rangeless,
  spoil,
  stallAfter,
  untilClose,
} from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { startNode, storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

const BYTES = new Random(5).bytes(700_000)
const SMALL = BYTES.subarray(0, 20_000)
const HOUR = 3_600_000
const TARBALL = '/thing/-/thing-1.0.0.tgz'
useLeakCheck()
const temp = useTempFolders()

function manifestOf(bytes: Buffer) {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  return { name: 'thing', version: '1.0.0', dist: { integrity, tarball: `http://registry.example.test${TARBALL}` } }
}

function packument(versions: string[]) {
  const manifest = manifestOf(SMALL)
  return {
    name: 'thing',
    'dist-tags': { latest: versions.at(-1) },
    versions: Object.fromEntries(versions.map((version) => [version, { ...manifest, version }])),
  }
}

async function nodeBefore(bytes: Buffer = BYTES, overrides: Overrides = {}) {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  upstream.on('/thing/1.0.0', json(manifestOf(bytes)))
  const started = await startNode({ data: temp.create('data'), upstream: upstream.origin, overrides })
  return { upstream, ...started, tarball: `${started.url}/npm${TARBALL}`, name: `${started.npm}thing` }
}

const good = serve(BYTES, { etag: '"one"' })

describe('a tarball whose upstream', () => {
  it.each<[string, Fault[]]>([
    ['cuts the body by a reset', [cutAfter(300_000)]],
    ['ends the connection early', [cutAfter(300_000, 'fin')]],
    ['goes silent in the middle', [stallAfter(123_456)]],
    ['hangs up before it says anything', [hangUp()]],
    ['cuts a chunked body', [chunked(), cutAfter(200_000)]],
    ['never ends its chunks', [endless('fin')]],
    ['labels it as compressed', [labelled()]],
    ['sends it in chunks', [chunked()]],
    ['ends it with the connection', [untilClose()]],
  ])('%s is whole and right for the client, and kept', async (_name, faults) => {
    const { upstream, tarball, status } = await nodeBefore()
    upstream.on(TARBALL, spoil(good, ...faults), good)
    const reply = await exchange(tarball)
    expect([reply.status, reply.complete, reply.body.equals(BYTES)]).toEqual([200, true, true])
    expect(reply.headers['content-encoding']).toBeUndefined()
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    const again = await exchange(tarball)
    expect([again.headers['x-warren-source'], again.body.equals(BYTES)]).toEqual(['local', true])
  })

  it('cuts and ignores Range is whole all the same', async () => {
    const { upstream, tarball } = await nodeBefore()
    upstream.on(TARBALL, spoil(good, cutAfter(300_000)), spoil(good, rangeless()))
    const reply = await exchange(tarball)
    expect([reply.complete, reply.body.equals(BYTES)]).toEqual([true, true])
  })

  it('sends one wrong byte in a small file is asked once more, and the client notices nothing', async () => {
    const { upstream, tarball, status } = await nodeBefore(SMALL)
    upstream.on(TARBALL, spoil(serve(SMALL), flip(10_000)), serve(SMALL))
    const reply = await exchange(tarball)
    expect([reply.status, reply.complete, reply.body.equals(SMALL), upstream.count(TARBALL)]).toEqual([200, true, true, 2])
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
  })

  it.each<[string, Fault]>([
    ['one wrong byte in a large file', flip(650_000)],
    ['fewer bytes than it promises', declare(800_000)],
    ['more bytes than it promises', declare(600_000)],
  ])('sends %s breaks the transfer, keeps nothing, and is right the next time', async (_name, fault) => {
    const node = await nodeBefore()
    const { upstream, tarball } = node
    upstream.on(TARBALL, spoil(good, fault), spoil(good, fault), good)
    const bad = await exchange(tarball)
    expect(bad.status === 200 && bad.complete).toBe(false)
    // The manifest, if it was faster than the failure.
    expect((await storeAtRest(node)).blobs).toBeLessThanOrEqual(1)
    for (let left = 3; left > 0; left--) {
      const next = await exchange(tarball)
      if (!next.complete || next.status !== 200) continue
      expect(next.body.equals(BYTES)).toBe(true)
      return
    }
    throw new Error('it never became right')
  })

  it.each<[string, Record<string, string>]>([
    ['whole', {}],
    ['in part', { range: 'bytes=0-99' }],
    ['from where a download broke off', { range: 'bytes=400000-' }],
  ])('sends nothing and says 200 is trouble for who asks %s, not the end', async (_name, headers) => {
    const { upstream, tarball } = await nodeBefore()
    upstream.on(TARBALL, serve(''))
    const reply = await exchange(tarball, { headers })
    expect([reply.status, reply.headers['content-range'], upstream.count(TARBALL)]).toEqual([503, undefined, 2])
  })

  it('sends nothing once is asked once more', async () => {
    const { upstream, tarball } = await nodeBefore()
    upstream.on(TARBALL, serve(''), good)
    const reply = await exchange(tarball)
    expect([reply.status, reply.complete, reply.body.equals(BYTES)]).toEqual([200, true, true])
  })

  it.each<[string, Answer, number]>([
    ['answers 500', answer(500, 'oops'), 503],
    ['answers 503', answer(503, 'later'), 503],
    ['answers 429 with seconds', tooMany(60), 429],
    // Far enough away for the slowest run: it is worked out before the first test begins.
    ['answers 429 with a date', tooMany(new Date(Date.now() + HOUR)), 429],
    ['speaks no HTTP', garbage(), 503],
    ['shows the login page of a hotel', captivePortal(), 503],
    ['redirects in a circle', redirect(TARBALL), 503],
    ['redirects to a file', redirect('file:///etc/passwd'), 503],
  ])(
    '%s is trouble for the client, in the form of npm and with Retry-After, and nothing is kept',
    async (_name, step, code) => {
      const node = await nodeBefore()
      const { upstream, tarball } = node
      upstream.on(TARBALL, step)
      const reply = await exchange(tarball)
      if (reply.status === 200) expect(reply.complete).toBe(false)
      else {
        expect([reply.status, reply.headers['content-type']]).toEqual([code, expect.stringContaining('application/json')])
        expect(JSON.parse(reply.body.toString()).error).toEqual(expect.any(String))
        if (code === 429) expect(Number(reply.headers['retry-after'])).toBeGreaterThan(30)
      }
      expect((await storeAtRest(node)).blobs).toBeLessThanOrEqual(1)
    },
  )

  it('says 404 is a 404, and says so only while upstream does', async () => {
    const { upstream, url } = await nodeBefore()
    const reply = await exchange(`${url}/npm/nothing/-/nothing-1.0.0.tgz`)
    expect([reply.status, JSON.parse(reply.body.toString()).error]).toEqual([404, expect.any(String)])
    await upstream.gone()
    expect((await exchange(`${url}/npm/other/-/other-1.0.0.tgz`)).status).toBe(503)
  })
})

describe('a document whose upstream', () => {
  it.each<[string, Answer]>([
    ['sends HTML', captivePortal()],
    ['sends an empty object', json({})],
    ['sends half of it', serve('{"name":"thing","versions":{"1.0.0":{"na', { 'content-type': 'application/json' })],
    ['sends nothing', serve('', { 'content-type': 'application/json' })],
    ['answers 500', answer(500, 'oops')],
    ['is limited', tooMany(30)],
    ['hangs', spoil(json({}), delay(60_000))],
    ['breaks off', spoil(json(packument(['1.0.0', '2.0.0'])), cutAfter(50))],
  ])('%s stays as it was, marked as stale', { timeout: 60_000 }, async (_name, step) => {
    const clock = new ShiftedClock()
    const { upstream, name } = await nodeBefore(BYTES, { clock })
    upstream.on('/thing', json(packument(['1.0.0'])), step)
    expect((await exchange(name)).status).toBe(200)
    clock.shift += HOUR
    const held = await exchange(name)
    expect([held.status, held.headers['x-warren-source'], Object.keys(JSON.parse(held.body.toString()).versions)]).toEqual([
      200,
      'stale',
      ['1.0.0'],
    ])
    expect(Number(held.headers.age)).toBeGreaterThanOrEqual(3600)
  })

  it.each<[string, Answer]>([
    ['sends HTML', captivePortal()],
    ['sends an empty object', json({})],
    ['answers 500', answer(500, 'oops')],
    ['is limited', tooMany(30)],
  ])('%s is trouble for whoever has no older copy', async (_name, step) => {
    const { upstream, name, status } = await nodeBefore()
    upstream.on('/thing', step)
    const reply = await exchange(name)
    expect([429, 503]).toContain(reply.status)
    expect(JSON.parse(reply.body.toString()).error).toEqual(expect.any(String))
    expect((await status()).store.records).toBe(0)
  })

  it('is gone is a 404 again, whatever was held', async () => {
    const clock = new ShiftedClock()
    const { upstream, name } = await nodeBefore(BYTES, { clock })
    upstream.on('/thing', json(packument(['1.0.0'])), answer(404, '{}'))
    expect((await exchange(name)).status).toBe(200)
    clock.shift += HOUR
    expect((await exchange(name)).status).toBe(404)
  })

  it('says that nothing changed is asked with its own validators, and the copy is fresh again', async () => {
    const clock = new ShiftedClock()
    const { upstream, name } = await nodeBefore(BYTES, { clock })
    const seen: (string | undefined)[] = []
    upstream.on('/thing', ({ headers }) => {
      seen.push(headers['if-none-match'])
      return json(packument(['1.0.0']), { etag: '"v1"' })
    })
    const first = await exchange(name)
    clock.shift += HOUR
    const second = await exchange(name)
    const third = await exchange(name)
    expect([first, second, third].map((reply) => [reply.headers['x-warren-source'], reply.body.length])).toEqual([
      ['upstream', first.body.length],
      ['upstream', first.body.length],
      ['local', first.body.length],
    ])
    expect(seen).toEqual([undefined, '"v1"'])
  })
})
