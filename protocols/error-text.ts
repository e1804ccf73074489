import type { ErrorCode, WarrenError } from '../node/errors.ts'

/** Characters of a message; clients print it on one line, if at all. */
const MAX_MESSAGE = 500

/** How an ecosystem advises a person at a terminal, where the message itself cannot know it. */
export interface Advice {
  /** Who hears of wrong bytes that do not go away. */
  readonly tell: string
  /** What to do about what upstream does not have; not set where clients ask for much that may be missing. */
  readonly absent?: string
  /** What to do about what was taken down; not set where clients ask elsewhere then. */
  readonly takenDown?: string
}

/** What was wrong, on one line of at most `max` characters: what follows the first line may be a stack, and never goes out. */
export function messageOf({ message }: WarrenError, max = MAX_MESSAGE): string {
  return (message.split(/[\r\n]/, 1)[0] ?? '').slice(0, max)
}

/** What was wrong and what to do about it, on one line. @param max characters of the message, without the advice */
export function errorText(error: WarrenError, advice: Advice, max = MAX_MESSAGE): string {
  return [messageOf(error, max), adviceFor(error, advice)].filter(Boolean).join('; ')
}

/** The same as the whole body: for clients that go by the status, and show a body only when somebody looks at it. */
export function plainText(text: string): { contentType: string; body: string } {
  return { contentType: 'text/plain; charset=utf-8', body: `${text}\n` }
}

function adviceFor(
  { code, message, retryable, retryAfter }: WarrenError,
  { tell, absent, takenDown }: Advice,
): string | undefined {
  const words: Partial<Record<ErrorCode, string | undefined>> = {
    UPSTREAM_ABSENT: absent,
    UPSTREAM_GONE: takenDown && `it was taken down there: ${takenDown}`,
    UPSTREAM_LEGAL: takenDown && `it was taken down there for legal reasons: ${takenDown}`,
    UPSTREAM_CORRUPT: `nothing of it was kept; try again, and tell ${tell} if it stays so`,
  }
  if (!retryable || words[code] !== undefined) return words[code]
  if (retryAfter === undefined) return 'try again in a moment'
  return message.includes(` in ${retryAfter} s`) ? undefined : `try again in ${retryAfter} s`
}
