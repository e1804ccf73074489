import { describe, expect, it } from 'vitest'
import { type Body, bufferBody } from '../../../node/body.ts'
import type { Finder, Found, GetOptions } from '../../../node/cache/found.ts'
import { Intake } from '../../../node/cache/intake.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import type { Digest } from '../../../node/digest.ts'
import { WarrenError } from '../../../node/errors.ts'
import { ArtifactService } from '../../../node/http/artifact-service.ts'
import { MemberBudgets } from '../../../node/http/member-budgets.ts'
import { MemberDoor } from '../../../node/http/member-door.ts'
import { RenderedCache } from '../../../node/http/rendered.ts'
import { ScratchPool } from '../../../node/http/scratch-pool.ts'
import { Sender } from '../../../node/http/sender.ts'
import { artifactPath } from '../../../node/mesh/artifacts/artifact-wire.ts'
import type { NameRecord } from '../../../node/store/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { RawConnection, rawExchange } from '../../harness/raw.ts'
import { artifact, BASE, document } from '../cache/plans.ts'
import { fileLike } from './bodies.ts'
import { parseHead, plainServer, until, using } from './fixture.ts'

useLeakCheck()

const BYTES = Buffer.from('{"name": "left-pad"}')
const FILE = artifact('file')
const INDEX = document('index')
const HEX = 'ab'.repeat(32)

interface Setting {
  readonly plans?: readonly Plan[]
  readonly get?: (plan: Plan, options: GetOptions) => Found | Promise<Found>
  readonly record?: Partial<NameRecord>
  readonly holds?: boolean
  readonly isPrivate?: boolean
  readonly isFetcher?: boolean
  readonly hasUpstream?: boolean
  readonly metered?: boolean
  readonly requests?: number
  readonly blob?: Digest
  readonly promised?: readonly Digest[]
  /** When the promise is known, if not at once. */
  readonly learnt?: (signal: AbortSignal) => Promise<void>
}

function found(more: Partial<Found> = {}): Found {
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-cache',
    'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
  }
  return { source: 'upstream', headers, body: bufferBody(BYTES), digest: undefined, ...more }
}

/** A seed that is asked over plain HTTP by «the member». */
async function seed(setting: Setting = {}) {
  const { plans = [FILE, INDEX], get = () => found(), holds = false, isPrivate = false, isFetcher = true } = setting
  const asked: { key: string; head: boolean; revalidate: boolean; via: string | undefined }[] = []
  const cache: Pick<Finder, 'get' | 'holds' | 'isFresh'> = {
    get: (plan, options) => {
      const { head = false, revalidate = false } = options
      asked.push({ key: plan.key, head, revalidate, via: plan.headers?.via })
      return get(plan, options)
    },
    holds: () => holds,
    isFresh: () => holds,
  }
  const rendered = using(new RenderedCache({ onTrouble: () => {} }, { bytes: 0 }))
  const clock = new VirtualClock()
  const budgets = new MemberBudgets({ clock }, { requests: setting.requests ?? 1_000, fetches: 5, bytes: 1_000, pulls: 1 })
  const intake = using(new Intake({ cache }))
  const bugs: unknown[] = []
  const service = new ArtifactService({
    cache,
    sender: new Sender({ pool: new ScratchPool(), rendered }),
    upstream: {
      isPrivate: () => isPrivate,
      budget: () => (setting.metered ? { limit: 100, remaining: 50, window: 1, at: 0, isLow: false } : undefined),
    },
    budgets,
    intake,
    clock,
    isFetcher: () => isFetcher,
    plan: (key) => plans.find((plan) => plan.key === key),
    hasUpstreamOf: () => setting.hasUpstream ?? false,
    record: () => setting.record as NameRecord | undefined,
    promised: () => setting.promised,
    learnt: (_, signal) => setting.learnt?.(signal) ?? Promise.resolve(),
    blobOf: () => setting.blob,
  })
  const door = new MemberDoor({ services: [service], events: { sent() {}, bug: (error) => bugs.push(error) } })
  const origin = await plainServer(
    (request, response) => void door.handle(request, response, { peer: 'the member', role: 'member' }),
  )
  const raw = (path: string, fields = '', method = 'GET') =>
    rawExchange(origin, `${method} ${path} HTTP/1.1\r\nhost: blobs\r\nconnection: close\r\n${fields}\r\n`)
  const ask = async ({ key }: Pick<Plan, 'key'>, fields = '', method = 'GET') =>
    parseHead((await raw(artifactPath(key) ?? '', fields, method)).replaceAll('HTTP/1.1 102 Processing\r\n\r\n', ''))
  const open = () => RawConnection.open(origin)
  return { ask, raw, open, asked, budgets, bugs, clock }
}

