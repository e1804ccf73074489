import type { Clock } from '../clock.ts'
import { WarrenError } from '../errors.ts'
import { Breaker } from './breaker.ts'
import { QUEUE_PATIENCE, QUEUE_PATIENCE_RETRY_AFTER, QUEUE_RETRY_AFTER } from './constants.ts'
import { Crowded } from './crowded.ts'
import { Freeze } from './freeze.ts'
import type { HostHealth } from './upstream.ts'

export interface HostGateComponents {
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
}

export interface HostGateInit {
  readonly origin: string
  /** Requests in flight at most. */
  readonly concurrency: number
  /** Requests waiting at most. */
  readonly queue: number
  /** Ms that a request waits for a frozen origin. */
  readonly patience: number
}

interface Failure {
  /** Seconds for which the origin asked not to be asked. */
  readonly retryAfter?: number | undefined
  /** Counts once for all requests that were under way. */
  readonly shared?: boolean
  /** Says nothing about other requests: it is told in `health` and neither opens nor closes the breaker. */
  readonly alone?: boolean
}

/** Leave to send one request. */
export interface Pass {
  /** Upstream answered, whatever it said. */
  answered(): void
  /** No answer, or one of 5xx. */
  failed(reason: string, failure: Failure): void
  /** Upstream answered that we ask too much; takes the seconds that it told, if it did, and gives those that it will rest. */
  busy(reason: string, retryAfter: number | undefined): number
  /** Gives the place to the next one; idempotent. To be called when the body has ended, too. */
  leave(): void
}

type Turn = (mine: boolean) => void

/** Decides for one origin when a request may go: bounded concurrency, a queue in order of arrival, breaker and freeze. */
export class HostGate {
  readonly #clock: Clock
  readonly #init: HostGateInit
  readonly #breaker: Breaker
  readonly #freeze: Freeze
  readonly #queue = new Set<Turn>()
  #inFlight = 0
  /** When a place was last handed on, in ms since the epoch. */
  #freedAt = 0
  #requests = 0
  #failures = 0
  #failedInRow = 0
  #lastError: string | undefined

  constructor(components: HostGateComponents, init: HostGateInit) {
    this.#clock = components.clock
    this.#init = init
    this.#breaker = new Breaker(components)
    this.#freeze = new Freeze(components)
  }

  /** Nobody uses it. */
  get unused(): boolean {
    return this.#inFlight === 0 && this.#queue.size === 0
  }

  /** Requests may go at once. */
  get calm(): boolean {
    return this.#breaker.state === 'closed' && this.#freeze.until === 0
  }

