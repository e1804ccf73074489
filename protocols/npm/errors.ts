import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText } from '../error-text.ts'

const ADVICE: Advice = { tell: 'the registry', absent: 'check the name and the version', takenDown: 'choose another version' }

/** An error in npm's form; clients print `error` on one line. */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  return { contentType: 'application/json', body: JSON.stringify({ error: errorText(error, ADVICE) }) }
}
