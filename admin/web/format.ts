const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(count: number): string {
  const at = count < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(count) / 10))
  const value = count / 2 ** (10 * at)
  return `${at === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[at]}`
}

export function number(count: number): string {
  return count.toLocaleString('en')
}

/** A count of things that have a regular plural. */
export function count(amount: number, thing: string): string {
  return `${number(amount)} ${thing}${amount === 1 ? '' : 's'}`
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(part === whole ? 0 : 1)} %`
}

/** A span of ms in its largest unit. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 90) return `${s} s`
  if (s < 90 * 60) return `${Math.round(s / 60)} min`
  return s < 48 * 3600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86_400)} days`
}

/** Of ms since the epoch. */
export function ago(at: number): string {
  return `${span(Date.now() - at)} ago`
}

export function time(at: number): string {
  return new Date(at).toLocaleString('en-GB', { hour12: false })
}

/** A long id as people tell it apart from others: its end, since peer ids begin alike. */
export function shortId(id: string): string {
  return id.length <= 16 ? id : `…${id.slice(-10)}`
}
