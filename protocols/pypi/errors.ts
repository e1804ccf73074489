import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, plainText } from '../error-text.ts'

const ADVICE: Advice = { tell: 'the index', absent: 'check the name and the version', takenDown: 'choose another version' }

/** An error as plain text: clients of an index read the status only, and people read the rest with a browser or in a log. */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  return plainText(errorText(error, ADVICE))
}
