import type { ErrorCode, WarrenError } from '../../node/errors.ts'

/** What a person at a terminal can do, where the message itself cannot know it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UPSTREAM_ABSENT: 'check the name and the version',
  UPSTREAM_GONE: 'it was taken down there: choose another version',
  UPSTREAM_LEGAL: 'it was taken down there for legal reasons: choose another version',
  UPSTREAM_DENIED: 'give the mirror credentials that may read it',
  UPSTREAM_CORRUPT: 'nothing of it was kept; try again, and tell the index if it stays so',
}

/** Characters of a message; clients print it on one line, if at all. */
const MAX_MESSAGE = 500

/**
 * An error as plain text: clients of an index read the status only, and people read the rest with a browser or in a log. Only the
 * first line of the message goes out, so that no stack ever does.
 */
export function formatError(error: WarrenError): { contentType: string; body: string } {
  const message = (error.message.split(/[\r\n]/, 1)[0] ?? '').slice(0, MAX_MESSAGE)
  const body = `${[message, advice(error)].filter(Boolean).join('; ')}\n`
  return { contentType: 'text/plain; charset=utf-8', body }
}

function advice(error: WarrenError): string | undefined {
  const wait = error.retryAfter === undefined ? 'try again in a moment' : `try again in ${error.retryAfter} s`
  return ADVICE[error.code] ?? (error.retryable ? wait : undefined)
}
