import { isWarrenError } from '../../errors.ts'
import type { BlobClient } from '../blobs/blob-client.ts'
import type { Seed, SeedAnswer, SeedQuestion } from '../mesh.ts'
import type { PeerBook } from '../peer-book.ts'
import { artifactPath } from './artifact-wire.ts'

export interface SeedSourceComponents {
  readonly book: PeerBook
  readonly client: BlobClient
}

/** Ms of silence in a body: whatever keeps the seed waiting, somebody else may be faster. */
const IDLE = 10_000
/**
 * Ms in which there has to be a connection, and then a sign that the seed is at it: whoever waits for one that is gone could have asked
 * upstream. Who has its control connection and did not fail lately is there, so its silence means that it is busy: a farm of runners
 * that starts at once has it make hundreds of connections, and each that gave up would cost upstream a copy and make it busier.
 */
const LIVE = { connect: 6_000, sign: 5_000, idle: IDLE }
const DOUBTFUL = { connect: 1_500, sign: 1_000, idle: IDLE }

/** A seed of the mesh; what comes of asking it is written down for the next time. */
export class SeedSource implements Seed {
  readonly id: string
  readonly #components: SeedSourceComponents
  readonly #time: 'usual' | 'all'

  /** @param time less of the usual time is given to one that failed lately */
  constructor(components: SeedSourceComponents, id: string, time: 'usual' | 'all' = 'usual') {
    this.#components = components
    this.id = id
    this.#time = time
  }

  get isSeed(): boolean {
    return this.#components.book.roleOf(this.id) === 'seed'
  }

  get isFar(): boolean {
    return this.#components.book.isFar(this.id)
  }

  async ask({ method, key, headers }: SeedQuestion, signal: AbortSignal): Promise<SeedAnswer> {
    const { book, client } = this.#components
    const path = artifactPath(key)
    if (path === undefined) throw new RangeError('a key of that length is asked of nobody')
    const patience = this.#time === 'usual' && book.isDoubtful(this.id) ? DOUBTFUL : LIVE
    const peer = { id: this.id, addresses: book.blobsOf(this.id) }
    try {
      const { status, headers: told, body } = await client.request(peer, { method, path, headers, patience }, signal)
      book.had(this.id)
      const blame = (reason: string) => {
        book.quarantine(this.id, reason)
        client.forget(this.id)
      }
      const ends = { destroy: () => body.destroy(), discard: () => body.discard() }
      return { status, headers: told, body: this.#watched(body, signal), ...ends, blame }
    } catch (error) {
      // Busy is who has not heard yet of what was purged.
      if (!signal.aborted && !isWarrenError(error, 'UPSTREAM_BUSY')) book.failed(this.id)
      throw error
    }
  }

  /** Whoever breaks off is not the one to be asked for the rest. */
  async *#watched(body: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void> {
    try {
      yield* body
    } catch (error) {
      if (!signal.aborted) this.#components.book.failed(this.id)
      throw error
    }
  }
}
