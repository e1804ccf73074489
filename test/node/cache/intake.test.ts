import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bufferBody } from '../../../node/body.ts'
import { Intake } from '../../../node/cache/intake.ts'
import { turns } from './fixture.ts'
import { artifact } from './plans.ts'

let intake: Intake
/** Lets those that are under way come. */
let waiting: (() => void)[]
beforeEach(() => {
  waiting = []
})
afterEach(async () => {
  const closing = intake.close()
  for (const resolve of waiting) resolve()
  await closing
})

/** An intake whose artifacts come one after the other, as they are let through. */
function start() {
  const begun: string[] = []
  const get = async ({ url }: { url: string }) => {
    begun.push(url.slice(url.lastIndexOf('/') + 1))
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { source: 'upstream', headers: {}, body: bufferBody(Buffer.from('x')), digest: undefined } as const
  }
  intake = new Intake({ cache: { get } })
  const take = (peer: string, file: string, mayGoOn = () => true) => intake.take(artifact(file), { peer, mayGoOn })
  const letThrough = async (count: number) => {
    for (const resolve of waiting.splice(0, count)) resolve()
    await turns(20)
  }
  return { begun, take, letThrough }
}

describe('what members say that they have', () => {
  it('is fetched for one after the other, however much one of them names', async () => {
    const { begun, take, letThrough } = start()
    for (let at = 0; at < 50; at++) expect(take('flood', `f${at}`)).toBe(true)
    for (const peer of ['a', 'b']) expect(take(peer, peer)).toBe(true)
    expect(begun).toEqual(['f0', 'f1', 'f2', 'f3'])
    await letThrough(3)
    expect(begun.slice(4).sort()).toEqual(['a', 'b', 'f4'])
    await letThrough(60)
    await letThrough(60)
    expect(begun.at(-1)).toMatch(/^f/)
  })

  it('is so much for each, and for all of them', () => {
    const { take } = start()
    const taken = (peer: string) => Array.from({ length: 300 }, (_, at) => take(peer, `${peer}${at}`)).filter(Boolean).length
    // Four are not waiting any more.
    expect(taken('first')).toBe(254)
    expect(taken('second')).toBe(250)
    const more = Array.from({ length: 40 }, (_, at) => taken(`m${at}-`)).reduce((sum, count) => sum + count, 0)
    expect(more).toBe(4_000 - 500)
  })

  it('is not fetched for whom nothing more is to be done', async () => {
    const { begun, take, letThrough } = start()
    let isSpent = false
    for (let at = 0; at < 6; at++) take('m', `f${at}`, () => !isSpent)
    isSpent = true
    take('other', 'o')
    await letThrough(4)
    expect(begun).toEqual(['f0', 'f1', 'f2', 'f3', 'o'])
  })

  it('once told again is fetched once, and none any more once the node stops', async () => {
    const { begun, take, letThrough } = start()
    for (const file of ['a', 'b', 'c', 'd', 'e', 'e']) take('m', file)
    await letThrough(9)
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e'])
    const closing = intake.close()
    await letThrough(9)
    await closing
    expect(take('m', 'late')).toBe(false)
  })
})
