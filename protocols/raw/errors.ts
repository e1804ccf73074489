import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, plainText } from '../error-text.ts'

const ADVICE: Advice = { tell: 'the server', absent: 'check the path' }

/** One line of plain text: curl, wget and apt print it, or only the status. */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  return plainText(errorText(error, ADVICE))
}
