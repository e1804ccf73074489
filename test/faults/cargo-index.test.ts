import { describe, expect, it } from 'vitest'
import { answer, captivePortal } from '../harness/answer.ts'
import { instead } from '../harness/fault.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { configOf, pathOf, startCargoNode, startRegistry } from './cargo-node.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const INDEX = 'my/cr/mycrate'

useLeakCheck()
const temp = useTempFolders()

async function nodeWithCrate() {
  const clock = new ShiftedClock()
  const registry = await startRegistry(clock)
  const crate = registry.publish('MyCrate', '1.0.0')
  const data = temp.create('node')
  return { clock, registry, crate, data, ...(await startCargoNode({ data, registry, clock })) }
}

describe('an index file', () => {
  it('is upstream’s, byte for byte', async () => {
    const { registry, ask } = await nodeWithCrate()
    const { status, body, headers } = await ask(INDEX)
    expect([status, body.equals(registry.indexFile('MyCrate'))]).toEqual([200, true])
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(headers['cache-control']).toBe('no-cache')
  })

  it('has the same ETag after a restart, and on every other node', async () => {
    const { registry, data, clock, ask, node } = await nodeWithCrate()
    const { etag } = (await ask(INDEX)).headers
    expect(etag).toMatch(/^"[^"]+"$/)
    await node.stop()
    for (const folder of [data, temp.create('other')]) {
      const other = await startCargoNode({ data: folder, registry, clock })
      const { status, headers, body } = await other.ask(INDEX, { headers: { 'if-none-match': String(etag) } })
      expect([status, headers.etag, body.length]).toEqual([304, etag, 0])
    }
  })

  it('keeps upstream’s Last-Modified exactly, and is confirmed by it', async () => {
    const { clock, registry, ask } = await nodeWithCrate()
    registry.validators = 'last-modified'
    const date = registry.lastModified('MyCrate')
    expect((await ask(INDEX)).headers['last-modified']).toBe(date)
    const again = await ask(INDEX, { headers: { 'if-modified-since': date } })
    expect([again.status, again.headers['last-modified']]).toEqual([304, date])

    clock.pass(10 * MINUTE)
    expect((await ask(INDEX)).status).toBe(200)
    const { headers, status } = registry.tally.log.at(-1) ?? {}
    expect([headers?.['if-modified-since'], status]).toEqual([date, 304])

    registry.publish('MyCrate', '1.1.0')
    clock.pass(10 * MINUTE)
    const newer = await ask(INDEX, { headers: { 'if-modified-since': date } })
    expect([newer.status, newer.headers['last-modified']]).toEqual([200, registry.lastModified('MyCrate')])
    expect(newer.headers['last-modified']).not.toBe(date)
  })

  it('is well where upstream has no validators at all', async () => {
    const { clock, registry, ask } = await nodeWithCrate()
    registry.validators = 'none'
    const { etag } = (await ask(INDEX)).headers
    clock.pass(10 * MINUTE)
    expect((await ask(INDEX, { headers: { 'if-none-match': String(etag) } })).status).toBe(304)
  })

  it('shows a yank once its lifetime is over, under another ETag; what is locked is still there', async () => {
    const { clock, registry, crate, ask } = await nodeWithCrate()
    const { etag } = (await ask(INDEX)).headers
    registry.yank('MyCrate', '1.0.0')
    clock.pass(50 * SECOND)
    expect((await ask(INDEX)).headers.etag).toBe(etag)
    // Upstream itself allows ten minutes.
    clock.pass(11 * SECOND)
    const newer = await eventually('the yank is seen', async () => {
      const reply = await ask(INDEX, { headers: { 'if-none-match': String(etag) } })
      return reply.status === 200 && reply
    })
    expect(newer.body.toString()).toContain('"yanked":true')
    expect(newer.headers.etag).not.toBe(etag)
    expect((await ask(pathOf(crate))).body.equals(crate.archive)).toBe(true)
  })

  it('shows what was published at once to who asks for nothing older, at most every ten seconds', async () => {
    const { clock, registry, ask } = await nodeWithCrate()
    await ask(INDEX)
    registry.publish('MyCrate', '2.0.0')
    const anew = async () => (await ask(INDEX, { headers: { 'cache-control': 'no-cache' } })).body.toString()
    expect(await anew()).not.toContain('2.0.0')
    clock.pass(11 * SECOND)
    expect(await anew()).toContain('2.0.0')
  })

  it('of names that are spelt in another way is asked for once, and then known not to be there', async () => {
    const { clock, registry, ask } = await nodeWithCrate()
    const spellings = ['my/-c/my-crate', 'my/_c/my_crate']
    for (let round = 0; round < 5; round++) {
      for (const path of spellings) expect((await ask(path)).status).toBe(404)
    }
    expect(registry.tally.kind('index').requests).toBe(2)
    registry.publish('my-crate', '1.0.0')
    clock.pass(31 * SECOND)
    expect((await ask('my/-c/my-crate')).status).toBe(200)
  })

  it.each([404, 410, 451, 403])(
    'that upstream answers with %i is answered so, in one line, and is no older copy',
    async (status) => {
      const { clock, registry, ask } = await nodeWithCrate()
      expect((await ask(INDEX)).status).toBe(200)
      registry.fail(/mycrate/, instead(answer(status)))
      clock.pass(10 * MINUTE)
      const reply = await ask(INDEX)
      expect([reply.status, reply.headers['content-type']]).toEqual([status, 'text/plain; charset=utf-8'])
      expect(reply.body.toString()).toMatch(/^cargo: [^\n]{10,}\n$/)
    },
  )

  it.each([
    [500, 503],
    [502, 503],
    [503, 503],
    [401, 403],
    [429, 429],
    [418, 503],
  ])('that upstream answers with %i is %i where there is no older copy, never a 404', async (status, ours) => {
    const { registry, ask } = await nodeWithCrate()
    registry.fail(/mycrate/, instead(answer(status, '', { 'retry-after': '2' })))
    const reply = await ask(INDEX)
    expect(reply.status).toBe(ours)
    if (ours !== 403) expect(reply.headers['retry-after']).toMatch(/^\d+$/)
  })

  it.each([
    ['a web page', captivePortal()],
    ['an empty answer', answer(200)],
    ['the index file of another crate', answer(200, '{"name":"other","vers":"1.0.0","deps":[],"cksum":"","features":{}}\n')],
    ['half of itself', answer(200, '{"name":"MyCrate","vers":"1.0.0","deps":[],"ck')],
    ['an error', answer(503)],
  ])('that upstream replaces by %s stays what it was', async (_what, bad) => {
    const { clock, registry, ask } = await nodeWithCrate()
    const { body } = await ask(INDEX)
    registry.fail(/mycrate/, instead(bad))
    for (const wait of [10 * MINUTE, DAY]) {
      clock.pass(wait)
      const reply = await ask(INDEX)
      expect([reply.status, reply.headers['x-warren-source']]).toEqual([200, 'stale'])
      expect(reply.body.equals(body)).toBe(true)
    }
  })
})

