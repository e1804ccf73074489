import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import type { Digest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import { BATCH_PATH, BATCH_WISHES, BatchReader, encodeWishes, type Refused } from './batch-wire.ts'
import type { BlobClient } from './blob-client.ts'
import type { Dialled } from './dial.ts'

export interface BlobBatchesComponents {
  readonly client: Pick<BlobClient, 'request' | 'came'>
  readonly clock: Clock
}

/** Questions to one member that are not answered to their end: what is wanted meanwhile goes together. */
const UNDER_WAY = 2
/** Ms in which an answer has to get on by so many bytes: who waits for it asks nobody else meanwhile. */
const PATIENCE = 300
const PROGRESS_BYTES = 64 << 10
/** Ms, since the first of its wishes was uttered, that an answer may take which gets on. */
const LONGEST = 2_000

const OVER = new Error('the answer has come to its end')

interface Wish {
  readonly digest: Digest
  /** Ms since the epoch. */
  readonly uttered: number
  resolve(given: Buffer | Refused): void
  reject(reason: unknown): void
}

interface Queue {
  /** As it was named last: where it is may change while there is always something to ask it. */
  peer: Dialled
  readonly wishes: Wish[]
  underWay: number
  isDue: boolean
}

/**
 * Small blobs from members, as many with each question as are wanted at the time: what a blob costs beside its bytes is for the
 * most part what a request costs.
 */
export class BlobBatches {
  readonly #components: BlobBatchesComponents
  readonly #queues = new Map<string, Queue>()

  constructor(components: BlobBatchesComponents) {
    this.#components = components
  }

  /**
   * A blob, whose bytes are nobody's word, or why not. Rejects with what went wrong, and with UPSTREAM_TIMEOUT where the member
   * does not get on with it.
   */
  ask(peer: Dialled, digest: Digest): Promise<Buffer | Refused> {
    const queue = this.#queues.get(peer.id) ?? { peer, wishes: [], underWay: 0, isDue: false }
    this.#queues.set(peer.id, queue)
    queue.peer = peer
    return new Promise((resolve, reject) => {
      queue.wishes.push({ digest, uttered: this.#components.clock.now(), resolve, reject })
      if (queue.isDue || queue.underWay >= UNDER_WAY) return
      queue.isDue = true
      // What other clients ask for has come in the same turn.
      setImmediate(() => {
        queue.isDue = false
        // An answer that came just before may have sent all that waits.
        this.#serve(queue)
      })
    })
  }

  /** Sends as many questions as may be under way. */
  #serve(queue: Queue): void {
    while (queue.wishes.length > 0 && queue.underWay < UNDER_WAY) void this.#send(queue)
    if (queue.underWay === 0 && !queue.isDue) this.#queues.delete(queue.peer.id)
  }

  async #send(queue: Queue): Promise<void> {
    const wishes = queue.wishes.splice(0, BATCH_WISHES)
    queue.underWay++
    try {
      await this.#exchange(queue.peer, wishes)
    } catch (error) {
      // Who waits for the same member has waited as long.
      for (const wish of [...wishes, ...queue.wishes.splice(0)]) wish.reject(error)
    } finally {
      queue.underWay--
      this.#serve(queue)
    }
  }

  async #exchange(peer: Dialled, wishes: readonly Wish[]): Promise<void> {
    const { client } = this.#components
    const over = new AbortController()
    const progress = { bytes: 0 }
    let carried = 0
    void this.#watch(peer.id, wishes[0]?.uttered ?? 0, progress, over)
    try {
      const body = encodeWishes(wishes.map(({ digest }) => digest))
      const asked = { method: 'POST', path: BATCH_PATH, body, countsItself: true } as const
      const response = await client.request(peer, asked, over.signal)
      if (response.status !== 200) throw new WarrenError('UPSTREAM_FAILED', `member ${peer.id} answered ${response.status}`)
      const tooMany = () => new WarrenError('UPSTREAM_FAILED', `member ${peer.id} sends more blobs than it was asked for`)
      let at = 0
      const reader = new BatchReader((blob) => {
        const wish = wishes[at++]
        if (!wish) throw tooMany()
        if (Buffer.isBuffer(blob)) carried += blob.length
        wish.resolve(blob)
      })
      for await (const chunk of response.body) {
        progress.bytes += chunk.length
        reader.take(chunk)
      }
      if (at < wishes.length) throw new WarrenError('UPSTREAM_CUT', `member ${peer.id} sent fewer blobs than it was asked for`)
      if (!reader.atBoundary) throw tooMany()
    } finally {
      over.abort(OVER)
      if (carried > 0) client.came(peer, carried)
    }
  }

  /** Ends an answer that does not get on. */
  async #watch(peer: string, since: number, progress: { readonly bytes: number }, over: AbortController): Promise<void> {
    const { clock } = this.#components
    try {
      for (let before = 0; ; before = progress.bytes) {
        await clock.sleep(PATIENCE, over.signal)
        // After a stall of this process timers come before sockets: what has arrived meanwhile gets its turn first.
        await turn()
        // A wall clock may be set back.
        if (progress.bytes - before < PROGRESS_BYTES || Math.abs(clock.now() - since) >= LONGEST) break
      }
      over.abort(new WarrenError('UPSTREAM_TIMEOUT', `member ${peer} does not get on with small blobs`))
    } catch {
      // It came to its end.
    }
  }
}
