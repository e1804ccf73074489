import { expect, test } from 'vitest'
import { Mounts } from '../../node/http/mounts.ts'
import { PolicyGate } from '../../node/policy/gate.ts'
import { Policy } from '../../node/policy/policy.ts'
import { Random } from '../harness/random.ts'
import type { RawConnection } from '../harness/raw.ts'
import { makeCache, turns, useCacheTests } from '../node/cache/fixture.ts'
import { type Face, face, mirrorAt, parseHead, raw } from '../node/http/fixture.ts'
import { LIFETIME, lines, NAMES, planOf, World } from './lines.ts'

useCacheTests()

const SEED = 20_260_101
const STEPS = 4_000
const SECOND = 1_000

const TARGETS = ['doc', 'doc', 'sum', 'offer', 'kept', 'below', 'made', 'raw', 'file'].flatMap((kind) =>
  NAMES.map((name) => `${kind}/${name}`),
)
/** Two of one length: a document is then as long for one as for the other. */
const HOSTS = ['localhost', 'localhost', '127.0.0.1', '127.0.0.1:1234']
const ENCODINGS = ['', '', '', 'gzip', 'gzip', 'gzip', 'gzip, br', 'zstd', 'identity', 'gzip;q=0', 'gzip;q=0.1, identity']
const LINES = [
  'cache-control: no-cache',
  'pragma: no-cache',
  'cache-control: max-age=0',
  'accept: text/plain',
  'x-forwarded-host: proxy.example.test',
  'x-forwarded-proto: https',
  'range: bytes=1-3',
  'if-none-match: *',
  'if-modified-since: Wed, 21 Oct 2015 07:28:00 GMT',
  'connection: keep-alive',
]
const POLICIES = [[], [], [], ['pkg:npm/few'], ['pkg:npm/some@<2'], ['pkg:npm/other'], ['pkg:npm/some@<2', 'pkg:npm/noise']]

/** A whole node but for its disk, and one connection to it. */
class Side {
  readonly node: Face
  readonly gate: PolicyGate
  readonly kit: ReturnType<typeof makeCache>
  /** How often the usual way was gone. */
  readonly usual: { count: number }
  #connection: RawConnection | undefined

  private constructor(node: Face, gate: PolicyGate, kit: ReturnType<typeof makeCache>, usual: { count: number }) {
    this.node = node
    this.gate = gate
    this.kit = kit
    this.usual = usual
  }

  static async start(world: World, isQuick: boolean): Promise<Side> {
    const kit = makeCache({ script: ({ url }) => world.answer(url) })
    const { cache, clock } = kit
    const gate = new PolicyGate({ cache, lookup: cache.lookup, clock, keptSince: () => 0 }, policyOf([]))
    const usual = { count: 0 }
    const node = await face({
      protocol: lines,
      withholder: gate,
      trustedProxies: ['127.0.0.0/8'],
      find: (plan, options) => {
        usual.count++
        return gate.get(plan, options)
      },
      ...(isQuick ? { atHand: (_, wanted, revalidate) => gate.atHand(wanted, revalidate) } : {}),
    })
    return new Side(node, gate, kit, usual)
  }

  async ask(request: string): Promise<string> {
    const connection = this.#connection ?? (await raw(this.node.origin))
    this.#connection = connection
    const before = connection.received.length
    connection.send(request)
    const all = await connection.until((received) => isWhole(received.slice(before), request.startsWith('HEAD ')))
    await turns(3)
    await this.node.rendered.settled()
    const answer = all.slice(before)
    // Else all that ever came is looked through again.
    if (connection.left || all.length > 1 << 18) {
      connection.close()
      this.#connection = undefined
    }
    return answer
  }
}

function isWhole(received: string, isHead: boolean): boolean {
  if (!received.includes('\r\n\r\n')) return false
  const { status, headers, rest } = parseHead(received)
  return isHead || status === 304 || rest.length >= Number(headers.get('content-length'))
}

function policyOf(deny: readonly string[]): Policy {
  return new Policy({ allow: [], deny, minimumAge: {}, minimumAgeExceptions: [] })
}

/** But for the time of day and the name of the request, and for the order in which the two ways write what both have. */
function normal(received: string): unknown {
  const { status, headers, rest } = parseHead(received)
  headers.delete('date')
  headers.delete('x-request-id')
  return [status, [...headers].sort(([one], [other]) => (one < other ? -1 : 1)), rest]
}

test(`${STEPS} steps of two nodes: documents that go past the usual way are what they would have been`, async () => {
  const random = new Random(SEED)
  const pick = <T>(choices: readonly T[]) => choices[random.between(0, choices.length - 1)] as T
  const world = new World()
  const [quick, usual] = [await Side.start(world, true), await Side.start(world, false)]
  const sides = [quick, usual]
  const tags: string[] = []
  const statuses = new Map<number, number>()
  const steps: (() => Promise<unknown>)[] = [
    async () => {
      const ms = pick([1, SECOND, 9 * SECOND, 10 * SECOND, LIFETIME - 1, LIFETIME, 200 * SECOND])
      await Promise.all(sides.map(({ kit }) => kit.clock.advance(ms)))
    },
    async () => world.publish(pick(NAMES)),
    async () => {
      const { key } = planOf(...(pick(TARGETS).split('/') as [string, string]))
      await Promise.all(sides.map(({ kit }) => kit.store.records.delete(key)))
    },
    async () => {
      world.isDown = random.next() < 0.3
    },
    async () => {
      const policy = policyOf(pick(POLICIES))
      for (const side of sides) side.gate.policy = policy
    },
    async () => {
      const mounts = new Mounts([mirrorAt(pick(['/m/', '/m/', '/m/', '/m/', '/other/']), lines)])
      for (const { node } of sides) node.door.mounts = mounts
    },
  ]
  const ask = async (step: number) => {
    const method = random.next() < 0.05 ? 'HEAD' : 'GET'
    const encoding = pick(ENCODINGS)
    const fields = [`host: ${pick(HOSTS)}`, ...(encoding === '' ? [] : [`accept-encoding: ${encoding}`])]
    if (random.next() < 0.15) fields.push(pick(LINES))
    if (random.next() < 0.05 && tags.length > 0) fields.push(`if-none-match: ${pick(tags.slice(-20))}`)
    const request = `${method} /m/${pick(TARGETS)} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`
    const [one = '', other = ''] = await Promise.all(sides.map((side) => side.ask(request)))
    expect(normal(one), `seed ${SEED}, step ${step}: ${request}`).toEqual(normal(other))
    const { status, headers } = parseHead(one)
    const tag = headers.get('etag')
    if (tag !== undefined) tags.push(tag)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  for (let step = 0; step < STEPS; step++) {
    if (random.next() < 0.06) await pick(steps)()
    else await ask(step)
  }
  expect(quick.node.told).toEqual(usual.node.told)
  expect([...quick.node.troubles, ...quick.node.told.filter((told) => 'bug' in told)]).toEqual([])
  // Enough of everything, on either way.
  for (const status of [200, 206, 304, 403, 404]) expect(statuses.get(status), `${status}`).toBeGreaterThan(10)
  expect(usual.usual.count - quick.usual.count).toBeGreaterThan(STEPS / 6)
  expect(quick.usual.count).toBeGreaterThan(STEPS / 6)
})
