import { HttpClient } from '../../harness/http.ts'
import { type ServerProcess, startModule } from '../../harness/server-process.ts'

/**
 * The least that two machines can do: `node:https` that sends files, and `node:https` that hashes them (sha256 and sha512) and
 * writes them, each in a process of its own. It knows beforehand where everything is, checks nothing, and syncs nothing.
 */
export class BareHttps {
  readonly #reader: ServerProcess
  readonly #client = new HttpClient(1)

  private constructor(reader: ServerProcess) {
    this.#reader = reader
  }

  /** Folders whose files are sent, and where they are written. */
  static async start(stack: AsyncDisposableStack, { from, to }: { from: string; to: string }): Promise<BareHttps> {
    const server = stack.use(await startModule(new URL('../child/bare-server.ts', import.meta.url), [from]))
    const reader = stack.use(await startModule(new URL('../child/bare-reader.ts', import.meta.url), [server.url, to]))
    const bare = new BareHttps(reader)
    stack.defer(() => bare.#client.close())
    return bare
  }

  /** Where clients get what the reader fetches for them, by plain HTTP, while it comes. */
  get url(): string {
    return this.#reader.url
  }

  /** Ms that it takes to fetch all paths, so many at a time, for nobody. */
  async fetch(paths: readonly string[], at: number): Promise<number> {
    const began = performance.now()
    const reply = await this.#client.exchange(this.url, { method: 'POST', body: JSON.stringify({ paths, at }) })
    if (reply.status !== 200) throw new Error(`the bare reader failed: ${reply.body}`)
    return performance.now() - began
  }
}
