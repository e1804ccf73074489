import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../../node/clock.ts'
import type { TcpAddress } from '../../node/tcp-address.ts'
import { TokenBucket } from './rate.ts'

/**
 * A wire that is slow in both directions: takes connections at one address and passes their bytes on to another. Breaks of one side are
 * breaks of the other.
 */
export class SlowLink implements AsyncDisposable {
  readonly #to: TcpAddress
  readonly #bytesPerSecond: number
  readonly #sockets = new Set<Socket>()
  readonly #gone = new AbortController()
  readonly #server: Server
  #passed = 0

  private constructor(to: TcpAddress, bytesPerSecond: number) {
    this.#to = to
    this.#bytesPerSecond = bytesPerSecond
    this.#server = createServer({ noDelay: true }, (socket) => this.#join(socket))
  }

  static async open(from: TcpAddress, to: TcpAddress, bytesPerSecond: number): Promise<SlowLink> {
    const link = new SlowLink(to, bytesPerSecond)
    link.#server.listen(from.port, from.host)
    await once(link.#server, 'listening')
    return link
  }

  /** Bytes that went through, both ways. */
  get passed(): number {
    return this.#passed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone.abort()
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #join(near: Socket): void {
    const far = connect({ ...this.#to, noDelay: true })
    const pair = [near, far] as const
    for (const socket of pair) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        for (const one of pair) one.destroy()
      })
    }
    void this.#pump(near, far)
    void this.#pump(far, near)
  }

  async #pump(from: Socket, to: Socket): Promise<void> {
    const bucket = new TokenBucket(systemClock, this.#bytesPerSecond)
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; at += bucket.piece) {
          const part = chunk.subarray(at, at + bucket.piece)
          await bucket.take(part.length, this.#gone.signal)
          this.#passed += part.length
          if (!to.write(part)) await once(to, 'drain', { signal: this.#gone.signal })
        }
      }
      to.end()
    } catch {
      // Gone, or broken by one of the two: the other hears of it above.
    }
  }
}
