import type { ErrorCode, WarrenError } from '../../node/errors.ts'

/** What a person at a terminal can do, where the message itself cannot know it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UPSTREAM_GONE: 'it was taken down there: choose another version',
  UPSTREAM_LEGAL: 'it was taken down there for legal reasons: choose another version',
  UPSTREAM_DENIED: 'give the mirror credentials that may read it',
  UPSTREAM_CORRUPT: 'nothing of it was kept; try again, and tell whoever runs the repository if it stays so',
}

/** Characters of a message. */
const MAX_MESSAGE = 500

/**
 * An error as one line of text. Repositories have no form of their own for errors: clients go by the status, and show a body only
 * when somebody looks at it.
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
