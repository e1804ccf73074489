import type { Body, Scratch } from '../body.ts'
import { WarrenError } from '../errors.ts'
import type { PartialBlob } from '../mesh/shelf.ts'
import type { GrowingBlob } from './growing-blob.ts'

/**
 * What a flight hands on to members while it goes on: what its own clients may see, but nothing more of a copy that was given up. Whoever
 * reads it there could have it checked by a list of the right one, and would take this node for a liar.
 */
export class HandedOn implements PartialBlob {
  readonly #blob: GrowingBlob
  readonly #flight: { attach(): Body; sender(): string | undefined }

  constructor(blob: GrowingBlob, flight: { attach(): Body; sender(): string | undefined }) {
    this.#blob = blob
    this.#flight = flight
  }

  get size(): number | undefined {
    return this.#blob.told
  }

  get verified(): number {
    return this.#blob.wrong ? 0 : this.#blob.visible
  }

  get source(): string | undefined {
    return this.#flight.sender()
  }

  grown(): Promise<boolean> {
    return this.#blob.growing()
  }

  open(): Body {
    return new Checked(this.#blob, this.#flight.attach())
  }
}

class Checked implements Body {
  readonly #blob: GrowingBlob
  readonly #body: Body

  constructor(blob: GrowingBlob, body: Body) {
    this.#blob = blob
    this.#body = body
  }

  get size(): number | undefined {
    return this.#body.size
  }

  read(position: number, max: number, scratch: Scratch): Buffer | Promise<Buffer> {
    if (!this.#blob.wrong) return this.#body.read(position, max, scratch)
    return Promise.reject(new WarrenError('UPSTREAM_CUT', 'what had come of this turned out to be wrong'))
  }

  close(): void {
    this.#body.close()
  }
}
