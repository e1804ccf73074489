import { reasonOf } from '../../errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no route to that network',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name server does not answer',
}

/** Why a dial failed, in the words of whoever has to do something about it. */
export function dialReason(error: unknown): string {
  const first = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? first.code : undefined
  return (typeof code === 'string' && REASONS[code]) || reasonOf(first)
}
