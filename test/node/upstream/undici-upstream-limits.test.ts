import { describe, expect, it } from 'vitest'
import { failure, get, makeUpstream, NEVER, readText, until, using } from './fixture.ts'
import { hastyClock, ManualClock } from './manual-clock.ts'
import { deadPort, type Handler, httpServer } from './servers.ts'

/** Answers with one status after the other, then with 200. */
function answering(...answers: { status: number; retryAfter?: string | undefined }[]): Handler {
  const left = [...answers]
  return (_request, response) => {
    const { status, retryAfter } = left.shift() ?? { status: 200 }
    response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end('body')
  }
}

describe('trying again', () => {
  it.each([408, 502, 503, 504])('mends a %i', async (status) => {
    const server = await using(httpServer(answering({ status }, { status })))
    expect(await readText(makeUpstream().fetch(get(server), NEVER))).toBe('body')
    expect(server.asked).toHaveLength(3)
  })

  it.each([408, 502, 503, 504])('is given up after three times with %i', async (status) => {
    const server = await using(httpServer(answering(...Array.from({ length: 9 }, () => ({ status })))))
    const error = await failure(makeUpstream().fetch(get(server, '/', { method: 'HEAD' }), NEVER))
    expect(error.code).toBe('UPSTREAM_FAILED')
    expect(error.message).toBe(`${server.origin} answered ${status}`)
    expect(server.asked).toHaveLength(3)
  })

  it.each([400, 401, 403, 404, 429, 500, 501, 505])('is not done for %i', async (status) => {
    const server = await using(httpServer(answering({ status })))
    const result = await makeUpstream()
      .fetch(get(server), NEVER)
      .catch((error: unknown) => error)
    expect(result).toHaveProperty(status < 429 ? 'body' : 'code')
    expect(server.asked).toHaveLength(1)
  })

  it('is not done when upstream said when to come back, nor for a POST', async () => {
    const later = await using(httpServer(answering({ status: 503, retryAfter: '30' })))
    const error = await failure(makeUpstream().fetch(get(later), NEVER))
    expect(error).toMatchObject({ code: 'UPSTREAM_FAILED', retryAfter: 30 })
    const posted = await using(httpServer(answering({ status: 503 })))
    await failure(makeUpstream().fetch(get(posted, '/', { method: 'POST' }), NEVER))
    expect([later.asked.length, posted.asked.length]).toEqual([1, 1])
  })

  it('waits for a random part of a doubling span', async () => {
    const server = { origin: `http://127.0.0.1:${await deadPort()}` }
    const clock = hastyClock()
    await failure(makeUpstream({}, { clock, random: () => 0.5 }).fetch(get(server), NEVER))
    expect(clock.asked).toEqual([50, 100])
  })

  it('ends at once when the caller leaves', async () => {
    const server = { origin: `http://127.0.0.1:${await deadPort()}` }
    const clock = new ManualClock()
    const controller = new AbortController()
    const fetching = makeUpstream({}, { clock }).fetch(get(server), controller.signal)
    await clock.whenSleeping(1)
    controller.abort('gone')
    await expect(fetching).rejects.toBe('gone')
    expect(clock.sleeping).toBe(0)
  })
})

