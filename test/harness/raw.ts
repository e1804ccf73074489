import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { firstOf } from './wait.ts'

/** A TCP connection that sends exactly the bytes it is given and keeps all that comes back. */
export class RawConnection {
  readonly #socket: Socket
  readonly #parts: Buffer[] = []
  #ended = false
  #error: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (part) => this.#parts.push(Buffer.from(part)))
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.on('end', () => {
      this.#ended = true
    })
  }

  /** Connects to the host and port of an http URL. @param from address of this machine to connect from; any, if not set */
  static async open(url: string, from?: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    const socket = connect({
      host: hostname,
      port: Number(port),
      allowHalfOpen: true,
      ...(from === undefined ? {} : { localAddress: from }),
    })
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  /** All that came so far, as latin1: one character a byte. */
  get received(): string {
    return Buffer.concat(this.#parts).toString('latin1')
  }

  /** How the other side left: `fin`, `rst`, or not at all. */
  get left(): 'fin' | 'rst' | undefined {
    if (this.#error) return 'rst'
    return this.#ended ? 'fin' : undefined
  }

  send(bytes: string | Buffer): void {
    this.#socket.write(bytes)
  }

  /** Sends byte by byte, `everyMs` apart, as a slow-loris client does; stops when the other side left. */
  async trickle(bytes: string, everyMs: number): Promise<void> {
    for (const byte of Buffer.from(bytes)) {
      if (this.left) return
      this.#socket.write(Buffer.of(byte))
      await setTimeout(everyMs)
    }
  }

  /** Resolves with all that came once it satisfies `enough`, or the other side left. */
  async until(enough: (received: string) => boolean): Promise<string> {
    while (!enough(this.received) && !this.left && !this.#socket.destroyed) {
      await firstOf(this.#socket, 'data', 'end', 'close')
    }
    return this.received
  }

  /** All until the other side ends the connection. */
  rest(): Promise<string> {
    return this.until(() => false)
  }

  /** Ends our half of the connection, or resets it. */
  leave(by: 'fin' | 'rst' = 'fin'): void {
    if (by === 'fin') this.#socket.end()
    else this.#socket.resetAndDestroy()
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** Sends exactly these bytes and gives back all that comes until the server closes, or `enough` says so. */
export async function rawExchange(
  url: string,
  bytes: string | Buffer,
  enough: (received: string) => boolean = () => false,
): Promise<string> {
  const connection = await RawConnection.open(url)
  try {
    connection.send(bytes)
    return await connection.until(enough)
  } finally {
    connection.close()
  }
}
