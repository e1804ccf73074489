import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests that one connection may have waiting behind the one that is being answered. apt sends 10 ahead. */
const MAX_WAITING = 100

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Gives pipelined requests their turn one after the other. Node hands all of them over at once: a thousand requests for large
 * files in one packet would open a thousand files before the first byte of an answer is out.
 */
export class Turns {
  readonly #handler: Handler
  readonly #waiting = new WeakMap<Socket, number>()

  constructor(handler: Handler) {
    this.#handler = handler
  }

  /** Runs the handler when the response has the connection, which is at once for whoever does not pipeline. */
  take(request: IncomingMessage, response: ServerResponse): void {
    if (response.socket) {
      this.#handler(request, response)
      return
    }
    const { socket } = request
    const waiting = (this.#waiting.get(socket) ?? 0) + 1
    if (waiting > MAX_WAITING) {
      socket.destroy()
      return
    }
    this.#waiting.set(socket, waiting)
    response.once('socket', () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1)
      // A turn comes amid the end of the answer before; what it leads to is not that answer's business.
      process.nextTick(() => this.#handler(request, response))
    })
  }
}
