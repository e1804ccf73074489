import type { ServerResponse } from 'node:http'
import { ClientLeft } from './client-left.ts'

/**
 * The client at the other end of a response that is written piece by piece. Node calls back neither for a write to a socket that
 * is gone nor for one that waits in line behind it, so every wait here ends when the response is closed.
 */
export class Receiver {
  readonly #out: ServerResponse
  readonly #waiting = new Set<(reason: ClientLeft) => void>()
  #left = false

  constructor(out: ServerResponse) {
    this.#out = out
    this.#left = out.destroyed
    out.once('close', () => {
      this.#left = true
      for (const reject of this.#waiting) reject(new ClientLeft())
      this.#waiting.clear()
    })
  }

  /** What `work` comes to; rejects with ClientLeft as soon as the client is gone. */
  orLeft<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#left) {
        work.catch(() => {})
        return reject(new ClientLeft())
      }
      this.#waiting.add(reject)
      // Not by `finally`, whose further promises would be most of the garbage of a crowd.
      work.then(
        (value) => {
          this.#waiting.delete(reject)
          resolve(value)
        },
        (error: unknown) => {
          this.#waiting.delete(reject)
          reject(error)
        },
      )
    })
  }

  /** Resolves when the bytes were handed over and their memory may be used again; rejects with ClientLeft. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#left) return reject(new ClientLeft())
      this.#waiting.add(reject)
      this.#out.write(bytes, (error) => {
        this.#waiting.delete(reject)
        if (error) reject(new ClientLeft())
        else resolve()
      })
    })
  }
}
