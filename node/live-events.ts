import { Readable } from 'node:stream'
import type { AuditEntry } from './audit-log.ts'
import type { Clock } from './clock.ts'
import { reasonOf, WarrenError } from './errors.ts'

/** Streams at once: a few pages that are left open. */
const MAX_STREAMS = 16
/** Ms between two looks at the counts. */
const PERIOD = 1_000
/** Characters that wait for one reader; whoever is further behind is let go, and comes again. */
const MAX_WAITING = 256 << 10

export interface LiveEventsComponents {
  readonly clock: Clock
  /** What is told each second. */
  counts(): Promise<unknown>
  /** Whether the node wants to end: open streams would hold it up. */
  isStopping(): boolean
  trouble(what: string): void
}

/**
 * What happens at a node, as server-sent events (HTML Standard, section 9.2): `counts` each second, `change` for each change by the
 * admin API. It looks at nothing while nobody listens.
 */
export class LiveEvents {
  readonly #components: LiveEventsComponents
  readonly #streams = new Set<Readable>()
  #listening = new AbortController()

  constructor(components: LiveEventsComponents) {
    this.#components = components
  }

  /** Throws NODE_BUSY where there are too many. */
  subscribe(): Readable {
    if (this.#streams.size >= MAX_STREAMS)
      throw new WarrenError('NODE_BUSY', `${MAX_STREAMS} others listen to this node already`)
    const stream = new Readable({ read: () => {}, highWaterMark: MAX_WAITING })
    stream.once('close', () => {
      this.#streams.delete(stream)
      if (this.#streams.size === 0) this.#listening.abort()
    })
    this.#streams.add(stream)
    if (this.#streams.size === 1) {
      this.#listening = new AbortController()
      void this.#look(this.#listening.signal)
    } else void this.#tellCounts()
    return stream
  }

  /** Tells what was changed. */
  changed(entry: AuditEntry): void {
    if (entry.outcome === 'done') this.#tell('change', entry)
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#streams) stream.push(null)
    this.#listening.abort()
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#components.isStopping()) return this.close()
      await this.#tellCounts()
      try {
        await this.#components.clock.sleep(PERIOD, signal)
      } catch {
        // Nobody listens any more.
      }
    }
  }

  async #tellCounts(): Promise<void> {
    try {
      this.#tell('counts', await this.#components.counts())
    } catch (error) {
      this.#components.trouble(`counts cannot be told: ${reasonOf(error)}`)
    }
  }

  #tell(event: string, fact: unknown): void {
    if (this.#streams.size === 0) return
    const text = `event: ${event}\ndata: ${JSON.stringify(fact)}\n\n`
    for (const stream of this.#streams) if (!stream.push(text)) stream.destroy()
  }
}
