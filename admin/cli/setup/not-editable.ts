/** A file of settings that cannot be changed without guessing what somebody meant; the message says what to write by hand. */
export class NotEditable extends Error {
  override readonly name = 'NotEditable'
}
