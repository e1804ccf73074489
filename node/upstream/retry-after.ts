import { FREEZE_CAP } from './constants.ts'

const SECONDS = /^\d+$/
/** IMF-fixdate, RFC 850 and asctime: what a recipient has to understand (RFC 9110 section 5.6.7). */
const FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const RFC850 = /^[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * Seconds that a `Retry-After` asks for (RFC 9110 section 10.2.3), bounded by the longest freeze; undefined when there is none
 * or it is neither a number of seconds nor an HTTP date.
 *
 * @param now Ms since the epoch.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? ''
  if (SECONDS.test(text)) return bounded(Number(text))
  const date = parseDate(text)
  return Number.isNaN(date) ? undefined : bounded(Math.ceil((date - now) / 1000))
}

function parseDate(text: string): number {
  if (FIXDATE.test(text) || RFC850.test(text)) return Date.parse(text)
  // Without a zone Date.parse would take it for local time.
  return ASCTIME.test(text) ? Date.parse(`${text} GMT`) : Number.NaN
}

function bounded(seconds: number): number {
  return Math.min(Math.max(seconds, 0), FREEZE_CAP / 1000)
}
