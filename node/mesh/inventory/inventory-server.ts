import type { Clock } from '../../clock.ts'
import { ByteBudgets } from './byte-budget.ts'
import type { Channel } from './channel.ts'
import { ALIVE } from './constants.ts'
import { decodeAsk, encodeFrame, type Frame } from './frames.ts'
import type { OwnInventory } from './own-inventory.ts'

export interface InventoryServerComponents {
  readonly own: Pick<OwnInventory, 'answer' | 'same' | 'changed'>
  readonly clock: Clock
}

/** Tells members what this node has: all of it first, and then what changes, as long as they ask. One conversation with each. */
export class InventoryServer {
  readonly #components: InventoryServerComponents
  /** What ends the conversation with each. */
  readonly #readers = new Map<string, AbortController>()
  readonly #budgets: ByteBudgets

  constructor(components: InventoryServerComponents) {
    this.#components = components
    this.#budgets = new ByteBudgets(components)
  }

  /** Whether a member is being told of every change. */
  tells(peer: string): boolean {
    return this.#readers.has(peer)
  }

  /** Answers a member until it leaves; never rejects. A newer conversation with it ends the older one. */
  async serve(peer: string, channel: Channel, signal: AbortSignal): Promise<void> {
    this.#readers.get(peer)?.abort(new Error('the member has begun anew'))
    const stop = new AbortController()
    const budget = this.#budgets.of(peer)
    this.#readers.set(peer, stop)
    const life = AbortSignal.any([signal, stop.signal])
    try {
      await budget.ready(life)
      for (;;) {
        const ask = decodeAsk(await channel.receive(life))
        const bytes = encodeFrame(await this.#answer(ask, life))
        await channel.send(bytes, life)
        await budget.passed(bytes.length, life)
      }
    } catch {
      // It left, or says what no member says.
    } finally {
      channel.close()
      if (this.#readers.get(peer) === stop) this.#readers.delete(peer)
    }
  }

  async #answer(ask: ReturnType<typeof decodeAsk>, signal: AbortSignal): Promise<Frame> {
    const { own, clock } = this.#components
    const over = new AbortController()
    const late = clock.sleep(ALIVE, AbortSignal.any([signal, over.signal])).then(
      () => 'late' as const,
      () => 'late' as const,
    )
    try {
      for (;;) {
        const changed = own.changed
        const frame = own.answer(ask)
        if (frame) return frame
        const event = await Promise.race([changed, late])
        signal.throwIfAborted()
        if (event === 'late') return own.answer(ask) ?? own.same()
      }
    } finally {
      over.abort()
    }
  }
}
