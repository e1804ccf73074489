import { createHmac, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

const HIDDEN = '(not shown)'

/** Of this process: what is made with it tells nobody else anything. */
const KEY = randomBytes(32)

/** A password or token that no log line, message or listing shows by accident: every usual way to text hides it. */
export class Secret {
  readonly #text: string
  /** Two of one process are equal exactly when their texts are, also to comparisons that do not see private fields. */
  readonly mark: string

  constructor(text: string) {
    this.#text = text
    this.mark = createHmac('sha256', KEY).update(text).digest('base64')
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