  /** Rejects with UPSTREAM_BUSY (frozen for long; as Crowded where the queue is full or slow), UPSTREAM_UNREACHABLE (breaker open), or the abort reason. */
  async enter(signal: AbortSignal): Promise<Pass> {
    let patience = this.#init.patience
    for (;;) {
      signal.throwIfAborted()
      const rest = this.#freeze.remaining()
      if (rest > 0) {
        if (rest > patience) throw this.#resting(rest)
        patience -= rest
        await this.#clock.sleep(rest, signal)
        continue
      }
      const admitted = this.#breaker.admit()
      if (admitted === 'refuse') throw this.#broken()
      const probe = admitted === 'probe'
      try {
        if (await this.#turn(signal)) return this.#pass(probe)
      } catch (error) {
        if (probe) this.#breaker.abandon()
        throw error
      }
      if (probe) this.#breaker.abandon()
    }
  }

  health(): HostHealth {
    const frozen = this.#freeze.until
    return {
      origin: this.#init.origin,
      state: frozen > 0 ? 'frozen' : this.#breaker.state,
      until: Math.max(frozen, this.#breaker.until),
      inFlight: this.#inFlight,
      queued: this.#queue.size,
      requests: this.#requests,
      failures: this.#failures,
      ...(this.#failedInRow > 0 && { failedInRow: this.#failedInRow }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    }
  }

  /** True: a place is taken. False: look again, the state of the origin has changed. */
  #turn(signal: AbortSignal): boolean | Promise<boolean> {
    if (this.#inFlight < this.#init.concurrency) {
      this.#inFlight++
      return true
    }
    if (this.#queue.size >= this.#init.queue) {
      const message = `${this.#init.origin}: ${this.#init.queue} requests wait already, so this one was turned away; try again later`
      throw new Crowded(message, QUEUE_RETRY_AFTER)
    }
    return new Promise((resolve, reject) => {
      const over = new AbortController()
      const end = () => {
        this.#queue.delete(turn)
        signal.removeEventListener('abort', onAbort)
        over.abort()
      }
      const turn: Turn = (mine) => {
        end()
        resolve(mine)
      }
      const onAbort = () => {
        end()
        reject(signal.reason)
      }
      const onStuck = () => {
        end()
        reject(this.#stuck())
      }
      this.#queue.add(turn)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#untilStuck(over.signal).then(onStuck, () => {})
    })
  }

  #pass(probe: boolean): Pass {
    this.#requests++
    const failuresBefore = this.#failures
    let told = false
    let left = false
    return {
      answered: () => {
        told = true
        this.#failedInRow = 0
        this.#breaker.success()
        this.#freeze.reset()
      },
      failed: (reason, { retryAfter, shared, alone }) => {
        if (alone) return this.#note(reason)
        if (shared && !probe && this.#failures !== failuresBefore) return this.#note(reason)
        told = true
        this.#note(reason)
        if (retryAfter !== undefined) this.#freeze.start(retryAfter)
        if (this.#breaker.failure(reason, probe) || retryAfter !== undefined) this.#flush()
      },
      busy: (reason, retryAfter) => {
        told = true
        this.#note(reason)
        this.#breaker.success()
        this.#freeze.start(retryAfter)
        this.#flush()
        return Math.ceil(this.#freeze.remaining() / 1000)
      },
      leave: () => {
        if (left) return
        left = true
        if (probe && !told) this.#breaker.abandon()
        this.#inFlight--
        this.#next()
      },
    }
  }

  #next(): void {
    this.#freedAt = this.#clock.now()
    for (const turn of this.#queue) {
      this.#queue.delete(turn)
      // Taken on behalf of the waiter, before anybody else can slip in.
      this.#inFlight++
      turn(true)
      return
    }
  }

  #flush(): void {
    const waiting = [...this.#queue]
    this.#queue.clear()
    for (const turn of waiting) turn(false)
  }

  #note(reason: string): void {
    this.#failures++
    this.#failedInRow++
    this.#lastError = reason
  }

  /** Resolves when no place came free for too long; a queue that moves may be as long as it likes. */
  async #untilStuck(signal: AbortSignal): Promise<void> {
    for (let since = this.#clock.now(), rest = QUEUE_PATIENCE; rest > 0; ) {
      await this.#clock.sleep(rest, signal)
      since = Math.max(since, this.#freedAt)
      rest = since + QUEUE_PATIENCE - this.#clock.now()
    }
  }

  #stuck(): WarrenError {
    const { origin, concurrency } = this.#init
    const message = `${origin}: none of ${concurrency} requests under way has ended within ${QUEUE_PATIENCE / 1000} s; try again later`
    return new Crowded(message, QUEUE_PATIENCE_RETRY_AFTER)
  }

  #resting(rest: number): WarrenError {
    const retryAfter = Math.ceil(rest / 1000)
    const message = `${this.#init.origin} asked for a pause, which is over in ${retryAfter} s (${this.#lastError})`
    return new WarrenError('UPSTREAM_BUSY', message, { retryAfter })
  }

  #broken(): WarrenError {
    const { since, until, reason } = this.#breaker
    const retryAfter = Math.max(1, Math.ceil((until - this.#clock.now()) / 1000))
    const message = `${this.#init.origin} has failed since ${new Date(since).toISOString()} (${reason}); asked again in ${retryAfter} s`
    return new WarrenError('UPSTREAM_UNREACHABLE', message, { retryAfter })
  }
}
