const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const NAMES = MONTHS.join('|')

const IMF = new RegExp(
  `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) (?<month>${NAMES}) (?<year>\\d{4}) (?<time>\\d\\d:\\d\\d:\\d\\d) GMT$`,
)
const RFC850 = new RegExp(
  `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-(?<month>${NAMES})-(?<year>\\d\\d) (?<time>\\d\\d:\\d\\d:\\d\\d) GMT$`,
)
const ASCTIME = new RegExp(
  `^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>${NAMES}) (?<day>[ \\d]\\d) (?<time>\\d\\d:\\d\\d:\\d\\d) (?<year>\\d{4})$`,
)

/** Years ahead at which a two-digit year means the century before. */
const FUTURE_YEARS = 50

/**
 * An HTTP-date in any of its three forms (RFC 9110 section 5.6.7), in ms since the epoch; undefined for everything else, since
 * a condition with an invalid date is to be ignored.
 */
export function parseHttpDate(text: string, now: number = Date.now()): number | undefined {
  const parts = (IMF.exec(text) ?? RFC850.exec(text) ?? ASCTIME.exec(text))?.groups
  if (!parts) return undefined
  const { day = '', month = '', year = '', time = '' } = parts
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined
  const full = year.length === 2 ? century(Number(year), now) : Number(year)
  const date = Date.UTC(full, MONTHS.indexOf(month), Number(day), hours, minutes, seconds)
  // The 31st of February is no date; Date.UTC would take it for one in March.
  return seconds < 60 && new Date(date).getUTCDate() !== Number(day) ? undefined : date
}

function century(year: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear()
  const full = thisYear - (thisYear % 100) + year
  return full > thisYear + FUTURE_YEARS ? full - 100 : full
}
