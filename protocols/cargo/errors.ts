import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, plainText } from '../error-text.ts'

const ADVICE: Advice = { tell: 'the registry', absent: 'check the name and the version', takenDown: 'choose another version' }

/** Characters of a message: cargo shows the first 512 bytes of a body. */
const MAX_MESSAGE = 400

/**
 * An error as cargo shows it: of an index and of downloads the whole body, of the API what is in `errors` (The Cargo Book,
 * «Web API»).
 */
export function formatError(error: WarrenError, path: string): { contentType: string; body: string } {
  const detail = errorText(error, ADVICE, MAX_MESSAGE)
  if (!/\/api\/v1\//.test(path)) return plainText(detail)
  return { contentType: 'application/json', body: JSON.stringify({ errors: [{ detail }] }) }
}
