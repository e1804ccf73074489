import type { Plan } from '../../../node/cache/plan.ts'
import { SeededUpstream } from '../../../node/cache/seeded-upstream.ts'
import { type Digest, formatDigest } from '../../../node/digest.ts'
import { WarrenError } from '../../../node/errors.ts'
import { MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import type { Mesh, Seed, SeedAnswer, SeedQuestion } from '../../../node/mesh/mesh.ts'
import { type MemoryScript, MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { bytesOf, inTime, makeCache, serve, turns } from './fixture.ts'
import { digestOf, document, indexBytes, indexed } from './plans.ts'
import { UNREACHABLE } from './registry.ts'

export const RIGHT = bytesOf(30_000)
export const OTHER = bytesOf(30_000, 2)
export const DIGEST = digestOf(RIGHT)
export const INDEX = document('index')
/** Its digest stands in a document that nobody here has yet. */
export const PLAN = indexed('a', INDEX)
export const named = (...digests: Digest[]) => ({ 'x-warren-promised': digests.map(formatDigest).join(',') })

export interface Setting {
  /** What the seed answers when it is asked for the artifact, beside 200 and the right bytes. */
  readonly answer?: (question: SeedQuestion) => Partial<SeedAnswer> | Promise<Partial<SeedAnswer>>
  readonly index?: Buffer
  readonly upstream?: MemoryScript
  /** Whether the seed has no documents. */
  readonly isIndexSilent?: boolean
  readonly seed?: Partial<Seed>
  readonly mesh?: Partial<Mesh>
  /** Whether the member has no way to upstream, and the seed none to documents. */
  readonly cut?: () => boolean
}

export async function* sent(bytes: Buffer) {
  yield bytes
}

/** A member whose home seed sends artifacts as `answer` says, and documents as upstream has them. */
export function member({
  answer = () => ({ headers: named(DIGEST) }),
  seed = {},
  mesh = {},
  cut = () => false,
  ...setting
}: Setting = {}) {
  const network = new MemoryNetwork()
  const clock = new VirtualClock()
  const asked: string[] = []
  const untold: (string | undefined)[] = []
  const blamed: string[] = []
  const { index = indexBytes({ a: { bytes: RIGHT } }) } = setting
  const home = network.join({ id: 's', kind: 'seed' })
  home.answers = async (question) => {
    const isIndex = question.key === INDEX.key
    asked.push(isIndex ? 'index' : 'a')
    if (blamed.length > 0 || (isIndex && (cut() || setting.isIndexSilent))) throw new Error('nobody answers')
    if (!isIndex) untold.push(question.headers['x-warren-untold'])
    const ends = { destroy() {}, discard() {}, blame: (reason: string) => void blamed.push(reason) }
    const given = isIndex ? {} : await answer(question)
    return { status: 200, headers: {}, body: sent(isIndex ? index : RIGHT), ...ends, ...given }
  }
  const own = network.join({ id: 'self' })
  const seeds = (...args: Parameters<Mesh['seeds']>) => own.seeds(...args).map((one) => ({ ...one, ...seed }))
  const changed: Partial<Mesh> = { seeds, ...mesh }
  const neighbours = new Proxy(own, {
    get(of, name) {
      const value = Reflect.get(name in changed ? changed : of, name, of)
      return typeof value === 'function' ? value.bind(of) : value
    },
  })
  const direct = new MemoryUpstream((request, signal) => {
    if (cut()) throw UNREACHABLE
    return setting.upstream?.(request, signal) ?? (request.url === INDEX.url ? { body: index } : serve(request, RIGHT))
  })
  const upstream = new SeededUpstream({ upstream: direct, mesh: neighbours, clock })
  const kit = makeCache({ mesh: neighbours, clock, upstream })
  const outcome = async (plan: Plan = PLAN) => {
    const right = await inTime(clock, kit.fetch(plan)).then((bytes) => bytes.equals(RIGHT))
    await turns()
    return [right, kit.store.records.get(plan.key)?.verified]
  }
  return { ...kit, network, seed: home, own, asked, untold, blamed, direct, outcome }
}

export const KEPT = [true, [formatDigest(DIGEST)]]

/** An answer that breaks off after so many bytes. */
export function cutAfter(bytes: Buffer, cut: number, more: Record<string, string>): Partial<SeedAnswer> {
  async function* some() {
    yield bytes.subarray(0, cut)
    throw new WarrenError('UPSTREAM_CUT', 'it broke off')
  }
  return { headers: { 'content-length': String(bytes.length), ...more }, body: some() }
}

/** A seed that is gone after its answer. */
export function once(answer: () => Partial<SeedAnswer>): () => Partial<SeedAnswer> {
  let times = 0
  return () => {
    if (times++ > 0) throw new Error('it is gone')
    return answer()
  }
}
