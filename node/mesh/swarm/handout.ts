import type { Body, Scratch } from '../../body.ts'
import type { Clock } from '../../clock.ts'
import { type Digest, formatDigest } from '../../digest.ts'
import { WarrenError } from '../../errors.ts'
import type { PartialBlob, Shelf } from '../shelf.ts'
import type { Asking } from './asking.ts'
import { AHEAD_PATIENCE, LARGE_BYTES } from './constants.ts'
import { Busy } from './referral.ts'
import type { UploadRate } from './upload-rate.ts'
import type { Asked, Upload, Uploads } from './uploads.ts'

export interface HandoutComponents {
  readonly shelf: Pick<Shelf, 'open' | 'partial'>
  readonly uploads: Uploads
  readonly clock: Clock
  /** What all large blobs together may take; undefined for as much as goes. */
  readonly rate?: UploadRate | undefined
}

/** A member's wish for a blob. */
export interface Wish {
  readonly digest: Digest
  /** Peer id of who asks. */
  readonly peer: string
  /** First byte that it wants. */
  readonly start: number
  readonly asking: Asking
}

/** What is handed to a member. Close the body in any case. */
export interface Handed {
  readonly body: Body
  /** Whether all of it was verified; what is still growing breaks off if it turns out to be wrong. */
  readonly whole: boolean
}

/**
 * Gives members blobs that are kept, and large ones that are being fetched as far as they were verified: from here or not at all.
 * A wish never makes this node ask anybody else, or two nodes without a blob would send each other in circles for it.
 */
export class Handout {
  readonly #components: HandoutComponents

  constructor(components: HandoutComponents) {
    this.#components = components
  }

  /**
   * At once where the store is. Rejects with UPSTREAM_ABSENT, or with Busy where others are the better ones to ask, or it is too early.
   * @param left aborted when the asker leaves; called only if somebody waits
   */
  open(wish: Wish, left: () => AbortSignal): Handed | Promise<Handed> {
    const opening = this.#components.shelf.open(wish.digest)
    return opening instanceof Promise ? opening.then((kept) => this.#give(wish, kept, left)) : this.#give(wish, opening, left)
  }

  #give(wish: Wish, kept: Body | undefined, left: () => AbortSignal): Handed | Promise<Handed> {
    if (kept && (kept.size ?? 0) <= LARGE_BYTES) return { body: kept, whole: true }
    if (kept) return { body: this.#lend(wish, kept), whole: true }
    const partial = this.#components.shelf.partial(wish.digest)
    // What may be small is not waited for: it is had sooner from whoever fetches it for all.
    const least = wish.asking === 'first' ? 0 : Number.POSITIVE_INFINITY
    if (!partial || (partial.size ?? least) <= LARGE_BYTES) {
      throw new WarrenError('UPSTREAM_ABSENT', `this node does not hold ${formatDigest(wish.digest)}`)
    }
    return this.#beginning(wish, partial, left()).then((body) => ({ body, whole: false }))
  }

  #lend(wish: Wish, body: Body): Body {
    try {
      return new UploadBody(body, this.#begin(wish, true), this.#components.rate)
    } catch (error) {
      body.close()
      throw error
    }
  }

  /**
   * Whoever asks by itself is told at once that there is nothing for it yet: it takes that for the word that the blob is on its way. Two
   * that fetch never wait for each other for long, since who is sent here waits for a short time only.
   */
  async #beginning(wish: Wish, partial: PartialBlob, signal: AbortSignal): Promise<Body> {
    const { peer, start, asking } = wish
    if (partial.source === peer) throw new Busy('what is here of it comes from you', [])
    const ready = partial.verified > start
    if (!ready && asking === 'first') throw this.#components.uploads.refer(asked(wish))
    const upload = this.#begin(wish, ready)
    try {
      if (!ready) await this.#ahead(partial, start, signal)
      return new UploadBody(partial.open(), upload, this.#components.rate)
    } catch (error) {
      upload.end()
      throw error
    }
  }

  #begin(wish: Wish, ready: boolean): Upload {
    return this.#components.uploads.begin({ ...asked(wish), asking: wish.asking, ready })
  }

  /** Resolves when there is a byte from `start` on. */
  async #ahead(partial: PartialBlob, start: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const enough = this.#components.clock.sleep(AHEAD_PATIENCE, AbortSignal.any([signal, over.signal])).then(
      () => false,
      () => false,
    )
    try {
      while (partial.verified <= start) {
        if (!(await Promise.race([partial.grown(), enough]))) throw new Busy('nothing that you lack is here yet', [])
      }
    } finally {
      over.abort()
    }
  }
}

function asked({ digest, peer, start }: Wish): Asked {
  return { peer, blob: formatDigest(digest), start }
}

/** A large blob on its way out: tells how far it is, and keeps to the rate. */
class UploadBody implements Body {
  readonly #body: Body
  readonly #upload: Upload
  readonly #rate: UploadRate | undefined

  constructor(body: Body, upload: Upload, rate: UploadRate | undefined) {
    this.#body = body
    this.#upload = upload
    this.#rate = rate
  }

  get size(): number | undefined {
    return this.#body.size
  }

  read(position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer> {
    this.#upload.moved(position)
    const bytes = this.#body.read(position, max, scratch)
    return this.#rate ? this.#passed(bytes, this.#rate) : bytes
  }

  close(): void {
    this.#upload.end()
    this.#body.close()
  }

  async #passed(reading: Buffer | Promise<Buffer>, rate: UploadRate): Promise<Buffer> {
    const bytes = await reading
    await rate.pass(bytes.length)
    return bytes
  }
}
