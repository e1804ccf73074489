import { randomBytes } from 'node:crypto'
import { Agent, type ClientRequest, type RequestOptions, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { isProof } from '../../node/node-proof.ts'
import { proofSchema } from '../api/proof-schema.ts'

/** Bytes of an answer: a node with hundreds of mirrors and upstreams, or of two thousand members, stays below. */
const MAX_ANSWER = 4 << 20

export interface AdminRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal: AbortSignal
}

export interface AdminAnswer {
  readonly status: number
  readonly body: string
  readonly etag: string | undefined
}

/** One connection to an admin listener: what was proven on it holds for what is sent on it afterwards, and nowhere else. */
export class AdminConnection implements Disposable {
  readonly #base: string
  readonly #agent: Agent
  #proven: Socket | undefined

  /** `base` is an http(s) URL, or `unix:` and the path of a socket. */
  constructor(base: string) {
    this.#base = base
    const options = { keepAlive: true, maxSockets: 1 }
    this.#agent = base.startsWith('https:') ? new HttpsAgent(options) : new Agent(options)
  }

  /** Whether who answers has this token; from then on nobody else gets to hear anything. Rejects as `send` does. */
  async proves(token: string, signal: AbortSignal): Promise<boolean> {
    const nonce = randomBytes(32).toString('base64url')
    const path = `/admin/v1/proof?nonce=${nonce}`
    const { body } = await this.send({ method: 'GET', path, headers: { accept: 'application/json' }, signal }, (socket) => {
      this.#proven = socket
    })
    return isProof(proofIn(body), token, { nonce, listener: this.#base })
  }

  /** Rejects with what keeps an answer from coming. @param onSocket hears by which connection it is sent, before that is done */
  send({ method, path, headers, body, signal }: AdminRequest, onSocket = this.#checked): Promise<AdminAnswer> {
    return new Promise((resolve, reject) => {
      const request = this.#request(path, { method, headers, signal, agent: this.#agent })
      request.on('error', reject)
      request.on('socket', (socket: Socket) => {
        try {
          onSocket(socket)
          request.end(body)
        } catch (error) {
          request.destroy(error as Error)
        }
      })
      request.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (text.length > MAX_ANSWER) request.destroy(new Error('it sends more than a node does'))
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, etag: response.headers.etag }))
      })
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  /** Another program may be faster to take over the address. */
  readonly #checked = (socket: Socket): void => {
    if (this.#proven && socket !== this.#proven) throw new Error('it closed the connection')
  }

  #request(path: string, options: RequestOptions): ClientRequest {
    const socketPath = this.#base.startsWith('unix:') ? this.#base.slice('unix:'.length) : undefined
    const url = new URL(path, socketPath === undefined ? this.#base : 'http://localhost')
    const request = url.protocol === 'https:' ? requestHttps : requestHttp
    return request(url, socketPath === undefined ? options : { ...options, socketPath })
  }
}

/** Empty where there is none. */
function proofIn(body: string): string {
  try {
    return proofSchema.parse(JSON.parse(body)).proof
  } catch {
    return ''
  }
}
