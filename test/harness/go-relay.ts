import { onTestFinished } from 'vitest'
import { type Answer, answer } from './answer.ts'
import { delay, spoil } from './fault.ts'
import { ScriptedUpstream } from './scripted.ts'

const PATIENCE_MS = 20_000

/** The real module proxy, which can be slow and be gone. */
export class Relay {
  /** Paths whose answers take seconds. */
  slow: RegExp | undefined
  readonly #base: string
  readonly #server = new ScriptedUpstream()

  private constructor(base: string) {
    this.#base = base
  }

  /** Stops when the test is over. */
  static async to(base: string): Promise<Relay> {
    const relay = new Relay(base)
    await relay.#server.on(/./, ({ target }) => relay.#pass(target)).start()
    onTestFinished(() => relay.#server.stop())
    return relay
  }

  get url(): string {
    return `${this.#server.origin}/`
  }

  async gone(): Promise<void> {
    await this.#server.gone()
  }

  async reaches(path: string): Promise<boolean> {
    try {
      return (await this.#pass(`/${path}`)).status === 200
    } catch {
      return false
    }
  }

  async #pass(target: string): Promise<Answer> {
    const response = await fetch(this.#base + target.slice(1), { signal: AbortSignal.timeout(PATIENCE_MS) })
    const type = response.headers.get('content-type') ?? 'text/plain'
    const given = answer(response.status, Buffer.from(await response.arrayBuffer()), { 'content-type': type })
    return this.slow?.test(target) ? spoil(given, delay(3_000)) : given
  }
}
