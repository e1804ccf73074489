import type { ErrorCode, WarrenError } from '../../node/errors.ts'

/** What a person at a terminal can do, where the message itself cannot know it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UPSTREAM_ABSENT: 'check the path',
  UPSTREAM_DENIED: 'give the mirror credentials that may read it',
  UPSTREAM_CORRUPT: 'nothing of it was kept; try again, and tell the server if it stays so',
}

/** Characters of a message: curl, wget and apt print it on one line, or only the status. */
const MAX_MESSAGE = 500

/** One line of plain text. Only the first line of the message goes out, so that no stack ever does. */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  const message = (error.message.split(/[\r\n]/, 1)[0] ?? '').slice(0, MAX_MESSAGE)
  const wait = error.retryAfter === undefined ? 'try again in a moment' : `try again in ${error.retryAfter} s`
  const advice = ADVICE[error.code] ?? (error.retryable ? wait : undefined)
  return { contentType: 'text/plain; charset=utf-8', body: `${[message, advice].filter(Boolean).join('; ')}\n` }
}
