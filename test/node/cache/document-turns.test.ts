import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DocumentTurns } from '../../../node/cache/document-turns.ts'
import type { Lookup } from '../../../node/cache/plan.ts'
import { makeCache, NEVER, read, turns, useCacheTests } from './fixture.ts'
import { digestOf, document, indexBytes } from './plans.ts'

useCacheTests()

function makeWork() {
  const running: PromiseWithResolvers<void>[] = []
  const work = () => {
    const one = Promise.withResolvers<void>()
    running.push(one)
    return one.promise
  }
  return { running, work }
}

describe('turns of large documents', () => {
  it('go to two at a time, in the order of asking', async () => {
    const { running, work } = makeWork()
    const all = new DocumentTurns()
    const asked = ['a', 'b', 'c', 'd'].map((kind) => all.run(kind, NEVER, work))
    await turns()
    expect(running).toHaveLength(2)
    running[1]?.reject(new Error('broken'))
    await expect(asked[1]).rejects.toThrow('broken')
    await turns()
    expect(running).toHaveLength(3)
    for (let i = 0; i < 4; i++) {
      running[i]?.resolve()
      await turns()
    }
    await Promise.all([asked[0], asked[2], asked[3]])
    expect(running).toHaveLength(4)
  })

  it('go to one of a kind, past all others of that kind that wait', async () => {
    const { running, work } = makeWork()
    const all = new DocumentTurns()
    const slow = Array.from({ length: 5 }, () => all.run('slow', NEVER, work))
    const other = all.run('other', NEVER, async () => 'done')
    expect(await other).toBe('done')
    expect(running).toHaveLength(1)
    for (let i = 0; i < 5; i++) {
      running[i]?.resolve()
      await turns()
    }
    await Promise.all(slow)
  })

  it('pass over those who have left, also at the very moment of their turn', async () => {
    const { running, work } = makeWork()
    const all = new DocumentTurns()
    const first = all.run('a', NEVER, work)
    const leaving = new AbortController()
    const left = all.run('a', leaving.signal, work)
    const last = all.run('a', NEVER, work)
    await turns()
    running[0]?.resolve()
    leaving.abort(new Error('gone'))
    await left.catch(() => {})
    await turns()
    running[1]?.resolve()
    await turns()
    for (const one of running) one.resolve()
    await Promise.all([first, last])
    await expect(all.run('a', AbortSignal.abort(new Error('gone')), work)).rejects.toThrow('gone')
  })
})

it('a small document does not wait behind large ones', async () => {
  const padding = Buffer.alloc(20 << 20, ' ')
  const large = gzipSync(Buffer.concat([indexBytes({}), padding]))
  const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
  const kit = makeCache({
    script: ({ url }) => (url.endsWith('small') ? { body: indexBytes({}) } : { headers, body: large }),
  })
  const asked = ['l1', 'l2', 'l3', 'l4', 'small'].map(async (name) => {
    const found = await kit.get(document(name))
    found.body.close()
    return name
  })
  expect(await Promise.race(asked)).toBe('small')
  expect(await Promise.all(asked)).toHaveLength(5)
})

it('a large document does not wait for ever for another one that tells of it', async () => {
  const bytes = Buffer.concat([indexBytes({}), Buffer.alloc(9 << 20, ' ')])
  const kit = makeCache({ script: () => ({ headers: { 'content-type': 'application/json' }, body: bytes }) })
  const learn = async (lookup: Lookup, signal: AbortSignal) => {
    await lookup.fetch(document('inner'), signal)
    return { digests: [digestOf(bytes, 'sha256')] }
  }
  const found = await kit.get(document('outer', { expect: learn }))
  expect((await read(found)).length).toBe(bytes.length)
})
