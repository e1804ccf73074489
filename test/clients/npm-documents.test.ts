import { describe, expect, it } from 'vitest'
import { answer, captivePortal, json, serve } from '../harness/answer.ts'
import { cutAfter, spoil } from '../harness/fault.ts'
import { exchange, type Reply } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import {
  ABBREVIATED,
  askAs,
  errorOf,
  INSTALL_ACCEPT,
  nodeBeforeReplay,
  nodeBeforeScript,
  packumentText,
  parsed,
} from './behind.ts'

useLeakCheck()
const temp = useTempFolders()
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const FULL = { accept: 'application/json' }
const INSTALL = { accept: INSTALL_ACCEPT }
const NO_CACHE = { 'cache-control': 'no-cache' }

const etagOf = (reply: Reply) => reply.headers.etag as string
const versionsOf = (reply: Reply) => Object.keys(parsed(reply).versions as object)
const kindOf = (reply: Reply) => [
  reply.status,
  reply.headers['content-type'],
  'readme' in parsed(reply),
  'modified' in parsed(reply),
]

describe('a document under two names of the node', () => {
  it('has two entity tags, and the tag of one name is worth nothing under the other', async () => {
    const { npm, url, replay } = await nodeBeforeReplay(temp)
    const { port } = new URL(url)
    const tags = new Map<string, string>()
    for (const host of ['127.0.0.1', 'localhost']) {
      const reply = await askAs(host, `${npm}part-0`, FULL)
      expect(reply.body.toString()).toContain(`"http://${host}:${port}/npm/part-0/-/part-0-1.1.0.tgz"`)
      tags.set(host, etagOf(reply))
    }
    const [ip = '', name = ''] = tags.values()
    expect(ip).not.toBe(name)
    for (const [host, own, other] of [
      ['127.0.0.1', ip, name],
      ['localhost', name, ip],
    ] as const) {
      const same = await askAs(host, `${npm}part-0`, { ...FULL, 'if-none-match': own })
      expect([same.status, same.body.length, etagOf(same)]).toEqual([304, 0, own])
      const foreign = await askAs(host, `${npm}part-0`, { ...FULL, 'if-none-match': other })
      expect([foreign.status, etagOf(foreign)]).toEqual([200, own])
      expect(foreign.body.toString()).toContain(`http://${host}:${port}/`)
    }
    expect(replay.tally.total.requests).toBe(1)
  })

  it('has the tags of its compressed forms told apart as well', async () => {
    const { npm, url } = await nodeBeforeReplay(temp, new SyntheticRegistry({ packages: 10, versions: 20 }))
    const gzip = { ...FULL, 'accept-encoding': 'gzip' }
    const compressed = await eventually('it is compressed', async () => {
      const reply = await askAs('localhost', `${npm}part-0`, gzip)
      return reply.headers['content-encoding'] === 'gzip' && reply
    })
    const again = { ...gzip, 'if-none-match': etagOf(compressed) }
    expect((await askAs('localhost', `${npm}part-0`, again)).status).toBe(304)
    const foreign = await askAs(new URL(url).hostname, `${npm}part-0`, again)
    expect(foreign.status).toBe(200)
  })

  it('is stored as upstream wrote it, and never with the name of a caller', async () => {
    const { npm, status } = await nodeBeforeReplay(temp)
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'host.docker.internal']) await askAs(host, `${npm}part-0`, FULL)
    expect((await status()).store.blobs).toBe(1)
  })

  it('is not written for a name that the node does not have', async () => {
    const { npm, replay } = await nodeBeforeReplay(temp)
    const reply = await askAs('registry.example.test', `${npm}part-0`, FULL)
    expect([reply.status, replay.tally.total.requests]).toEqual([421, 0])
  })
})

describe('the full and the abbreviated document', () => {
  const FULL_KIND = [200, 'application/json', true, false]
  const SHORT_KIND = [200, ABBREVIATED, false, true]

  it.each([
    ['npm after pnpm', INSTALL, FULL, SHORT_KIND, FULL_KIND],
    ['pnpm after npm', FULL, INSTALL, FULL_KIND, SHORT_KIND],
    ['berry, which names no type, after bun', INSTALL, {}, SHORT_KIND, FULL_KIND],
  ])('are two objects: %s', async (_, first, second, firstKind, secondKind) => {
    const { npm, replay, status } = await nodeBeforeReplay(temp)
    const replies = [await exchange(`${npm}part-0`, { headers: first }), await exchange(`${npm}part-0`, { headers: second })]
    expect(replies.map(kindOf)).toEqual([firstKind, secondKind])
    for (const reply of replies) expect(reply.headers.vary?.toLowerCase()).toContain('accept')
    // And from the store, where one must not take the place of the other.
    expect(kindOf(await exchange(`${npm}part-0`, { headers: first }))).toEqual(firstKind)
    expect(kindOf(await exchange(`${npm}part-0`, { headers: second }))).toEqual(secondKind)
    expect([replay.tally.total.requests, (await status()).store.blobs]).toEqual([2, 2])
    // The tag of one is worth nothing for the other.
    const tag = etagOf(replies[0] as Reply)
    expect((await exchange(`${npm}part-0`, { headers: { ...second, 'if-none-match': tag } })).status).toBe(200)
  })

  it('stand in one way only: with upstream gone, the full one for the abbreviated one, as what it is', async () => {
    const { npm, replay } = await nodeBeforeReplay(temp)
    await exchange(`${npm}part-0`, { headers: FULL })
    await exchange(`${npm}part-1`, { headers: INSTALL })
    await replay.gone()
    const standIn = await exchange(`${npm}part-0`, { headers: INSTALL })
    expect([kindOf(standIn), standIn.headers['x-warren-source']]).toEqual([FULL_KIND, 'stale'])
    const short = await exchange(`${npm}part-1`, { headers: FULL })
    expect([short.status, errorOf(short)]).toEqual([503, expect.any(String)])
  })
})