describe('an upstream that asks for a pause', () => {
  const inSeconds = (seconds: number) => (clock: ManualClock) => new Date(clock.now() + seconds * 1000).toUTCString()

  it.each([
    ['seconds', () => '60'],
    ['a date', inSeconds(60)],
  ])('gets it, asked for in %s', async (_form, retryAfter) => {
    const clock = new ManualClock()
    const server = await using(httpServer(answering({ status: 429, retryAfter: retryAfter(clock) })))
    const upstream = makeUpstream({}, { clock, random: () => 0 })
    expect(await failure(upstream.fetch(get(server), NEVER))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 60 })
    expect(upstream.health()).toMatchObject([{ state: 'frozen', until: clock.now() + 60_000 }])
    clock.advance(50_000)
    expect(await failure(upstream.fetch(get(server), NEVER))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 10 })
    expect(server.asked).toHaveLength(1)
    clock.advance(3_000)
    const patient = readText(upstream.fetch(get(server), NEVER))
    await clock.whenSleeping(1)
    expect(server.asked).toHaveLength(1)
    clock.advance(7_000)
    expect(await patient).toBe('body')
    expect(upstream.health()).toMatchObject([{ state: 'closed', until: 0, requests: 2 }])
  })

  it('gets half a minute when it does not say how long, and twice as much the next time', async () => {
    const clock = new ManualClock()
    const server = await using(httpServer(answering({ status: 429 }, { status: 429 }, { status: 200 }, { status: 429 })))
    const upstream = makeUpstream({}, { clock, random: () => 0 })
    const rests: unknown[] = []
    for (let i = 0; i < 2; i++) {
      rests.push((await failure(upstream.fetch(get(server), NEVER))).retryAfter)
      clock.advance(60_000)
    }
    expect(await readText(upstream.fetch(get(server), NEVER))).toBe('body')
    rests.push((await failure(upstream.fetch(get(server), NEVER))).retryAfter)
    expect(rests).toEqual([30, 60, 30])
  })

  it('by 503 and Retry-After gets it, too', async () => {
    const clock = new ManualClock()
    const server = await using(httpServer(answering({ status: 503, retryAfter: '60' })))
    const upstream = makeUpstream({}, { clock, random: () => 0 })
    expect((await failure(upstream.fetch(get(server), NEVER))).code).toBe('UPSTREAM_FAILED')
    expect(await failure(upstream.fetch(get(server), NEVER))).toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 60 })
  })

  it('does not stop others', async () => {
    const busy = await using(httpServer(answering({ status: 429 })))
    const other = await using(httpServer(answering()))
    const upstream = makeUpstream({}, { clock: new ManualClock() })
    await failure(upstream.fetch(get(busy), NEVER))
    expect(await readText(upstream.fetch(get(other), NEVER))).toBe('body')
  })
})

