import { get } from '../harness/http.ts'
import { type ServerProcess, startModule } from '../harness/server-process.ts'
import type { Package } from './packages.ts'

/** The registry that everything comes from, in a process of its own. */
export class Upstream {
  /** Base URL, without a slash at its end. */
  readonly url: string

  private constructor(server: ServerProcess) {
    this.url = server.url
  }

  static async start(stack: AsyncDisposableStack): Promise<Upstream> {
    return new Upstream(stack.use(await startModule(new URL('child/upstream.ts', import.meta.url))))
  }

  /** Has the documents of a package made, and with them the digests of its archives, before anybody waits for them. */
  async prepare(one: Package): Promise<void> {
    for (const path of ['', ...Array.from({ length: one.versions }, (_, version) => `/1.0.${version}`)]) {
      const { status } = await get(`${this.url}/${one.name}${path}`)
      if (status !== 200) throw new Error(`upstream answered ${status} for ${one.name}${path}`)
    }
  }

  /** Holds all archives together to so many bytes a second; 0: as fast as it goes. */
  async limit(bytesPerSecond: number): Promise<void> {
    await get(`${this.url}/-/rate?bytes=${bytesPerSecond}`)
  }

  /** Archives that were asked for so far. */
  async tarballs(): Promise<number> {
    return JSON.parse((await get(`${this.url}/-/tarballs`)).body.toString())
  }
}
