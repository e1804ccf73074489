import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, plainText } from '../error-text.ts'

/** Of what is not there, or no more, the go command asks the next proxy. */
const ADVICE: Advice = { tell: 'the proxy' }

/** An error as text: the go command shows no other type, behind «server response:», and acts on the status. */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  return plainText(errorText(error, ADVICE))
}
