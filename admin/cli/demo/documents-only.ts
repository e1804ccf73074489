import type { IncomingMessage, ServerResponse } from 'node:http'
import { reasonOf } from '../../../node/errors.ts'
import { Loopback } from './loopback.ts'
import type { Upstream } from './upstream.ts'

/**
 * A registry that passes the documents of another one on and refuses every tarball: what a node behind it delivers of those, it
 * has from other members. Nothing passes that is no JSON, whatever its path.
 */
export class DocumentsOnly {
  readonly #upstream: Upstream
  readonly #server = new Loopback((request, response) => void this.#answer(request, response))
  #refused = 0

  constructor(upstream: Upstream) {
    this.#upstream = upstream
  }

  /** Its base URL. */
  get url(): string {
    return this.#server.origin + new URL(this.#upstream.base).pathname
  }

  /** Requests for a tarball that it answered 503. */
  get refused(): number {
    return this.#refused
  }

  start(): Promise<void> {
    return this.#server.start()
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  async #answer({ method, url = '/', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (method !== 'GET' && method !== 'HEAD') return end(response, 405, 'only GET and HEAD are passed on')
    if (/\.tgz(?:\?|$)/i.test(url)) {
      this.#refused++
      return end(response, 503, 'no tarballs today')
    }
    try {
      const { status, type, text } = await this.#upstream.get(url, headers.accept ?? 'application/json')
      end(response, status, this.#rewritten(text), type)
    } catch (error) {
      end(response, 503, `no document: ${reasonOf(error)}`)
    }
  }

  /** The document with tarball URLs that lead here, so that nothing goes past. Throws for what is no JSON. */
  #rewritten(text: string): string {
    const { origin } = this.#server
    return JSON.stringify(
      JSON.parse(text, (key, value) =>
        key === 'tarball' && typeof value === 'string' && URL.canParse(value) ? origin + new URL(value).pathname : value,
      ),
    )
  }
}

function end(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}
