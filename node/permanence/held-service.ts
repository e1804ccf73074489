import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Sha256 } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { Asker, MemberService } from '../http/member-door.ts'
import { sendFixed } from '../http/refusal.ts'
import { RequestBodies } from '../http/request-bodies.ts'
import type { Shelf } from '../mesh/shelf.ts'
import { readVersioned } from '../trust/versioned.ts'
import { ANSWERED_AT_ONCE, LOOKED_UP_AT_ONCE, MAX_QUESTION_BYTES } from './constants.ts'
import { HELD_PATH, type HeldAnswer, heldQuestion } from './held-messages.ts'

/**
 * Tells members which blobs this node holds, so that they know what they may evict. From the shelf, which knows nothing of what came
 * with credentials. A look-up costs some µs: each member has one question under way, and all together have a few.
 */
export class HeldService implements MemberService {
  readonly prefix = HELD_PATH
  readonly #shelf: Pick<Shelf, 'has'>
  readonly #bodies = new RequestBodies({
    maxBytes: MAX_QUESTION_BYTES,
    budgetBytes: 2 * ANSWERED_AT_ONCE * MAX_QUESTION_BYTES,
  })
  readonly #asking = new Set<string>()

  constructor(components: { readonly shelf: Pick<Shelf, 'has'> }) {
    this.#shelf = components.shelf
  }

  async answer(request: IncomingMessage, response: ServerResponse, { peer }: Asker): Promise<number> {
    if (request.method !== 'POST') throw new WarrenError('METHOD_NOT_ALLOWED', `${HELD_PATH} takes a POST`)
    if (this.#asking.has(peer) || this.#asking.size >= ANSWERED_AT_ONCE) {
      throw new WarrenError('NODE_BUSY', 'one question after the other', { retryAfter: 1 })
    }
    this.#asking.add(peer)
    try {
      const blobs = await this.#bodies.with(request, async (body) => asked(body))
      const answer: HeldAnswer = { v: 1, held: await this.#lookUp(blobs) }
      const headers = { 'content-type': 'application/json' }
      return sendFixed(request, response, { status: 200, headers, body: JSON.stringify(answer) })
    } finally {
      this.#asking.delete(peer)
    }
  }

  async #lookUp(blobs: readonly Sha256[]): Promise<number[]> {
    const held: number[] = []
    for (const [at, hex] of blobs.entries()) {
      if (at % LOOKED_UP_AT_ONCE === LOOKED_UP_AT_ONCE - 1) await setImmediate()
      if (this.#shelf.has({ algorithm: 'sha256', hex })) held.push(at)
    }
    return held
  }
}

function asked(body: Buffer): readonly Sha256[] {
  const reading = readVersioned(body.toString(), heldQuestion)
  if (reading.problem === undefined) return reading.value.sha256
  throw new WarrenError('BAD_REQUEST', `that is no question which blobs are held: ${reading.problem}`)
}
