import { WarrenError } from '../errors.ts'

/** Too much is asked of an upstream at this node. The upstream itself has not asked for a pause, so that others may go on asking it. */
export class Crowded extends WarrenError {
  /** @param retryAfter seconds */
  constructor(message: string, retryAfter: number) {
    super('UPSTREAM_BUSY', message, { retryAfter })
  }
}
