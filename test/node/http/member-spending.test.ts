import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Intake } from '../../../node/cache/intake.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { ArtifactService } from '../../../node/http/artifact-service.ts'
import { MemberBudgets } from '../../../node/http/member-budgets.ts'
import { MemberDoor } from '../../../node/http/member-door.ts'
import { RenderedCache } from '../../../node/http/rendered.ts'
import { ScratchPool } from '../../../node/http/scratch-pool.ts'
import { Sender } from '../../../node/http/sender.ts'
import { artifactPath } from '../../../node/mesh/artifacts/artifact-wire.ts'
import { type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import type { Upstream } from '../../../node/upstream/upstream.ts'
import { RawConnection, rawExchange } from '../../harness/raw.ts'
import { bytesOf, makeCache, useCacheTests } from '../cache/fixture.ts'
import { artifact, document, indexBytes } from '../cache/plans.ts'
import { parseHead, until, using } from './fixture.ts'

useCacheTests()

const MIB = 1 << 20
const BYTES = bytesOf(MIB)
const LARGE = artifact('large')
const LATER = artifact('later')
const INDEX = document('index')
const DOCUMENT = indexBytes({ 'x.tgz': { bytes: bytesOf(10) } })

/** A seed with all its parts behind its door, which brings half a MiB of new bytes a day for a member. */
async function seed(script: MemoryScript = () => ({ body: BYTES }), bytes = MIB / 2, other?: Upstream) {
  const { cache, store, upstream, clock } = makeCache({ script, ...(other ? { upstream: other } : {}) })
  const plans: readonly Plan[] = [LARGE, LATER, INDEX, ...Array.from({ length: 20 }, (_, at) => artifact(`file-${at}`))]
  const intake = using(new Intake({ cache }))
  const service = new ArtifactService({
    cache,
    sender: new Sender({
      pool: new ScratchPool(),
      rendered: using(new RenderedCache({ onTrouble: () => {} }, { bytes: 0 })),
    }),
    upstream,
    budgets: new MemberBudgets({ clock }, { requests: 1_000, fetches: 1_000, bytes, pulls: 1 }),
    intake,
    isFetcher: () => true,
    plan: (key) => plans.find((plan) => plan.key === key),
    record: (key) => store.records.get(key),
    blobOf: () => undefined,
  })
  const door = new MemberDoor({ services: [service], events: { sent() {}, bug: (error) => expect.unreachable(String(error)) } })
  const server = createServer((request, response) => void door.handle(request, response, { peer: 'm', role: 'member' }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  using({
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const head = ({ key }: Plan, method: string, fields: string) =>
    `${method} ${artifactPath(key)} HTTP/1.1\r\nhost: blobs\r\n${fields}\r\n`
  const ask = async (plan: Plan, method = 'GET', fields = '') => {
    const answer = await rawExchange(origin, head(plan, method, `connection: close\r\n${fields}`))
    return parseHead(answer.replaceAll('HTTP/1.1 102 Processing\r\n\r\n', ''))
  }
  /** Asks and does not read. */
  const open = async (plan: Plan) => {
    const connection = using(await RawConnection.open(origin))
    connection.send(head(plan, 'GET', ''))
    return connection
  }
  const kept = (plan: Plan) => until(() => store.records.get(plan.key) !== undefined)
  const errorOf = async (plan: Plan) => (await ask(plan)).headers.get('x-warren-error')
  return { ask, open, kept, errorOf, upstream, store }
}

describe('what a seed brings for a member counts', () => {
  it('though it is sent whole to somebody who then may have no more', async () => {
    const { ask, errorOf } = await seed(undefined, MIB)
    expect((await ask(LARGE)).rest.length).toBeGreaterThan(0)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
    // It is here now.
    expect((await ask(LARGE)).status).toBe(200)
  })

  it('though the member is only told of it', async () => {
    const { ask, errorOf, kept } = await seed(undefined, MIB)
    expect((await ask(LARGE, 'POST')).status).toBe(202)
    await kept(LARGE)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though the member leaves before it has all', async () => {
    const rest = Promise.withResolvers<void>()
    const { open, errorOf, kept } = await seed(undefined, MIB, halfAndRest(rest.promise))
    const member = await open(LARGE)
    await member.until((received) => received.includes('200 OK'))
    member.leave('rst')
    rest.resolve()
    await kept(LARGE)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though only its head is asked for', async () => {
    const { ask, errorOf } = await seed(() => ({ body: DOCUMENT }), DOCUMENT.length)
    expect((await ask(INDEX, 'HEAD')).status).toBe(200)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })

  it('though the member says that it holds just that', async () => {
    const { ask, errorOf } = await seed(() => ({ body: DOCUMENT }), DOCUMENT.length)
    const held = createHash('sha256').update(DOCUMENT).digest('hex')
    expect((await ask(INDEX, 'GET', `x-warren-held: ${held}\r\n`)).status).toBe(304)
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
  })
})

describe('what was asked for at the same time', () => {
  it('is not begun once the bytes of a day are spent', async () => {
    const { ask, errorOf, upstream, kept } = await seed(undefined, 2 * MIB)
    for (let at = 0; at < 20; at++) await ask(artifact(`file-${at}`), 'POST')
    await kept(artifact('file-1'))
    await until(() => upstream.requests.length > 1)
    await eventuallySpent(() => errorOf(LATER))
    const begun = upstream.requests.length
    expect(await errorOf(LATER)).toBe('BUDGET_SPENT')
    // Two, and those that were under way then.
    expect([begun <= 6, upstream.requests.length]).toEqual([true, begun])
  })

  it('is given up once the bytes of a day are spent, so that nobody keeps it going', async () => {
    const rest = Promise.withResolvers<void>()
    const { open } = await seed(undefined, MIB / 2, halfAndRest(rest.promise))
    const member = await open(LARGE)
    await member.until((received) => received.includes('200 OK'))
    rest.resolve()
    expect((await member.rest()).length).toBeLessThan(MIB)
  })
})

async function eventuallySpent(errorOf: () => Promise<string | undefined>): Promise<void> {
  while ((await errorOf()) !== 'BUDGET_SPENT') await new Promise(setImmediate)
}

/** An upstream that sends a quarter of BYTES at once, and the rest later. */
function halfAndRest(later: Promise<void>): Upstream {
  const upstream = new MemoryUpstream(() => ({}))
  async function* body(): AsyncGenerator<Buffer, void> {
    yield BYTES.subarray(0, MIB / 4)
    await later
    for (let at = MIB / 4; at < MIB; at += MIB / 8) yield BYTES.subarray(at, at + MIB / 8)
  }
  const headers = { 'content-length': String(MIB) }
  upstream.fetch = async ({ url }) => ({ status: 200, headers, url, body: body(), destroy() {} })
  return upstream
}
