import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MAX_ANSWER_BYTES } from '../../../node/permanence/constants.ts'
import { heldQuestion } from '../../../node/permanence/held-messages.ts'
import { type AskedSeeds, heldBySeeds } from '../../../node/permanence/seed-holdings.ts'

const NEVER = new AbortController().signal
const blobs = Array.from({ length: 20 }, (_, at) => createHash('sha256').update(String(at)).digest('hex'))

type Answer = (asked: readonly string[]) => { status: number; body: string } | Error

/** Seeds that answer as they are told; `asked` tells who was asked for how many. */
function seeds(answers: Record<string, Answer | undefined>) {
  const asked: [string, number][] = []
  const all: AskedSeeds = {
    others: Object.entries(answers).map(([id, answer]) => ({ id, since: answer ? 1 : undefined })),
    ask: async (peer, { method, path, body }, most) => {
      expect([method, path, most]).toEqual(['POST', '/held/v1', MAX_ANSWER_BYTES])
      const { sha256 } = heldQuestion.parse(JSON.parse(String(body)))
      asked.push([peer, sha256.length])
      const answer = answers[peer]?.(sha256)
      if (!answer || answer instanceof Error) throw answer
      return { status: answer.status, body: Buffer.from(answer.body) }
    },
  }
  return { all, asked }
}

const holding =
  (...held: readonly string[]): Answer =>
  (asked) => ({
    status: 200,
    body: JSON.stringify({ v: 1, held: asked.flatMap((sha256, at) => (held.includes(sha256) ? [at] : [])) }),
  })

describe('what seeds say that they hold', () => {
  it('is asked of one after the other, for what two have not confirmed yet', async () => {
    const { all, asked } = seeds({
      a: holding(...blobs.slice(0, 5)),
      gone: undefined,
      b: holding(...blobs.slice(3, 12)),
      c: holding(...blobs.slice(0, 7)),
      d: holding(...blobs),
    })
    const held = await heldBySeeds(all, blobs.slice(0, 12), 2, NEVER)
    expect([...(held ?? [])].sort()).toEqual(blobs.slice(0, 12).sort())
    expect(asked).toEqual([
      ['a', 12],
      ['b', 12],
      ['c', 10],
      ['d', 5],
    ])
  })

  it('is not believed of one seed alone that says it holds everything', async () => {
    const liar = holding(...blobs)
    const { all } = seeds({ liar, honest: holding(...blobs.slice(0, 3)), empty: holding() })
    expect(await heldBySeeds(all, blobs, 2, NEVER)).toEqual(new Set(blobs.slice(0, 3)))
  })

  it.each([
    ['there is no other', { a: holding(...blobs), away: undefined }, 2],
    ['no other is to hold it', { a: holding(...blobs), b: holding() }, 1],
  ])('is the word of one where %s', async (_where, answers, replicas) => {
    expect(await heldBySeeds(seeds(answers).all, blobs, replicas, NEVER)).toEqual(new Set(blobs))
  })

  it('is nothing where seeds hold nothing, and unknown where none answers', async () => {
    expect(await heldBySeeds(seeds({ a: holding() }).all, blobs, 2, NEVER)).toEqual(new Set())
    expect(await heldBySeeds(seeds({ a: undefined }).all, blobs, 2, NEVER)).toBeUndefined()
    expect(await heldBySeeds(seeds({}).all, blobs, 2, NEVER)).toBeUndefined()
    expect(await heldBySeeds(seeds({ a: () => new Error('gone') }).all, blobs, 2, NEVER)).toBeUndefined()
  })

  it.each([
    ['busy', 503, 'later'],
    ['of another version', 200, '{"v":2,"held":[0]}'],
    ['no JSON', 200, 'yes'],
    ['everything and more', 200, JSON.stringify({ v: 1, held: Array.from({ length: 2_000 }, (_, at) => at) })],
    ['a digest in place of a number', 200, JSON.stringify({ v: 1, held: [blobs[0]] })],
    ['a negative number', 200, '{"v":1,"held":[-1]}'],
  ])('is not believed of a seed that answers %s', async (_what, status, body) => {
    const odd = () => ({ status, body })
    expect(await heldBySeeds(seeds({ a: odd }).all, blobs, 2, NEVER)).toBeUndefined()
    const two = { a: holding(blobs[1] ?? ''), odd, b: holding(blobs[1] ?? '') }
    expect(await heldBySeeds(seeds(two).all, blobs, 2, NEVER)).toEqual(new Set([blobs[1]]))
  })

  it('is of what was asked only', async () => {
    const { all } = seeds({ a: () => ({ status: 200, body: '{"v":1,"held":[0,19,20,1000]}' }) })
    expect(await heldBySeeds(all, blobs, 2, NEVER)).toEqual(new Set([blobs[0], blobs[19]]))
  })

  it('ends with whoever asks', async () => {
    const leaving = new AbortController()
    const { all } = seeds({
      a: () => {
        leaving.abort(new Error('left'))
        return new Error('cut')
      },
      b: holding(...blobs),
    })
    await expect(heldBySeeds(all, blobs, 2, leaving.signal)).rejects.toThrow('left')
  })
})