describe('an upstream that fails all the time', () => {
  it('is left alone after five failures, probed, and used again once it answers', async () => {
    const clock = new ManualClock()
    const server = await using(httpServer(answering(...Array.from({ length: 6 }, () => ({ status: 503 })))))
    const upstream = makeUpstream({}, { clock })
    // A POST is sent once, whatever comes back.
    const post = get(server, '/', { method: 'POST' })
    for (let i = 0; i < 5; i++) expect((await failure(upstream.fetch(post, NEVER))).code).toBe('UPSTREAM_FAILED')
    const open = await failure(upstream.fetch(get(server), NEVER))
    expect(open.code).toBe('UPSTREAM_UNREACHABLE')
    expect(open.message).toContain(`since 2030-01-01T00:00:00.000Z (${server.origin} answered 503)`)
    expect(server.asked).toHaveLength(5)
    clock.advance(1_000)
    expect((await failure(upstream.fetch(post, NEVER))).code).toBe('UPSTREAM_FAILED')
    clock.advance(1_000)
    expect((await failure(upstream.fetch(get(server), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    clock.advance(1_000)
    const probe = readText(upstream.fetch(get(server), NEVER))
    expect((await failure(upstream.fetch(get(server), NEVER))).code).toBe('UPSTREAM_UNREACHABLE')
    expect(await probe).toBe('body')
    expect(await readText(upstream.fetch(get(server), NEVER))).toBe('body')
    expect(server.asked).toHaveLength(8)
    expect(upstream.health()).toMatchObject([{ state: 'closed', failures: 6 }])
  })

  it.each([500, 501, 505, 507])('is not one of which a single path answers %i', async (status) => {
    const clock = new ManualClock()
    let ill = true
    const server = await using(
      httpServer((request, response) => {
        response.writeHead(request.url === '/broken' ? status : ill ? 503 : 200).end('body')
      }),
    )
    const upstream = makeUpstream({}, { clock })
    const broken = async () => (await failure(upstream.fetch(get(server, '/broken'), NEVER))).code
    for (let i = 0; i < 10; i++) expect(await broken()).toBe('UPSTREAM_FAILED')
    expect(upstream.health()).toMatchObject([
      { state: 'closed', failures: 10, lastError: expect.stringContaining(`answered ${status}`) },
    ])
    for (let i = 0; i < 5; i++) await failure(upstream.fetch(get(server, '/', { method: 'POST' }), NEVER))
    expect(upstream.health()).toMatchObject([{ state: 'open' }])
    ill = false
    clock.advance(1_000)
    // As the probe it tells nothing, and the next one is the probe.
    expect(await broken()).toBe('UPSTREAM_FAILED')
    expect(await readText(upstream.fetch(get(server), NEVER))).toBe('body')
    expect(upstream.health()).toMatchObject([{ state: 'closed', inFlight: 0 }])
  })

  it('is one that answers 500 and asks for a pause', async () => {
    const server = await using(httpServer(answering(...Array.from({ length: 5 }, () => ({ status: 500, retryAfter: '9' })))))
    const upstream = makeUpstream()
    for (let i = 0; i < 5; i++) await failure(upstream.fetch(get(server), NEVER))
    expect(upstream.health()).toMatchObject([{ state: 'open' }])
  })

  it('is not one that answers 404', async () => {
    const server = await using(httpServer((_request, response) => response.writeHead(404).end()))
    const upstream = makeUpstream()
    for (let i = 0; i < 10; i++) await readText(upstream.fetch(get(server), NEVER))
    expect(upstream.health()).toMatchObject([{ state: 'closed', failures: 0 }])
  })
})

describe('the number of requests under way', () => {
  it('is bounded, until each body has ended', async () => {
    const release = Promise.withResolvers<void>()
    const server = await using(
      httpServer((_request, response) => {
        response.writeHead(200).write('a')
        release.promise.then(() => response.end('b'))
      }),
    )
    const upstream = makeUpstream({ concurrency: 3 })
    const fetching = Array.from({ length: 7 }, () => upstream.fetch(get(server), NEVER))
    const [first] = await Promise.all(fetching.slice(0, 3))
    expect(upstream.health()).toMatchObject([{ inFlight: 3, queued: 4 }])
    expect(server.asked).toHaveLength(3)
    first?.destroy()
    await fetching[3]
    expect(upstream.health()).toMatchObject([{ inFlight: 3, queued: 3 }])
    expect(server.asked).toHaveLength(4)
    release.resolve()
    expect(await Promise.all(fetching.slice(1).map(readText))).toEqual(Array.from({ length: 6 }, () => 'ab'))
    expect(upstream.health()).toMatchObject([{ inFlight: 0, queued: 0, requests: 7 }])
  })

  it('and of those waiting is bounded, too', async () => {
    const server = await using(httpServer((_request, response) => response.writeHead(200).write('a')))
    const upstream = makeUpstream({ concurrency: 1, queue: 2 })
    const { destroy } = await upstream.fetch(get(server), NEVER)
    const controller = new AbortController()
    const waiting = [1, 2].map(() => upstream.fetch(get(server), controller.signal).catch((reason: unknown) => reason))
    await until(() => upstream.health()[0]?.queued === 2)
    expect((await failure(upstream.fetch(get(server), NEVER))).code).toBe('UPSTREAM_BUSY')
    controller.abort('gone')
    expect(await Promise.all(waiting)).toEqual(['gone', 'gone'])
    expect(upstream.health()).toMatchObject([{ inFlight: 1, queued: 0 }])
    destroy()
  })

  it('lets a crowd through in the end', async () => {
    const server = await using(httpServer((request, response) => response.end(request.url)))
    const upstream = makeUpstream()
    const paths = Array.from({ length: 500 }, (_, i) => `/${i}`)
    expect(await Promise.all(paths.map((path) => readText(upstream.fetch(get(server, path), NEVER))))).toEqual(paths)
    expect(server.connections()).toBeLessThanOrEqual(16)
    expect(upstream.health()).toMatchObject([{ inFlight: 0, queued: 0, requests: 500, failures: 0 }])
  })
})
