/** A run of bytes, both ends inclusive, as in RFC 9110 section 14.1.1. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Ranges that one request may ask for; more are answered with everything (RFC 9110 section 14.2 allows it). */
const MAX_RANGES = 16

/**
 * Reads a Range header against a length in bytes. Undefined: no range is to be applied (no header, another unit, malformed, too
 * many, or nothing to take a part of). Empty: none of the ranges can be satisfied. Overlapping ranges are merged, so that a
 * request cannot ask for the same gigabyte sixteen times.
 */
export function parseRange(header: string | undefined, size: number): ByteRange[] | undefined {
  const set = header === undefined || size === 0 ? null : /^bytes=(.+)$/i.exec(header)
  if (!set) return undefined
  const specs = (set[1] as string).split(',').map((spec) => spec.trim())
  const wanted = specs.filter((spec) => spec !== '')
  if (wanted.length === 0 || specs.length > MAX_RANGES) return undefined
  const ranges: ByteRange[] = []
  for (const spec of wanted) {
    const parts = /^(\d*)-(\d*)$/.exec(spec)
    if (!parts) return undefined
    const [, first, last] = parts as unknown as [string, string, string]
    if (first === '' && last === '') return undefined
    if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
    const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
    const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
    if (start <= end) ranges.push({ start, end })
  }
  return merge(ranges)
}

/** Keeps the order of the request where nothing overlaps: a client may have put first what it needs first. */
function merge(ranges: readonly ByteRange[]): ByteRange[] {
  const overlap = ranges.some((a, i) => ranges.some((b, j) => i !== j && a.start <= b.end && b.start <= a.end))
  if (!overlap) return [...ranges]
  const merged: { start: number; end: number }[] = []
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1)
    if (last && range.start <= last.end) last.end = Math.max(last.end, range.end)
    else merged.push({ ...range })
  }
  return merged
}

/** RFC 9110 section 14.4. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end}/${size}`
}
