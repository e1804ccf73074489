import { reasonOf } from '../../node/errors.ts'
import { type Answer, answer, serve } from './answer.ts'
import { headers, spoil } from './fault.ts'
import type { LoggedRequest } from './tally.ts'
import { UpstreamServer } from './upstream-server.ts'

/** Ms that a file of the archive may take. */
const FETCH_TIMEOUT = 120_000

/** Passes on what an archive outside has, and asks it for each path once. */
export class ArchiveReplay extends UpstreamServer {
  readonly #source: string
  readonly #answers = new Map<string, Promise<Answer>>()

  /** @param source base URL with a slash at its end */
  constructor(source: string) {
    super()
    this.#source = source
  }

  /** Why the archive cannot be reached, if it cannot. */
  async trouble(path: string): Promise<string | undefined> {
    try {
      const { status } = await this.#fetched(path)
      return status === 200 ? undefined : `it answers ${status} for ${path}`
    } catch (error) {
      return reasonOf(error)
    }
  }

  protected kindOf(path: string): string {
    return /\.deb$/.test(path) ? 'deb' : path.includes('/by-hash/') ? 'by-hash' : (path.split('/').at(-1) ?? '')
  }

  protected find({ target }: LoggedRequest): Promise<Answer> {
    return this.#fetched(target.slice(1))
  }

  #fetched(path: string): Promise<Answer> {
    const running = this.#answers.get(path) ?? this.#fetch(path)
    this.#answers.set(path, running)
    running.catch(() => this.#answers.delete(path))
    return running
  }

  async #fetch(path: string): Promise<Answer> {
    const response = await fetch(this.#source + path, {
      headers: { 'accept-encoding': 'identity' },
      signal: AbortSignal.timeout(FETCH_TIMEOUT),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    if (response.status !== 200) return answer(response.status, bytes)
    const modified = response.headers.get('last-modified')
    return spoil(serve(bytes), headers({ etag: '', ...(modified === null ? {} : { 'last-modified': modified }) }))
  }
}