describe('a seed that fetches for members', () => {
  it('gives what upstream has, as it came, with what upstream said of it', async () => {
    const { ask, asked } = await seed({ record: { etag: '"v1"', freshFor: 300_500 }, get: () => found({ age: 12 }) })
    const { status, headers, rest } = await ask(INDEX, 'via: 1.1 warren-other\r\ncache-control: no-cache\r\n')
    expect([status, rest]).toEqual([200, BYTES.toString()])
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-warren-etag': '"v1"',
      'cache-control': 'max-age=300',
      age: '12',
      'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
      'x-warren-source': 'upstream',
    })
    expect(asked).toEqual([{ key: INDEX.key, head: false, revalidate: true, via: '1.1 warren-other' }])
  })

  it('takes documents as they came, and puts no URL of its own in', async () => {
    const spanned = { spans: [[0, 5, 'x']] as const, facts: undefined }
    const { ask } = await seed({ get: () => found({ document: spanned, source: 'local', age: 0 }) })
    expect((await ask(INDEX)).rest).toBe(BYTES.toString())
  })

  it('sends nothing that the member holds', async () => {
    const bodies = [fileLike(BYTES), fileLike(BYTES)]
    let next = 0
    const get = () => found({ body: bodies[next++] as Body, source: 'local' })
    const { ask, budgets } = await seed({ record: { blob: HEX, etag: '"v"', freshFor: 60_000 }, get, holds: true })
    const same = await ask(INDEX, `x-warren-held: ${HEX}\r\n`)
    expect([same.status, same.headers.get('x-warren-etag'), same.headers.get('cache-control')]).toEqual([
      304,
      '"v"',
      'max-age=60',
    ])
    expect((await ask(INDEX, `x-warren-held: ${HEX.replace('a', 'c')}\r\n`)).status).toBe(200)
    await until(() => bodies.every(({ closed }) => closed > 0))
    expect(budgets.left({ peer: 'the member' }).bytes).toBe(1_000)
  })

  it('goes on with a part only where it is one of the same thing', async () => {
    const { ask } = await seed({ record: { blob: HEX, etag: '"v"', freshFor: null }, get: () => found({ source: 'local' }) })
    expect((await ask(FILE, 'range: bytes=4-\r\n')).status).toBe(206)
    expect((await ask(FILE, 'range: bytes=4-\r\nx-warren-if-range: "v"\r\n')).status).toBe(206)
    expect((await ask(FILE, 'range: bytes=4-\r\nx-warren-if-range: "old"\r\n')).status).toBe(200)
  })

  it.each([
    ['with which digests they agree', [{ algorithm: 'sha256', hex: HEX }], `sha256:${HEX}`],
    ['that nothing promises any', [], 'none'],
    ['nothing while that is not known', undefined, undefined],
    ['nothing where there are too many', Array(9).fill({ algorithm: 'sha256', hex: HEX }), undefined],
  ] as const)('says of bytes %s', async (_, promised, told) => {
    const { ask } = await seed(promised ? { promised } : {})
    expect((await ask(FILE)).headers.get('x-warren-promised')).toBe(told)
    // A document speaks for itself.
    expect((await ask(INDEX)).headers.get('x-warren-promised')).toBe(undefined)
  })

  it('says that it is at it when that takes longer than a moment', async () => {
    const coming = Promise.withResolvers<Found>()
    const { raw } = await seed({ get: () => coming.promise })
    const answer = raw(artifactPath(FILE.key) ?? '')
    setTimeout(() => coming.resolve(found()), 1_000)
    expect(await answer).toMatch(/^HTTP\/1.1 102 Processing\r\n\r\nHTTP\/1.1 200 OK\r\n/)
    // What is at hand needs no announcement.
    expect(await (await seed()).raw(artifactPath(FILE.key) ?? '')).toMatch(/^HTTP\/1.1 200 OK\r\n/)
  })

  it.each([
    ['UPSTREAM_ABSENT', 404],
    ['UPSTREAM_BUSY', 429],
    ['UPSTREAM_UNREACHABLE', 503],
    ['POLICY_DENIED', 403],
  ] as const)('says %s as what it is', async (code, status) => {
    const { ask, bugs } = await seed({
      get: () => Promise.reject(new WarrenError(code, 'because', { retryAfter: 17 })),
    })
    const answer = await ask(FILE)
    expect([answer.status, answer.headers.get('x-warren-error')]).toEqual([status, code])
    expect(answer.headers.get('retry-after')).toBe(status === 429 || status === 503 ? '17' : undefined)
    expect(bugs).toEqual([])
  })

  it.each([
    ['what it has a login for', { isPrivate: true, hasUpstream: true }, FILE],
    ['what came with a login that is gone by now', { record: { private: true as const } }, FILE],
    ['anything while it is no seed', { isFetcher: false, hasUpstream: true }, FILE],
    ['what none of its mirrors has', {}, { key: `test\n${BASE}\nelsewhere\n\n` }],
  ])('fetches not %s, and says the same to all of these', async (_, setting, plan) => {
    const { ask, asked } = await seed(setting)
    const { status, headers, rest } = await ask(plan)
    expect([status, headers.get('x-warren-error')]).toEqual([404, 'NO_SUCH_MIRROR'])
    expect(rest).toBe('this node fetches nothing of that kind for others\n')
    expect(asked).toEqual([])
  })

  it.each([
    ['what came with a login that is gone by now', { record: { private: true as const } }, FILE],
    ['what a route binds elsewhere', {}, { key: `test\n${BASE}\nelsewhere\n\n` }],
  ])('fetches not %s, and is asked for other things of that upstream as before', async (_, setting, plan) => {
    const { ask, asked } = await seed({ ...setting, hasUpstream: true })
    const { status, headers } = await ask(plan)
    expect([status, headers.get('x-warren-error'), asked]).toEqual([403, 'POLICY_DENIED', []])
  })

  it.each([
    ['no key', '/artifacts/v1/', 'GET', 400],
    ['a URL', '/artifacts/v1/https://registry.test/x', 'GET', 400],
    ['writing', artifactPath(FILE.key) ?? '', 'PUT', 405],
  ])('refuses %s', async (_, path, method, status) => {
    const { raw, asked } = await seed()
    expect(parseHead(await raw(path, '', method)).status).toBe(status)
    expect(asked).toEqual([])
  })

  it('does so much for one member, and goes on to give it what is here', async () => {
    const metered = await seed({ metered: true })
    expect((await metered.ask(INDEX)).status).toBe(200)
    expect((await metered.ask(INDEX)).headers.get('x-warren-error')).toBe('BUDGET_SPENT')
    expect((await metered.ask(FILE)).status).toBe(200)
    // What is to be confirmed costs upstream a question, too.
    const confirming = await seed({ holds: true })
    for (let i = 0; i < 5; i++) expect((await confirming.ask(INDEX, 'cache-control: no-cache\r\n')).status).toBe(200)
    expect((await confirming.ask(INDEX, 'cache-control: no-cache\r\n')).status).toBe(429)
    const holding = await seed({ metered: true, holds: true, requests: 3 })
    for (let i = 0; i < 3; i++) expect((await holding.ask(INDEX)).status).toBe(200)
    expect((await holding.ask(INDEX)).status).toBe(429)
  })

  it('keeps what a member tells it of, read to its end, and answers at once', async () => {
    const body = fileLike(BYTES)
    const { ask, asked } = await seed({ get: async () => found({ body }) })
    expect((await ask(FILE, '', 'POST')).status).toBe(202)
    await until(() => body.closed > 0)
    expect(asked).toEqual([{ key: FILE.key, head: false, revalidate: false, via: undefined }])
    const holding = await seed({ holds: true })
    expect([(await holding.ask(FILE, '', 'POST')).status, holding.asked]).toEqual([202, []])
  })

  it('stops asking upstream when the member leaves', async () => {
    const left = Promise.withResolvers<unknown>()
    const { open, asked } = await seed({
      get: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            left.resolve(signal.reason)
            reject(signal.reason)
          })
        }),
    })
    const member = await open()
    member.send(`GET ${artifactPath(FILE.key)} HTTP/1.1\r\nhost: blobs\r\n\r\n`)
    await until(() => asked.length > 0)
    member.leave('rst')
    member.close()
    expect(String(await left.promise)).toContain('left')
  })
})

