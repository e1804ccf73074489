import { Agent, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'
import { Loopback } from './loopback.ts'

/** An answer of a node as it went by. */
export interface Passed {
  /** Path of the request, decoded. */
  readonly path: string
  readonly status: number
  /** What the node says where the bytes came from. */
  readonly source: string
  /** Bytes of its body. */
  bytes: number
}

/**
 * Stands between npm and a node, changes nothing, and notes where each answer came from: afterwards the node would say «local»
 * of all that it has.
 */
export class Relay {
  readonly #target: URL
  readonly #passed: Passed[] = []
  readonly #agent = new Agent({ keepAlive: true })
  readonly #server = new Loopback((request, response) => this.#pass(request, response))

  /** @param target URL of a mirror of the node */
  constructor(target: string) {
    this.#target = new URL(target)
  }

  /** URL under which npm reaches the mirror. */
  get url(): string {
    return this.#server.origin + this.#target.pathname
  }

  /** The tarballs that went by, each once, in the order in which they were asked for. */
  get tarballs(): Passed[] {
    const answers = this.#passed.filter(({ path, status }) => path.endsWith('.tgz') && status === 200)
    return [...new Map(answers.toReversed().map((passed) => [passed.path, passed])).values()].toReversed()
  }

  start(): Promise<void> {
    return this.#server.start()
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    await this.#server.close()
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, url = '/', headers } = request
    const { hostname, port, pathname } = this.#target
    // With npm's own Host: the node must write tarball URLs that lead here.
    const onward = requestHttp({ hostname, port, method, path: url, headers, agent: this.#agent })
    onward.on('response', (answer) => {
      const passed = {
        path: decoded(url).slice(pathname.length),
        status: answer.statusCode ?? 0,
        source: String(answer.headers['x-warren-source'] ?? 'none'),
        bytes: 0,
      }
      this.#passed.push(passed)
      answer.on('data', (part: Buffer) => {
        passed.bytes += part.length
      })
      // A client that was killed meanwhile takes nothing any more, and a pipe to it would end this process.
      if (response.destroyed) {
        answer.destroy()
        return
      }
      response.writeHead(passed.status, answer.rawHeaders)
      pipeline(answer, response, () => {})
    })
    // npm sees the end of its connection, as it would without the relay.
    onward.on('error', () => response.destroy())
    pipeline(request, onward, () => {})
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
