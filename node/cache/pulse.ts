import type { Clock } from '../clock.ts'

/** What is seen of a member's body while it comes. */
export class Pulse {
  readonly #clock: Clock
  /** Bytes that came. */
  bytes = 0
  /** Ms that we waited for the reader of its bytes, not for the member. */
  #busy = 0
  /** Since when we wait for the reader; undefined while it is the member that we wait for. */
  #busySince: number | undefined

  constructor(components: { clock: Clock }) {
    this.#clock = components.clock
  }

  /** Whether it is the reader that we wait for. */
  get isReading(): boolean {
    return this.#busySince !== undefined
  }

  /** Bytes came, which go to the reader. */
  came(bytes: number): void {
    this.bytes += bytes
    this.#busySince = this.#clock.now()
  }

  /** The reader wants more. */
  taken(): void {
    this.#busy += this.#clock.now() - (this.#busySince ?? this.#clock.now())
    this.#busySince = undefined
  }

  /** Waits so many ms. Resolves with what came in them, and with how many of them the member was waited for. */
  async look(ms: number, signal: AbortSignal): Promise<{ readonly came: number; readonly waited: number }> {
    const bytes = this.bytes
    const busy = this.#busy
    await this.#clock.sleep(ms, signal)
    return { came: this.bytes - bytes, waited: Math.max(0, ms - (this.#busy - busy)) }
  }
}
