import type { Clock } from '../clock.ts'
import type { Mesh } from '../mesh/mesh.ts'

export interface HandoverComponents {
  readonly mesh: Mesh
  readonly clock: Clock
}

/** Keys that wait for a seed; the oldest are forgotten first. */
const MOST_KEYS = 20_000
/** Ms between looks whether there is a seed, and between two keys: a seed has others to serve. */
const INTERVAL = 5_000
const PACE = 50

/**
 * What this node fetched itself because no seed could be asked: once one is there it is told of the keys, and gets what they name as it
 * would for anybody. It checks the names itself; the bytes it may well have from here.
 */
export class Handover {
  readonly #components: HandoverComponents
  readonly #keys = new Set<string>()
  readonly #stop = new AbortController()
  #running = false

  constructor(components: HandoverComponents) {
    this.#components = components
  }

  /** Keys that wait. */
  get waiting(): number {
    return this.#keys.size
  }

  note(key: string): void {
    if (this.#stop.signal.aborted) return
    this.#keys.delete(key)
    this.#keys.add(key)
    const [oldest] = this.#keys
    if (oldest !== undefined && this.#keys.size > MOST_KEYS) this.#keys.delete(oldest)
    if (this.#running) return
    this.#running = true
    void this.#run()
  }

  stop(): void {
    this.#stop.abort()
    this.#keys.clear()
  }

  async #run(): Promise<void> {
    const { clock } = this.#components
    const { signal } = this.#stop
    try {
      while (this.#keys.size > 0) {
        await clock.sleep(INTERVAL, signal)
        for (const key of this.#keys) {
          if (!(await this.#tell(key, signal))) break
          this.#keys.delete(key)
          await clock.sleep(PACE, signal)
        }
      }
    } catch {
      // Stopped.
    } finally {
      this.#running = false
    }
  }

  /** Whether some seed has heard of it; it may well say no. */
  async #tell(key: string, signal: AbortSignal): Promise<boolean> {
    for (const seed of this.#components.mesh.seeds(key)) {
      try {
        const { status, discard } = await seed.ask({ method: 'POST', key, headers: {} }, signal)
        discard()
        // Neither busy nor in trouble.
        if (status < 500 && status !== 429) return true
      } catch {
        signal.throwIfAborted()
      }
    }
    return false
  }
}
