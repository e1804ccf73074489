import { WarrenError } from '../errors.ts'
import type { Role } from '../trust/standing.ts'
import { HOLDS_PATH, RECORDS_PATH, readHoldsQuestion, readRecordsQuestion, SUMMARY_PATH } from './messages.ts'
import type { Pins } from './pins.ts'

/** Who asks: proven by its certificate. */
export interface Asker {
  /** Peer id. */
  readonly peer: string
  readonly role: Role
}

/** Gives the answer to a question, as what becomes JSON. Throws BAD_REQUEST. */
export type Reply = (body: Buffer) => object | Promise<object>

/** Answers what members ask this seed about pins. */
export class PinDesk {
  readonly #pins: Pick<Pins, 'take' | 'holds' | 'status'>

  constructor(components: { pins: Pick<Pins, 'take' | 'holds' | 'status'> }) {
    this.#pins = components.pins
  }

  /**
   * What answers a question, before any of its body is read. Throws UNTRUSTED for what only a seed may ask, NO_SUCH_MIRROR and
   * METHOD_NOT_ALLOWED for what is not asked like that, and NO_SUCH_MIRROR where this node is no seed.
   */
  at(method: string, path: string, { peer, role }: Asker): Reply {
    const pins = this.#pins
    const isSummary = path === SUMMARY_PATH
    if (!isSummary && path !== HOLDS_PATH && path !== RECORDS_PATH)
      throw new WarrenError('NO_SUCH_MIRROR', `pins are at ${SUMMARY_PATH}, ${HOLDS_PATH} and ${RECORDS_PATH}`)
    if (!isSummary && role !== 'seed')
      throw new WarrenError('UNTRUSTED', 'names are believed from seeds only, and you are a member')
    const status = pins.status()
    if (!status) throw new WarrenError('NO_SUCH_MIRROR', 'this node is no seed, so it keeps no pins')
    if (method !== (isSummary ? 'GET' : 'POST'))
      throw new WarrenError('METHOD_NOT_ALLOWED', `${SUMMARY_PATH} is for GET, ${HOLDS_PATH} and ${RECORDS_PATH} are for POST`)
    if (isSummary) return () => ({ v: 1, pins: status })
    if (path === HOLDS_PATH) return (body) => ({ v: 1, held: pins.holds(peer, readHoldsQuestion(body)) })
    return async (body) => ({ v: 1, outcomes: await pins.take(peer, readRecordsQuestion(body)) })
  }
}
