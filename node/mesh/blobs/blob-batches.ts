import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import { BATCH_PATH, BATCH_WISHES, BatchReader, encodeWishes, type Refused } from './batch-wire.ts'
import type { BlobClient } from './blob-client.ts'
import type { Dialled } from './dial.ts'

export interface BlobBatchesComponents {
  readonly client: Pick<BlobClient, 'request'>
  readonly clock: Clock
}

/** Questions to one member that are not answered to their end: what is wanted meanwhile goes together. */
const UNDER_WAY = 2
/** Ms in which an answer has to get on by so many bytes: who waits for it asks nobody else meanwhile. */
const PATIENCE = 300
const PROGRESS_BYTES = 64 << 10

const OVER = new Error('the answer has come to its end')

interface Wish {
  readonly digest: Digest
  resolve(given: Buffer | Refused): void
  reject(reason: unknown): void
}

interface Queue {
  readonly wishes: Wish[]
  underWay: number
  isDue: boolean
}

/**
 * Small blobs from members, as many with each question as are wanted at the time: what a blob costs beside its bytes is for the most part
 * what a request costs.
 */
export class BlobBatches {
  readonly #components: BlobBatchesComponents
  readonly #queues = new Map<string, Queue>()

  constructor(components: BlobBatchesComponents) {
    this.#components = components
  }

  /**
   * A blob, whose bytes are nobody's word, or why not. Rejects with what went wrong, and with UPSTREAM_TIMEOUT where the member does not
   * get on with it.
   */
  ask(peer: Dialled, digest: Digest): Promise<Buffer | Refused> {
    const queue = this.#queues.get(peer.id) ?? { wishes: [], underWay: 0, isDue: false }
    this.#queues.set(peer.id, queue)
    return new Promise((resolve, reject) => {
      queue.wishes.push({ digest, resolve, reject })
      if (queue.isDue || queue.underWay >= UNDER_WAY) return
      queue.isDue = true
      // What other clients ask for has come in the same turn.
      setImmediate(() => {
        queue.isDue = false
        // An answer that came just before may have sent all that waits.
        if (queue.wishes.length > 0) void this.#send(peer, queue)
      })
    })
  }

  async #send(peer: Dialled, queue: Queue): Promise<void> {
    const wishes = queue.wishes.splice(0, BATCH_WISHES)
    queue.underWay++
    try {
      await this.#exchange(peer, wishes)
    } catch (error) {
      // Who waits for the same member has waited as long.
      for (const wish of [...wishes, ...queue.wishes.splice(0)]) wish.reject(error)
    } finally {
      queue.underWay--
      if (queue.wishes.length > 0) void this.#send(peer, queue)
      else if (queue.underWay === 0 && !queue.isDue) this.#queues.delete(peer.id)
    }
  }

  async #exchange(peer: Dialled, wishes: readonly Wish[]): Promise<void> {
    const over = new AbortController()
    let received = 0
    void this.#watch(() => received, over, peer.id)
    try {
      const body = encodeWishes(wishes.map(({ digest }) => digest))
      const response = await this.#components.client.request(peer, { method: 'POST', path: BATCH_PATH, body }, over.signal)
      if (response.status !== 200) {
        response.body.discard()
        throw new WarrenError('UPSTREAM_FAILED', `member ${peer.id} answered ${response.status}`)
      }
      let at = 0
      const reader = new BatchReader((blob) => {
        const wish = wishes[at++]
        if (!wish) throw new WarrenError('UPSTREAM_FAILED', `member ${peer.id} sends more blobs than it was asked for`)
        wish.resolve(blob)
      })
      for await (const chunk of response.body) {
        received += chunk.length
        reader.take(chunk)
      }
      if (at < wishes.length) throw new WarrenError('UPSTREAM_CUT', `member ${peer.id} sent fewer blobs than it was asked for`)
    } finally {
      over.abort(OVER)
    }
  }

  async #watch(received: () => number, over: AbortController, peer: string): Promise<void> {
    const { clock } = this.#components
    try {
      for (let before = 0; ; before = received()) {
        await clock.sleep(PATIENCE, over.signal)
        if (received() - before < PROGRESS_BYTES) break
      }
      over.abort(new WarrenError('UPSTREAM_TIMEOUT', `member ${peer} does not get on with small blobs`))
    } catch {
      // It came to its end.
    }
  }
}
