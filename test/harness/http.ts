import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { firstOf } from './wait.ts'

/** Bytes that a test response may have in memory; a test of more uses a `Reading`. */
const MAX_BODY = 512 << 20

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Buffer | string
  readonly signal?: AbortSignal
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** False when the connection broke before the framing said that the body is whole; `body` is what came until then. */
  readonly complete: boolean
}

/** A response that is read only as fast as the test asks: what nobody asks for stays in the sender's hands. */
export class Reading {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly #message: IncomingMessage
  #received = 0

  constructor(message: IncomingMessage) {
    this.status = message.statusCode ?? 0
    this.headers = message.headers
    this.#message = message
    // Breaks are seen by whoever reads; without a listener a break between two reads would end the process.
    message.on('error', () => {})
  }

  /** Body bytes that were taken so far. */
  get received(): number {
    return this.#received
  }

  /** Whether the whole body came, by its own framing. */
  get complete(): boolean {
    return this.#message.complete
  }

  /** At least one byte and at most `max`; empty at the clean end. Rejects when the connection broke. */
  async read(max: number): Promise<Buffer> {
    for (;;) {
      const ready = this.#message.readableLength
      const part: Buffer | null = ready > 0 ? this.#message.read(Math.min(max, ready)) : this.#message.read()
      if (part) {
        this.#received += part.length
        return part
      }
      if (this.#message.readableEnded) return Buffer.alloc(0)
      if (this.#message.destroyed) throw this.#message.errored ?? new Error('the connection broke')
      await firstOf(this.#message, 'readable', 'end', 'close')
    }
  }

  /** Exactly `bytes`, or less when the body ends before. */
  async take(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = bytes; left > 0; ) {
      const part = await this.read(left)
      if (part.length === 0) break
      parts.push(part)
      left -= part.length
    }
    return Buffer.concat(parts)
  }

  /** The rest, `bytes` at a time and `everyMs` apart. */
  async slowly(bytes: number, everyMs: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (;;) {
      const part = await this.take(bytes)
      if (part.length === 0) return Buffer.concat(parts)
      parts.push(part)
      await setTimeout(everyMs)
    }
  }

  /** Leaves: breaks the connection. */
  abort(): void {
    this.#message.destroy()
  }
}

/** An HTTP/1.1 client without any cleverness: no decoding, no redirects, no retries. Its connections are reused until `close`. */
export class HttpClient {
  readonly #agent: Agent
  readonly #sockets = new Set<Socket>()

  constructor(maxSockets = Infinity) {
    this.#agent = new Agent({ keepAlive: true, maxSockets })
  }

  /** Different connections that were used so far. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Resolves when the headers are in. */
  async open(url: string, ask: Ask = {}): Promise<Reading> {
    const { method = 'GET', headers = {}, body, signal } = ask
    const outgoing = request(url, { method, headers, agent: this.#agent, ...(signal ? { signal } : {}) })
    outgoing.on('socket', (socket) => this.#sockets.add(socket))
    // A break after the headers is told to the request too; the reading sees it by itself.
    outgoing.on('error', () => {})
    outgoing.end(body)
    const [message] = (await once(outgoing, 'response')) as [IncomingMessage]
    return new Reading(message)
  }

  /** The whole reply, or what came of it before the connection broke: see `complete`. */
  async exchange(url: string, ask: Ask = {}): Promise<Reply> {
    const reading = await this.open(url, ask)
    const parts: Buffer[] = []
    try {
      for (;;) {
        const part = await reading.read(1 << 20)
        if (part.length === 0) break
        parts.push(part)
        if (reading.received > MAX_BODY) throw new RangeError(`the body is longer than the ${MAX_BODY} bytes that fit`)
      }
    } catch (error) {
      if (error instanceof RangeError || ask.signal?.aborted) throw error
    }
    return { status: reading.status, headers: reading.headers, body: Buffer.concat(parts), complete: reading.complete }
  }

  /** The whole reply; rejects when it was cut. */
  async get(url: string, ask: Ask = {}): Promise<Reply> {
    const reply = await this.exchange(url, ask)
    if (!reply.complete) throw new Error(`the body of ${url} was cut after ${reply.body.length} bytes`)
    return reply
  }

  /** Ends all connections. */
  close(): void {
    this.#agent.destroy()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** One GET over a connection of its own; rejects when the body was cut. */
export async function get(url: string, headers: Record<string, string> = {}): Promise<Reply> {
  const client = new HttpClient()
  try {
    return await client.get(url, { headers })
  } finally {
    client.close()
  }
}

/** One request over a connection of its own, whatever becomes of its body. */
export async function exchange(url: string, ask: Ask = {}): Promise<Reply> {
  const client = new HttpClient()
  try {
    return await client.exchange(url, ask)
  } finally {
    client.close()
  }
}
