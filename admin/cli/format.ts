const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** A number of bytes as people read it, in powers of 1024. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 'B'
  for (const next of BYTE_UNITS) {
    // Rounding must not turn into «1024.0 KiB».
    if (value < 1023.95) break
    value /= 1024
    unit = next
  }
  return unit === 'B' ? `${value} B` : `${value.toFixed(1)} ${unit}`
}

/** A time span in ms in its two largest units. */
export function formatSpan(ms: number): string {
  if (ms >= DAY) return pair(ms, DAY, 'd', HOUR, 'h')
  if (ms >= HOUR) return pair(ms, HOUR, 'h', MINUTE, 'min')
  if (ms >= MINUTE) return pair(ms, MINUTE, 'min', 1_000, 's')
  return `${Math.floor(Math.max(0, ms) / 1_000)} s`
}

function pair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`
}

/** The day of a time in ms since the epoch, in UTC. */
export function formatDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** When something ends or has ended, in UTC: to the minute where the day alone would not tell whether it has. */
export function formatEnd(time: number, now: number): string {
  if (Math.abs(time - now) > 2 * DAY) return formatDay(time)
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

export function plural(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}
