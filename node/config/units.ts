const DURATIONS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/

const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}
const SIZE = /^(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?i?b)?$/i
const SHARE = /^(\d{1,2}(?:\.\d{1,3})?|100) ?%$/

/** Milliseconds in a duration with its unit, such as `500ms`, `10s` or `7d`; a bare `0` needs none. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const [, amount, unit] = DURATION.exec(text) ?? []
  return amount && unit ? Math.round(Number(amount) * DURATIONS[unit as keyof typeof DURATIONS]) : undefined
}

/** Bytes in a size: a number with or without a unit, 1 kB being 1000 bytes and 1 KiB 1024 (IEC 80000-13). */
export function parseSize(text: string): number | undefined {
  const [, amount, unit = ''] = SIZE.exec(text) ?? []
  const factor = SIZES[unit.toLowerCase()]
  return amount && factor ? Math.round(Number(amount) * factor) : undefined
}

/** A part of the whole from 0 to 1, written as a percentage such as `10%`. */
export function parseShare(text: string): number | undefined {
  const [, percent] = SHARE.exec(text) ?? []
  return percent === undefined ? undefined : Number(percent) / 100
}
