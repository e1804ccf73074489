import type { Lookup, Plan } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import { exchange, type Reply } from './http.ts'

/** More than a document of a test tells of, so that a walk ends. */
const MAX_PLANS = 500

/**
 * Finds all that comes of some plans: what they and the documents behind them name, and what is asked for to know what must be true of
 * it. Documents come from where the plans say, without any cache.
 */
export class PlanWalk {
  /** Each under its key and its kind: the same thing may be asked for in two ways. */
  readonly plans = new Map<string, Plan>()
  readonly #facts = new Map<string, unknown>()
  readonly #waiting: Plan[] = []
  readonly #signal = new AbortController().signal
  readonly #lookup: Lookup = {
    cached: async (plan) => this.#facts.get(plan.key),
    fetch: async (plan) => this.#fetch(plan),
    held: async (prefix) => [...this.#facts.keys()].filter((key) => key.startsWith(prefix)),
  }

  async from(plans: readonly Plan[]): Promise<void> {
    for (const plan of plans) this.#add(plan)
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await this.#follow(next)
  }

  #add(plan: Plan | undefined): void {
    const name = `${plan?.kind} ${plan?.key}`
    if (!plan || this.plans.has(name)) return
    this.plans.set(name, plan)
    if (this.plans.size > MAX_PLANS) throw new RangeError('there is no end to it')
    this.#waiting.push(plan)
  }

  async #follow(plan: Plan): Promise<void> {
    this.#add(plan.standIn)
    this.#add(plan.dated)
    const facts = plan.document || plan.index ? await this.#fetch(plan).catch(unlessBug) : undefined
    const told = facts
      ? [
          ...(plan.undated?.(facts) ?? []).flat(),
          ...(plan.prefetch?.(facts) ?? []),
          ...(plan.children?.(facts) ?? []).map((child) => child.plan),
        ]
      : []
    for (const one of told) this.#add(one)
    if (facts) await plan.proof?.(facts, this.#lookup, this.#signal).catch(unlessBug)
    await plan.expect?.(this.#lookup, this.#signal).catch(unlessBug)
    await plan.published?.(this.#lookup, this.#signal).catch(unlessBug)
    if (plan.pointsTo) this.#add(plan.pointsTo((await this.#headersOf(plan).catch(unlessBug)) ?? {}))
  }

  async #fetch(plan: Plan): Promise<unknown> {
    this.#add(plan)
    if (this.#facts.has(plan.key)) return this.#facts.get(plan.key)
    const reply = await asked(plan, 'GET')
    if (reply.status !== 200) throw new WarrenError('UPSTREAM_ABSENT', `${plan.url}: ${reply.status}`)
    const parsed = await (plan.document ?? plan.index)?.parse(reply.body)
    const facts: unknown = JSON.parse(JSON.stringify(parsed?.facts ?? null))
    if (plan.isMeant?.(facts) === false) throw new WarrenError('UPSTREAM_CORRUPT', `${plan.url} is another document`)
    this.#facts.set(plan.key, facts)
    return facts
  }

  async #headersOf(plan: Plan): Promise<Record<string, string>> {
    const { headers } = await asked(plan, 'HEAD')
    return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
  }
}

function asked({ url, headers }: Plan, method: string): Promise<Reply> {
  return exchange(url, { method, headers: { ...headers } }).catch((cause: unknown) => {
    throw new WarrenError('UPSTREAM_UNREACHABLE', `nobody is at ${url}`, { cause })
  })
}

function unlessBug(error: unknown): undefined {
  if (!(error instanceof WarrenError)) throw error
  return undefined
}
