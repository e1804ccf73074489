import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DocumentTurns } from '../../../node/cache/document-turns.ts'
import { makeCache, NEVER, turns, useCacheTests } from './fixture.ts'
import { document, indexBytes } from './plans.ts'

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
    const asked = Array.from({ length: 4 }, () => all.run(NEVER, work))
    await turns()
    expect(running).toHaveLength(2)
    running[1]?.reject(new Error('broken'))
    await expect(asked[1]).rejects.toThrow('broken')
    expect(running).toHaveLength(3)
    for (let i = 0; i < 4; i++) {
      running[i]?.resolve()
      await turns()
    }
    await Promise.all([asked[0], asked[2], asked[3]])
    expect(running).toHaveLength(4)
  })

  it('pass over those who have left, also at the very moment of their turn', async () => {
    const { running, work } = makeWork()
    const all = new DocumentTurns()
    const first = [all.run(NEVER, work), all.run(NEVER, work)]
    const leaving = new AbortController()
    const left = all.run(leaving.signal, work)
    const last = all.run(NEVER, work)
    await turns()
    running[0]?.resolve()
    leaving.abort(new Error('gone'))
    await left.catch(() => {})
    await turns()
    running[1]?.resolve()
    await turns()
    for (const one of running) one.resolve()
    await Promise.all([...first, last])
    await expect(all.run(AbortSignal.abort(new Error('gone')), work)).rejects.toThrow('gone')
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
