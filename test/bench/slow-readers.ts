import { connect, type Socket } from 'node:net'
import { eventually } from '../harness/wait.ts'

/** Bytes after which a stalling reader never reads again. */
const STALL_AFTER_BYTES = 64 << 10
/** A dripping reader takes what the system has for it so often. */
const DRIP_MS = 250

/**
 * Readers of one URL over a connection each: every second one stops after its first bytes and holds the connection, the
 * others take one chunk at a time, far below the pace of the body.
 */
export class SlowReaders implements Disposable {
  readonly #sockets: Socket[] = []
  readonly #received: number[] = []
  readonly #timer: NodeJS.Timeout
  #failure: Error | undefined

  constructor(url: string, count: number) {
    const { hostname, port, pathname, host } = new URL(url)
    for (let reader = 0; reader < count; reader++) {
      const socket = connect(Number(port), hostname)
      this.#sockets.push(socket)
      this.#received.push(0)
      socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
      socket.on('data', (chunk) => this.#took(reader, socket, chunk))
      socket.on('error', (error) => {
        this.#failure ??= error
      })
      socket.on('end', () => {
        this.#failure ??= new Error(`the node ended the connection of a slow reader after ${this.#received[reader]} bytes`)
      })
    }
    this.#timer = setInterval(() => {
      for (const [reader, socket] of this.#sockets.entries()) if (reader % 2 === 0) socket.resume()
    }, DRIP_MS)
  }

  /** Resolves when all of them have their first bytes. */
  async reading(): Promise<void> {
    await eventually('every slow reader reads', () => {
      this.check()
      return this.#received.every((bytes) => bytes > 0)
    })
  }

  /** Throws when one of them was refused, or cut off. */
  check(): void {
    if (this.#failure) throw this.#failure
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const socket of this.#sockets) socket.destroy()
  }

  #took(reader: number, socket: Socket, chunk: Buffer): void {
    const before = this.#received[reader] ?? 0
    if (before === 0 && !chunk.toString('latin1', 0, 16).startsWith('HTTP/1.1 200')) {
      this.#failure ??= new Error(`a slow reader was answered ${chunk.toString('latin1', 0, 40)}`)
    }
    this.#received[reader] = before + chunk.length
    if (reader % 2 === 0 || before + chunk.length >= STALL_AFTER_BYTES) socket.pause()
  }
}
