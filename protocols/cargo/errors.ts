import type { ErrorCode, WarrenError } from '../../node/errors.ts'

/** What a person at a terminal can do, where the message itself cannot know it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UPSTREAM_ABSENT: 'check the name and the version',
  UPSTREAM_GONE: 'it was taken down there: choose another version',
  UPSTREAM_LEGAL: 'it was taken down there for legal reasons: choose another version',
  UPSTREAM_DENIED: 'give the mirror credentials that may read it',
  UPSTREAM_CORRUPT: 'nothing of it was kept; try again, and tell the registry if it stays so',
}

/** Characters of a message: cargo shows the first 512 bytes of a body. */
const MAX_MESSAGE = 400

/**
 * An error as cargo shows it: of an index and of downloads the whole body, of the API what is in `errors` (The Cargo Book,
 * «Web API»). Only the first line of the message goes out, so that no stack ever does.
 */
export function formatError(error: WarrenError, path: string): { contentType: string; body: string } {
  const message = (error.message.split(/[\r\n]/, 1)[0] ?? '').slice(0, MAX_MESSAGE)
  const detail = [message, advice(error)].filter(Boolean).join('; ')
  if (!/\/api\/v1\//.test(path)) return { contentType: 'text/plain; charset=utf-8', body: `${detail}\n` }
  return { contentType: 'application/json', body: JSON.stringify({ errors: [{ detail }] }) }
}

function advice(error: WarrenError): string | undefined {
  const wait = error.retryAfter === undefined ? 'try again in a moment' : `try again in ${error.retryAfter} s`
  return ADVICE[error.code] ?? (error.retryable ? wait : undefined)
}
