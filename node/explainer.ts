import type { Explanation } from '../admin/api/explain-schema.ts'
import type { Plan } from './cache/plan.ts'
import type { Clock } from './clock.ts'
import { type Digest, formatDigest, isCollisionFree, parseDigest, parseDigests } from './digest.ts'
import { WarrenError } from './errors.ts'
import type { MeshSwitch } from './mesh/mesh-switch.ts'
import type { Whereabouts } from './mesh/whereabouts.ts'
import type { NameRecord, Store } from './store/store.ts'
import type { Upstream } from './upstream/upstream.ts'

export interface ExplainerComponents {
  readonly store: Store
  readonly mesh: Pick<MeshSwitch, 'whereabouts' | 'seeds'>
  readonly upstream: Pick<Upstream, 'health' | 'isPrivate' | 'budget'>
  readonly clock: Clock
  /** What a plain GET of a target of the mirrors may be answered with. Throws NO_SUCH_MIRROR and BAD_REQUEST. */
  plansOf(target: string): readonly Plan[]
  /** Facts of a document that is held, however old. */
  facts(plan: Plan): Promise<unknown>
}

const NOWHERE: Whereabouts = { members: [], coversAll: false, headStart: 0 }

/** Says where something would come from now, and why. Asks no upstream, and fetches nothing. */
export class Explainer {
  readonly #components: ExplainerComponents

  constructor(components: ExplainerComponents) {
    this.#components = components
  }

  /** @param key a path at the mirrors, or a digest. Throws BAD_REQUEST for anything else, and NO_SUCH_MIRROR. */
  async explain(key: string, signal: AbortSignal): Promise<Explanation> {
    const digest = parseDigest(key)
    if (!digest && !key.startsWith('/'))
      throw new WarrenError('BAD_REQUEST', `«${key.slice(0, 80)}» is neither a path of a mirror nor a digest`)
    const { store, mesh, upstream } = this.#components
    const plans = digest ? [] : this.#components.plansOf(key)
    const plan = plans.find((one) => store.records.get(one.key)) ?? plans[0]
    const record = plan && store.records.get(plan.key)
    const digests = digest ? [digest] : await this.#digestsOf(plan, record, signal)
    const isPrivate = plan !== undefined && upstream.isPrivate(plan.base)
    const metered = plan !== undefined && upstream.budget(plan.base) !== undefined
    const strong = digests.filter(isCollisionFree)
    const found = isPrivate || strong.length === 0 ? NOWHERE : await mesh.whereabouts(strong, { metered }, signal)
    const facts = {
      key,
      name: plan?.key ?? null,
      mirror: plan?.mirror ?? null,
      kind: plan?.kind ?? null,
      digests: digests.map(formatDigest),
      held: this.#held(digests, record),
      members: found.members.map(({ peer: id, ...member }) => ({ id, ...member })),
      coversAll: found.coversAll,
      seeds: plan && !isPrivate ? mesh.seeds(plan.key).map(({ id }) => id) : [],
      headStart: found.headStart,
      upstream: plan ? this.#upstream(plan) : null,
    }
    return { ...facts, ...verdict(facts) }
  }

  /** Those that are known without asking anybody: from the plan, the record, or a document that is held. */
  async #digestsOf(plan: Plan | undefined, record: NameRecord | undefined, signal: AbortSignal): Promise<readonly Digest[]> {
    const known = plan?.digests ?? parseDigests(record?.verified ?? [])
    if (known.length > 0 || !plan?.expect) return known
    const { facts } = this.#components
    const fetch = async (document: Plan) => (await facts(document)) ?? Promise.reject(new Error('it is not held'))
    const expectation = await plan.expect({ cached: facts, fetch }, signal).catch(() => undefined)
    return expectation?.digests ?? []
  }

  #held(digests: readonly Digest[], record: NameRecord | undefined): Explanation['held'] {
    const { store, clock } = this.#components
    const named = record && !record.link ? store.blobs.find({ algorithm: 'sha256', hex: record.blob }) : undefined
    const sha256 = named ?? digests.map((digest) => store.blobs.find(digest)).find((one) => one !== undefined)
    if (sha256 === undefined) return null
    const of = record?.blob === sha256 ? record : undefined
    const stale = of !== undefined && of.freshFor !== null && clock.now() - of.checkedAt > of.freshFor
    return { sha256, since: of?.fetchedAt ?? null, size: of?.size ?? null, private: store.blobs.isPrivate(sha256), stale }
  }

  #upstream({ base }: Plan): Explanation['upstream'] {
    const { upstream } = this.#components
    const { origin } = new URL(base)
    const state = upstream.health().find((host) => host.origin === origin)?.state ?? null
    return { base, private: upstream.isPrivate(base), state, remaining: upstream.budget(base)?.remaining ?? null }
  }
}

/** In the order in which a request goes. */
function verdict(facts: Omit<Explanation, 'source' | 'why'>): Pick<Explanation, 'source' | 'why'> {
  const { held, members, seeds, upstream, digests, coversAll } = facts
  if (held && !held.stale) return { source: 'local', why: 'this node has it' }
  const again = held ? 'what this node has is old, and ' : ''
  const first = members.find(({ excluded }) => excluded === null)
  if (first && facts.kind !== 'mutable') {
    const said = first.by === 'inventory' ? 'says that it has it' : 'has it, as the DHT says'
    return { source: first.role === 'seed' ? 'seed' : 'peer', why: `${first.role} ${first.id} ${said}` }
  }
  const nobody =
    digests.length === 0
      ? 'its digest is not known yet, by which members could be asked'
      : nobodyText(members.length, coversAll)
  if (seeds[0] !== undefined)
    return { source: 'seed', why: `${again}${nobody}; its home seed ${seeds[0]} is asked, which fetches it for all` }
  if (!upstream) return { source: 'nowhere', why: `${nobody}, and a digest alone does not say which upstream has it` }
  if (upstream.state === 'open' || upstream.state === 'frozen')
    return held
      ? { source: 'local', why: `what this node has is old, and ${upstream.base} is not asked now` }
      : {
          source: 'nowhere',
          why: `${nobody}, and ${upstream.base} is not asked now: it is ${upstream.state === 'open' ? 'failing' : 'resting'}`,
        }
  const alone = upstream.private ? 'it is asked with credentials, so that nobody else is' : nobody
  return { source: 'upstream', why: `${again}${alone}: ${upstream.base} is asked` }
}

function nobodyText(members: number, coversAll: boolean): string {
  if (members > 0) return 'no member that has it is to be asked now'
  return coversAll ? 'all members have told what they have, and none has it' : 'no member is known to have it'
}
