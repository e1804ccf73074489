import type { Clock } from '../../clock.ts'
import { reasonOf } from '../../errors.ts'
import { ByteBudgets } from './byte-budget.ts'
import type { Channel } from './channel.ts'
import { ALIVE, NEIGHBOURS } from './constants.ts'
import { decodeFrame, encodeAsk } from './frames.ts'
import type { Inventories } from './inventories.ts'

const SECOND = 1_000
/** Ms until a member is asked again after it did not answer as it should; twice as long after each further time. */
const PAUSE = SECOND
const LONGEST_PAUSE = 60 * SECOND
/** Bytes as which a change counts beside its own: it takes one on the wire, and us a microsecond. */
const CHANGE_COST = 15
/** Ms that an answer may take beyond what a member waits for something new. */
const PATIENCE = 10 * SECOND

export interface SubscriptionsComponents {
  readonly inventories: Inventories
  readonly clock: Clock
  /** Begins a conversation with a connected member. */
  open(peer: string, signal: AbortSignal): Promise<Channel>
  /** Connected members that hand out blobs. */
  candidates(): readonly string[]
  isSeed(peer: string): boolean
}

/** Keeps copies of what up to 32 members have: seeds first, and of the others those that came first. */
export class Subscriptions {
  readonly #components: SubscriptionsComponents
  readonly #following = new Map<string, AbortController>()
  readonly #budgets: ByteBudgets
  #stopped = false

  constructor(components: SubscriptionsComponents) {
    this.#components = components
    this.#budgets = new ByteBudgets(components)
  }

  /** Members whose inventories are followed. */
  get followed(): ReadonlySet<string> {
    return new Set(this.#following.keys())
  }

  /** Somebody has come or gone. */
  refresh(): void {
    const { candidates, isSeed } = this.#components
    const there = this.#stopped ? [] : candidates()
    const seedsFirst = there.toSorted(
      (one, other) =>
        Number(isSeed(other)) - Number(isSeed(one)) || Number(this.#following.has(other)) - Number(this.#following.has(one)),
    )
    const wanted = new Set(seedsFirst.slice(0, NEIGHBOURS))
    for (const [peer, stop] of this.#following)
      if (!wanted.has(peer)) stop.abort(new Error('this member is not followed any more'))
    for (const peer of wanted) if (!this.#following.has(peer)) this.#begin(peer)
  }

  stop(): void {
    this.#stopped = true
    this.refresh()
  }

  #begin(peer: string): void {
    const stop = new AbortController()
    this.#following.set(peer, stop)
    this.#follow(peer, stop.signal)
      .catch(() => {})
      .finally(() => {
        if (this.#following.get(peer) === stop) this.#following.delete(peer)
        // It may have come back meanwhile.
        if (!this.#stopped) this.refresh()
      })
  }

  /** Rejects when it is over. */
  async #follow(peer: string, signal: AbortSignal): Promise<void> {
    const { inventories, clock } = this.#components
    const budget = this.#budgets.of(peer)
    for (let failures = 0; ; failures++) {
      signal.throwIfAborted()
      const ignoredUntil = inventories.ignoredUntil(peer)
      if (ignoredUntil !== undefined) await clock.sleep(ignoredUntil - clock.now(), signal)
      inventories.begin(peer)
      const told = { once: false }
      await this.#converse(peer, { budget, told, signal }).catch(() => {})
      signal.throwIfAborted()
      if (told.once) failures = 0
      await clock.sleep(Math.min(PAUSE * 2 ** failures, LONGEST_PAUSE), signal)
    }
  }

  async #converse(peer: string, { budget, told, signal }: Conversation): Promise<void> {
    const { inventories, open } = this.#components
    await budget.ready(signal)
    const channel = await open(peer, signal)
    try {
      for (;;) {
        const answer = await this.#asked(channel, encodeAsk(inventories.askFor(peer)), signal)
        let changes = 0
        try {
          const frame = decodeFrame(answer)
          if (frame.kind === 'delta') changes = frame.added.length + frame.removed.length
          inventories.apply(peer, frame)
        } catch (error) {
          inventories.reject(peer, `it tells what it has in a way that makes no sense: ${reasonOf(error)}`)
          throw error
        }
        told.once = true
        if (inventories.ignoredUntil(peer) !== undefined) throw new Error('nothing more is made of what it tells')
        await budget.passed(answer.length + changes * CHANGE_COST, signal)
      }
    } finally {
      channel.close()
    }
  }

  async #asked(channel: Channel, question: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const { clock } = this.#components
    const over = new AbortController()
    const life = AbortSignal.any([signal, over.signal])
    const late = clock.sleep(ALIVE + PATIENCE, life).then(() => Promise.reject(new Error('no answer came')))
    late.catch(() => {})
    try {
      const asked = channel.send(question, life).then(() => channel.receive(life))
      asked.catch(() => {})
      return await Promise.race([asked, late])
    } finally {
      over.abort(new Error('it is over'))
    }
  }
}

interface Conversation {
  readonly budget: ReturnType<ByteBudgets['of']>
  readonly told: { once: boolean }
  readonly signal: AbortSignal
}