describe('what is large', () => {
  const LARGE = { ...bufferBody(BYTES), size: 9 << 20 }
  const DIGEST: Digest = { algorithm: 'sha256', hex: HEX }
  const asBlob = 'x-warren-as-blob: yes\r\n'

  it('is to be had as a blob by who says that it can', async () => {
    const { ask } = await seed({ blob: DIGEST, get: () => found({ body: LARGE }), record: { etag: '"v1"' } })
    const { status, headers, rest } = await ask(FILE, asBlob)
    expect([status, rest, headers.get('location')]).toEqual([303, '', `/blobs/v1/sha256:${HEX}`])
    expect([headers.get('x-warren-etag'), headers.get('content-type')]).toEqual(['"v1"', 'application/json'])
  })

  it.each([
    ['who says nothing', '', { blob: DIGEST, get: () => found({ body: LARGE }) }],
    ['what has no digest yet', asBlob, { get: () => found({ body: LARGE }) }],
    ['what is small', asBlob, { blob: DIGEST }],
  ])('is sent at once to or as %s', async (_, fields, setting) => {
    const { ask } = await seed(setting)
    expect((await ask(FILE, fields)).status).not.toBe(303)
  })
})

describe('a member that knows no digest', () => {
  const untold = 'x-warren-untold: yes\r\n'
  const DIGEST: Digest = { algorithm: 'sha256', hex: HEX }

  it('is answered once it can be told which', async () => {
    const promised: Digest[] = []
    const learning = Promise.withResolvers<void>()
    const { ask } = await seed({ promised, learnt: () => learning.promise })
    expect((await ask(FILE)).headers.get('x-warren-promised')).toBe('none')
    const answer = ask(FILE, untold)
    setTimeout(() => {
      promised.push(DIGEST)
      learning.resolve()
    }, 50)
    const { headers, rest } = await answer
    expect([headers.get('x-warren-promised'), rest]).toEqual([`sha256:${HEX}`, BYTES.toString()])
  })

  it('that leaves meanwhile keeps nothing open', async () => {
    const body = fileLike(BYTES)
    const waits = Promise.withResolvers<void>()
    const learnt = (signal: AbortSignal) => {
      waits.resolve()
      return new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const { open } = await seed({ get: () => found({ body }), learnt })
    const member = await open()
    member.send(`GET ${artifactPath(FILE.key)} HTTP/1.1\r\nhost: blobs\r\n${untold}\r\n`)
    await waits.promise
    member.leave('rst')
    member.close()
    await until(() => body.closed > 0)
  })

  it('is told of a digest in place of bytes once many of these went out, and for no longer', async () => {
    const MIB = 1 << 20
    const body = () => bufferBody(Buffer.alloc(MIB))
    let source: Found['source'] = 'local'
    const { ask, clock } = await seed({
      holds: true,
      blob: DIGEST,
      promised: [DIGEST],
      get: () => found({ source, body: body() }),
    })
    const fields = `${untold}x-warren-as-blob: yes\r\n`
    let sent = 0
    while (sent < 50 && (await ask(FILE, fields)).status === 200) sent++
    expect(sent).toBeGreaterThan(2)
    expect(sent).toBeLessThan(10)
    const { status, headers } = await ask(FILE, fields)
    const told = ['location', 'x-warren-bytes', 'x-warren-promised'].map((name) => headers.get(name))
    expect([status, ...told]).toEqual([303, `/blobs/v1/sha256:${HEX}`, String(MIB), `sha256:${HEX}`])
    expect((await ask(FILE, untold)).status).toBe(200)
    expect((await ask(FILE, 'x-warren-as-blob: yes\r\n')).status).toBe(200)
    // Nobody else has what is only being fetched.
    source = 'flight'
    expect((await ask(FILE, fields)).status).toBe(200)
    source = 'local'
    expect((await ask(FILE, fields)).status).toBe(303)
    clock.jump(1_000)
    // What sends no whole body counts for nothing.
    for (let at = 0; at < 10; at++) {
      expect((await ask(FILE, fields, 'HEAD')).status).toBe(200)
      expect((await ask(FILE, `${fields}range: bytes=0-0\r\n`)).status).toBe(206)
    }
    expect((await ask(FILE, fields)).status).toBe(200)
  })
})
