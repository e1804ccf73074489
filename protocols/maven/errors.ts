import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, plainText } from '../error-text.ts'

const ADVICE: Advice = { tell: 'whoever runs the repository', takenDown: 'choose another version' }

/**
 * An error as one line of text. Repositories have no form of their own for errors: clients go by the status, and show a body only
 * when somebody looks at it.
 */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  return plainText(errorText(error, ADVICE))
}
