import { parseDuration } from '../../node/config/units.ts'
import { UsageError } from './exit-codes.ts'

const DAY = 86_400_000

/** Days that a ticket, and with it the certificates made by it, may last: a year, leap years included. */
const MAX_DAYS = 366

/** When something ends, in ms since the epoch: after a duration, or with a day (UTC). Throws UsageError. */
export function parseExpiry(text: string, now: number): number {
  const time = /^\d{4}-/.test(text) ? endOf(text) : now + (parseDuration(text) || Number.NaN)
  if (time > now && time <= now + MAX_DAYS * DAY) return time
  throw new UsageError(
    `--expires: ${JSON.stringify(text)} must be a duration such as 12h or 7d, or a day such as 2027-01-31, at most ${MAX_DAYS} days from now`,
  )
}

/** NaN for a day that does not exist. */
function endOf(day: string): number {
  const time = Date.parse(`${day}T23:59:59.999Z`)
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(`${day}T`) ? time : Number.NaN
}
