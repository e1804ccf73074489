import type { IncomingMessage } from 'node:http'
import { WarrenError } from '../errors.ts'
import { ClientLeft } from './client-left.ts'

/** Bytes of one request body: an audit of a large project sends some hundred KB. */
const MAX_BYTES = 16 << 20
/** Bytes that the bodies of all requests may take at a time. */
const BUDGET_BYTES = 64 << 20
/** Bytes of memory that each part takes beside its content: one byte a packet must not take the node's memory uncounted. */
const PART_OVERHEAD = 512
/** Bytes that are read and thrown away, so that a client which sends before it listens hears why it is refused. */
const DISCARD_BYTES = 64 << 20

export interface RequestBodiesInit {
  readonly maxBytes?: number
  readonly budgetBytes?: number
}

/** Takes in request bodies, of which memory can hold only so many. */
export class RequestBodies {
  readonly #max: number
  readonly #budget: number
  #held = 0

  constructor(init: RequestBodiesInit = {}) {
    this.#max = init.maxBytes ?? MAX_BYTES
    this.#budget = init.budgetBytes ?? BUDGET_BYTES
  }

  /** Bytes of memory that are taken, bookkeeping included. */
  get held(): number {
    return this.#held
  }

  /**
   * Runs `use` with the whole body, which is let go of afterwards. Throws PAYLOAD_TOO_LARGE, NODE_BUSY while others fill the
   * memory, and ClientLeft.
   */
  async with<T>(request: IncomingMessage, use: (body: Buffer) => Promise<T>): Promise<T> {
    let mine = 0
    try {
      const parts: Buffer[] = []
      let refused: WarrenError | undefined
      let length = 0
      for await (const part of incoming(request)) {
        length += part.length
        const cost = part.length + PART_OVERHEAD
        refused ??= this.#refusal(length, cost)
        if (refused) {
          // At once: a refused client may take its time, while others wait for the memory.
          parts.length = 0
          this.#held -= mine
          mine = 0
          if (length > this.#max + DISCARD_BYTES) throw refused
          continue
        }
        this.#held += cost
        mine += cost
        parts.push(part)
      }
      if (refused) throw refused
      return await use(Buffer.concat(parts))
    } finally {
      this.#held -= mine
    }
  }

  #refusal(length: number, more: number): WarrenError | undefined {
    if (length > this.#max)
      return new WarrenError('PAYLOAD_TOO_LARGE', `the request body is larger than the ${this.#max} bytes that are passed on`)
    if (this.#held + more <= this.#budget) return undefined
    return new WarrenError('NODE_BUSY', 'too many large requests are under way at this node; try again in a moment', {
      retryAfter: 1,
    })
  }
}

async function* incoming(request: IncomingMessage): AsyncIterable<Buffer> {
  try {
    // Ending the loop early must not end the connection, over which the refusal has yet to go.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  } catch {
    throw new ClientLeft()
  }
}