describe('a version', () => {
  it('that was unpublished leaves the document after its time, and its tarball stays', async () => {
    const clock = new ShiftedClock()
    const registry = new SyntheticRegistry({ packages: 10 })
    const { npm, replay, status } = await nodeBeforeReplay(temp, registry, { clock })
    const tarball = `${npm}part-0/-/part-0-1.1.0.tgz`
    expect(versionsOf(await exchange(`${npm}part-0`))).toEqual(['1.0.0', '1.1.0'])
    const { body } = await exchange(tarball)
    await eventually('it is kept', async () => (await status()).store.blobs === 2)
    registry.recording.record('/part-0', 200, {}, Buffer.from(packumentText('part-0', [['1.0.0', {}]])))
    for (const path of ['/part-0/1.1.0', '/part-0/-/part-0-1.1.0.tgz']) registry.recording.forget(path)
    expect(versionsOf(await exchange(`${npm}part-0`))).toEqual(['1.0.0', '1.1.0'])
    clock.shift += HOUR
    expect(versionsOf(await exchange(`${npm}part-0`))).toEqual(['1.0.0'])
    const kept = await exchange(tarball)
    expect([kept.headers['x-warren-source'], kept.body.equals(body)]).toEqual(['local', true])
    expect(replay.tally.kind('tarball').requests).toBe(1)
    // Whoever never had it does not get it.
    expect((await exchange(`${npm}part-0/1.1.0`)).status).toBe(404)
  })

  it('that was just published is seen after five minutes at most, and at once by who asks for no cached copy', async () => {
    const clock = new ShiftedClock()
    const { npm, upstream } = await nodeBeforeScript(temp, { clock })
    const dist = { tarball: `${upstream.origin}/thing/-/thing-1.0.0.tgz` }
    const held = { 'cache-control': 'public, max-age=31536000' }
    const one = serve(packumentText('thing', [['1.0.0', dist]]), held)
    const two = serve(
      packumentText('thing', [
        ['1.0.0', dist],
        ['2.0.0', dist],
      ]),
      held,
    )
    const three = serve(
      packumentText('thing', [
        ['1.0.0', dist],
        ['2.0.0', dist],
        ['3.0.0', dist],
      ]),
      held,
    )
    upstream.on('/thing', one, two, three)
    expect(versionsOf(await exchange(`${npm}thing`))).toEqual(['1.0.0'])
    // A burst of such wishes right after a fetch costs upstream nothing.
    clock.shift += 9 * SECOND
    expect(versionsOf(await exchange(`${npm}thing`, { headers: NO_CACHE }))).toEqual(['1.0.0'])
    clock.shift += 2 * SECOND
    expect(versionsOf(await exchange(`${npm}thing`))).toEqual(['1.0.0'])
    expect(versionsOf(await exchange(`${npm}thing`, { headers: NO_CACHE }))).toEqual(['1.0.0', '2.0.0'])
    clock.shift += 4 * MINUTE
    expect(versionsOf(await exchange(`${npm}thing`))).toEqual(['1.0.0', '2.0.0'])
    clock.shift += 5 * MINUTE
    expect(versionsOf(await exchange(`${npm}thing`))).toEqual(['1.0.0', '2.0.0', '3.0.0'])
    expect(upstream.count('/thing')).toBe(3)
  })
})

describe('a good document is never replaced', () => {
  const good = packumentText('thing', [['1.0.0', { tarball: 'http://registry.example.test/thing/-/thing-1.0.0.tgz' }]])
  const spare = packumentText('thing', [
    ['1.0.0', {}],
    ['2.0.0', {}],
  ])

  it.each([
    ['truncated JSON', serve(good.slice(0, -10))],
    ['truncated JSON with a length that is right', serve(good.slice(0, 30), { 'content-type': 'application/json' })],
    ['a transfer that breaks off twice', spoil(serve(spare), cutAfter(40))],
    ['an empty object', json({})],
    ['an empty body', serve('')],
    ['an error with status 200', json({ error: 'internal' })],
    ['null', json(null)],
    ['a list', json([])],
    ['no versions', json({ name: 'thing' })],
    ['a login page', captivePortal()],
    ['bytes that are no UTF-8', serve(Buffer.from('{"name":"thing","versions":{},"x":"\xff"}', 'latin1'))],
    ['a 206', answer(206, good, { 'content-range': `bytes 0-1/2` })],
    ['a 204', answer(204)],
  ])('by %s, neither for now nor for good', async (_, bad) => {
    const clock = new ShiftedClock()
    const { npm, upstream, status } = await nodeBeforeScript(temp, { clock })
    upstream.on('/thing', serve(good))
    const before = await exchange(`${npm}thing`)
    clock.shift += HOUR
    upstream.on('/thing', bad)
    const during = await exchange(`${npm}thing`)
    expect([during.status, during.headers['x-warren-source'], during.body.toString()]).toEqual([
      200,
      'stale',
      before.body.toString(),
    ])
    expect((await status()).store.blobs).toBe(1)
    upstream.on('/thing', serve(spare))
    // What went wrong before is no reason to wait.
    clock.shift += 15 * SECOND
    const after = await eventually('upstream is asked again', async () => {
      const reply = await exchange(`${npm}thing`)
      return versionsOf(reply).length === 2 && reply
    })
    expect(after.status).toBe(200)
  })
})
