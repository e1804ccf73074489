/** Under `npm start` a single Ctrl-C comes twice, from the terminal and from npm; within this time, in ms, both are one. */
const SAME_SIGNAL = 500

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Listens for the wish to stop: the first signal asks for it, the next one insists. */
export class StopSignals {
  readonly #asked = Promise.withResolvers<void>()
  readonly #insist: () => void
  #askedAt: number | undefined

  constructor(init: { insist(): void }) {
    this.#insist = init.insist
    for (const signal of SIGNALS) process.on(signal, this.#onSignal)
  }

  /** Resolves at the first signal. */
  get asked(): Promise<void> {
    return this.#asked.promise
  }

  /**
   * Ends listening, unless a signal has asked: then the process is about to end by itself, and the same Ctrl-C coming once more in its
   * last moments must not end it as one that was interrupted.
   */
  close(): void {
    if (this.#askedAt !== undefined) return
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
  }

  readonly #onSignal = () => {
    const now = performance.now()
    this.#askedAt ??= now
    this.#asked.resolve()
    if (now - this.#askedAt > SAME_SIGNAL) this.#insist()
  }
}
