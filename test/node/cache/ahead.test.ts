import { describe, expect, it } from 'vitest'
import type { Body } from '../../../node/body.ts'
import type { MemoryAnswer } from '../../../node/upstream/memory-upstream.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { bytesOf, makeCache, read, readRange, settled, turns, useCacheTests } from './fixture.ts'
import { artifact, digestOf } from './plans.ts'

useCacheTests()

const MIB = 1 << 20
const BYTES = bytesOf(20 * MIB)
const SIZE = BYTES.length
const PLAN = artifact('torch.whl', [digestOf(BYTES)])
const TAIL = [SIZE - 1_000, SIZE - 1] as const

/** An upstream that knows ranges; the whole comes only as far as `stallAt`. */
function start(
  init: { etag?: string; stallAt?: number; ranged?: (request: UpstreamRequest) => MemoryAnswer | Promise<MemoryAnswer> } = {},
) {
  const validators: Record<string, string> = init.etag === undefined ? {} : { etag: init.etag }
  const ranged = ({ range }: UpstreamRequest): MemoryAnswer => {
    const { start: from = 0, end = SIZE - 1 } = range ?? {}
    const headers = { ...validators, 'content-range': `bytes ${from}-${end}/${SIZE}` }
    return { status: 206, headers, body: BYTES.subarray(from, end + 1) }
  }
  const whole: MemoryAnswer = { headers: validators, body: BYTES, stallAt: init.stallAt ?? MIB }
  return makeCache({ script: (request) => (request.range ? (init.ranged ?? ranged)(request) : whole) })
}

async function tailOf(found: { ahead?(start: number, end: number): Promise<Body | undefined> }): Promise<Buffer | undefined> {
  const body = await found.ahead?.(...TAIL)
  if (!body) return undefined
  try {
    return await readRange(body, TAIL[0], TAIL[1] + 1)
  } finally {
    body.close()
  }
}

describe('the end of an artifact whose beginning is still coming', () => {
  it('is had from upstream by itself, under the validator of the whole', async () => {
    const kit = start({ etag: '"strong"' })
    const found = await kit.get(PLAN)
    expect((await tailOf(found))?.equals(BYTES.subarray(TAIL[0]))).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range)).toEqual([
      undefined,
      { start: TAIL[0], end: TAIL[1], ifRange: '"strong"' },
    ])
    found.body.close()
  })

  it('is read in any pieces, and says how long the whole is', async () => {
    const kit = start()
    const found = await kit.get(PLAN)
    const body = await found.ahead?.(...TAIL)
    const parts: Buffer[] = []
    for (let at: number = TAIL[0]; at <= TAIL[1]; at += parts.at(-1)?.length ?? 1)
      parts.push(Buffer.from((await body?.read(at, 7, (size) => Buffer.alloc(size))) ?? []))
    expect([Buffer.concat(parts).equals(BYTES.subarray(TAIL[0])), body?.size]).toEqual([true, SIZE])
    body?.close()
    found.body.close()
  })

  it.each<[string, (request: UpstreamRequest) => MemoryAnswer]>([
    ['has no ranges', () => ({ body: BYTES })],
    ['has another one by now', () => ({ status: 200, body: bytesOf(100) })],
    ['has one of another length', () => ({ status: 206, headers: { 'content-range': 'bytes 1-9/10' }, body: 'x' })],
    ['refuses', () => ({ status: 403 })],
    ['fails', () => ({ status: 500 })],
    [
      'breaks off amid it',
      () => ({
        status: 206,
        headers: { 'content-range': `bytes ${TAIL[0]}-${TAIL[1]}/${SIZE}` },
        body: BYTES.subarray(TAIL[0], TAIL[0] + 10),
      }),
    ],
  ])('is waited for where upstream %s', async (_, ranged) => {
    const kit = start({ ranged })
    const found = await kit.get(PLAN)
    expect(await tailOf(found)).toBeUndefined()
    found.body.close()
  })

  it('is not asked for where it is near, or longer than is worth passing twice, or when the whole is here', async () => {
    const kit = start({ stallAt: SIZE + 1 })
    const near = await kit.get(PLAN)
    expect(await near.ahead?.(MIB, MIB + 10)).toBeUndefined()
    expect((await read(near)).equals(BYTES)).toBe(true)
    expect(await near.ahead?.(...TAIL)).toBeUndefined()
    expect(kit.upstream.requests.length).toBe(1)
  })

  it('is taken in whole, whether it is read or not, and leaves the place at upstream to others', async () => {
    const kit = start()
    const found = await kit.get(PLAN)
    const waiting = kit.upstream.health()[0]?.inFlight
    const body = await found.ahead?.(SIZE - 4 * MIB, SIZE - 1)
    await turns()
    expect([waiting, kit.upstream.health()[0]?.inFlight]).toEqual([1, 1])
    expect((await readRange(body as Body, SIZE - 4 * MIB, SIZE)).equals(BYTES.subarray(SIZE - 4 * MIB))).toBe(true)
    expect(await found.ahead?.(SIZE - 4 * MIB - 1, SIZE - 1)).toBeUndefined()
    body?.close()
    found.body.close()
  })

  it('is asked for four times a flight and eight times in all, until what came is closed', async () => {
    const kit = start()
    const founds = await Promise.all(['a', 'b', 'c'].map((key) => kit.get({ ...PLAN, key })))
    const asked = founds.flatMap((found) => Array.from({ length: 5 }, () => found.ahead?.(...TAIL)))
    const bodies = await Promise.all(asked)
    await turns()
    expect(bodies.map((body) => body !== undefined).join()).toBe(
      [4, 4, 0].map((count) => Array.from({ length: 5 }, (_, at) => at < count).join()).join(),
    )
    for (const body of bodies.slice(0, 2)) body?.close()
    bodies[0]?.close()
    const more = await Promise.all([1, 2, 3].map(() => founds[2]?.ahead?.(...TAIL)))
    expect(more.map((body) => body !== undefined)).toEqual([true, true, false])
    for (const body of [...bodies, ...more]) body?.close()
    for (const { body } of founds) body.close()
  })

  it('is given up when its reader leaves, at once', async () => {
    const kit = start({ ranged: () => new Promise(() => {}) })
    const found = await kit.get(PLAN)
    const leaving = new AbortController()
    const joined = await kit.get(PLAN, { signal: leaving.signal })
    const asking = Array.from({ length: 4 }, () => joined.ahead?.(...TAIL))
    leaving.abort(new Error('gone'))
    expect(await Promise.all(asking)).toEqual([undefined, undefined, undefined, undefined])
    const again = found.ahead?.(...TAIL)
    expect([await settled(again as Promise<unknown>), kit.upstream.requests.length]).toEqual([false, 6])
    joined.body.close()
    found.body.close()
  })
})
