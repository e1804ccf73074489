import type { ErrorCode, WarrenError } from '../../node/errors.ts'

/** What a person at a terminal can do, where the message itself cannot know it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UPSTREAM_DENIED: 'give the mirror credentials that may read it',
  UPSTREAM_CORRUPT: 'nothing of it was kept; try again, and tell the proxy if it stays so',
}

/** Characters of a message, on one line behind «server response:». */
const MAX_MESSAGE = 500

/**
 * An error as text: the go command shows no other type, and acts on the status. Only the first line of the message goes out, so that
 * no stack ever does.
 */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  const message = (error.message.split(/[\r\n]/, 1)[0] ?? '').slice(0, MAX_MESSAGE)
  return { contentType: 'text/plain; charset=utf-8', body: `${[message, advice(error)].filter(Boolean).join('; ')}\n` }
}

function advice(error: WarrenError): string | undefined {
  const wait = error.retryAfter === undefined ? 'try again in a moment' : `try again in ${error.retryAfter} s`
  return ADVICE[error.code] ?? (error.retryable ? wait : undefined)
}
