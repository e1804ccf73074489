import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PinDesk } from '../pins/desk.ts'
import type { Asker, MemberService } from './member-door.ts'
import { sendFixed } from './refusal.ts'
import { RequestBodies } from './request-bodies.ts'

/** Bytes of questions that are read at a time, and of one: the listener lets none in that has more. */
const BUDGET_BYTES = 16 << 20
const QUESTION_BYTES = 256 << 10

/** Where seeds send each other pins, and members ask how these stand. */
export class PinService implements MemberService {
  readonly prefix = '/pins/v1/'
  readonly #desk: PinDesk
  readonly #bodies = new RequestBodies({ maxBytes: QUESTION_BYTES, budgetBytes: BUDGET_BYTES })

  constructor(components: { desk: PinDesk }) {
    this.#desk = components.desk
  }

  async answer(request: IncomingMessage, response: ServerResponse, member: Asker): Promise<number> {
    const reply = this.#desk.at(request.method ?? 'GET', request.url ?? '/', member)
    return this.#bodies.with(request, async (question) => {
      const body = JSON.stringify(await reply(question))
      return sendFixed(request, response, { status: 200, headers: { 'content-type': 'application/json' }, body })
    })
  }
}