describe('config.json', () => {
  it('leads to the mirror by the name by which the client calls it', async () => {
    const { registry, url, ask } = await nodeWithCrate()
    registry.more = { api: 'https://api.example.test', 'x-more': [1] }
    const { port } = new URL(url)
    const tags = new Set<unknown>()
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      const reply = await ask('config.json', { headers: { host: `${host}:${port}` } })
      expect(configOf(reply)).toEqual({
        dl: `http://${host}:${port}/cargo/crates/{crate}/{version}/{sha256-checksum}.crate`,
        api: 'https://api.example.test',
        'x-more': [1],
      })
      expect(reply.headers['content-type']).toBe('application/json')
      tags.add(reply.headers.etag)
      const again = await ask('config.json', {
        headers: { host: `${host}:${port}`, 'if-none-match': String(reply.headers.etag) },
      })
      expect(again.status).toBe(304)
    }
    expect(tags.size).toBe(3)
    expect(registry.tally.kind('config').requests).toBe(1)
  })

  it.each([
    ['a web page', captivePortal()],
    ['an object without dl', answer(200, '{"api":"https://api.example.test"}')],
    ['a dl that is no web address', answer(200, '{"dl":"file:///etc/{crate}"}')],
    ['one that is too long', answer(200, JSON.stringify({ dl: 'https://example.test', more: 'x'.repeat(100_000) }))],
  ])('that is %s is trouble, not an answer', async (_what, bad) => {
    const { registry, ask } = await nodeWithCrate()
    registry.fail(/config\.json/, instead(bad))
    const reply = await ask('config.json')
    expect([reply.status, reply.headers['x-warren-error']]).toEqual([503, 'UPSTREAM_CORRUPT'])
  })
})

describe('the files of dependencies', () => {
  it('are fetched while the client still reads what it has, so that it finds all of a graph here', async () => {
    const registry = await startRegistry()
    const name = (i: number) => `crate-${i}`
    // A binary tree of a hundred crates, seven levels deep.
    for (let i = 1; i <= 100; i++) {
      const dependencies = [2 * i, 2 * i + 1].filter((next) => next <= 100).map((next) => ({ name: name(next), req: '^1' }))
      registry.publish(name(i), '1.0.0', { dependencies })
    }
    const { ask } = await startCargoNode({ data: temp.create('node'), registry })
    await ask(`cr/at/${name(1)}`)
    await eventually('all of them were asked for', async () => registry.tally.kind('index').requests === 100)
    for (let i = 1; i <= 100; i++) {
      const { status, body } = await ask(`cr/at/${name(i)}`)
      expect([status, body.equals(registry.indexFile(name(i)))]).toEqual([200, true])
    }
    expect(registry.tally.kind('index').requests).toBe(100)
  })

  it('are no reason to fail, however many there are not', async () => {
    const registry = await startRegistry()
    const dependencies = Array.from({ length: 30 }, (_, i) => ({ name: `gone-${i}`, req: '^1' }))
    registry.publish('MyCrate', '1.0.0', { dependencies })
    const { ask } = await startCargoNode({ data: temp.create('node'), registry })
    expect((await ask(INDEX)).status).toBe(200)
    expect((await ask('go/ne/gone-3')).status).toBe(404)
  })
})

describe('what is asked for by mistake', () => {
  it('by git, is answered with a hint', async () => {
    const { registry, ask } = await nodeWithCrate()
    const reply = await ask('info/refs?service=git-upload-pack')
    expect([reply.status, reply.body.toString()]).toEqual([404, expect.stringMatching(/sparse\+/)])
    expect(registry.tally.total.requests).toBe(0)
  })

  it.each([
    ['GET', 'My/Cr/MyCrate', 400, /«my\/cr\/mycrate»/],
    ['GET', '', 400, /sparse\+/],
    ['PUT', 'api/v1/crates/new', 405, /"detail":"Warren is a read cache/],
    ['DELETE', 'api/v1/crates/a/1.0.0/yank', 405, /"detail"/],
  ])('with %s %s, is answered with what would be right', async (method, path, status, words) => {
    const { registry, ask } = await nodeWithCrate()
    const reply = await ask(path, { method })
    expect([reply.status, reply.body.toString()]).toEqual([status, expect.stringMatching(words)])
    expect(registry.tally.total.requests).toBe(0)
  })
})
