/** One dependency of a version, as far as it matters here (The Cargo Book, «Index Files»). */
export interface LineDependency {
  /** Under which the version knows it; the name of the crate, unless there is `package`. */
  readonly name: string
  readonly package?: string | null
  readonly kind?: string | null
  readonly optional?: boolean
  /** Index of another registry. */
  readonly registry?: string | null
}

/** One line of an index file: one version of a crate. Only what is checked here can be relied on. */
export interface Line {
  readonly name: string
  readonly vers: string
  readonly cksum?: unknown
  readonly yanked?: unknown
  readonly pubtime?: unknown
  readonly deps?: unknown
  readonly features?: unknown
  readonly features2?: unknown
}

/** Bytes of a line: JSON takes twenty times its size in memory, and the longest of the public registry has some hundred thousand. */
const MAX_LINE = 1 << 20
const NEWLINE = 0x0a
const SPACE = 0x20

/**
 * The lines of an index file, without those that are blank; slices of `bytes`, each with its end of line if it has one. Throws a
 * plain Error for one that is too long.
 */
export function* linesOf(bytes: Buffer): Generator<Buffer, void> {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline < 0 ? bytes.length : newline + 1
    const line = bytes.subarray(start, end)
    if (line.length > MAX_LINE) throw new Error(`an index file with a line of more than ${MAX_LINE} bytes`)
    if (line.some((byte) => byte > SPACE)) yield line
    start = end
  }
}

/** Whether a line of a file has its end. */
export function endsLine(line: Buffer): boolean {
  return line.at(-1) === NEWLINE
}

/** Undefined for a line that cargo could not read either: it passes over such lines. */
export function readLine(bytes: Buffer): Line | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
  const { name, vers } = (value ?? {}) as Partial<Line>
  return typeof name === 'string' && typeof vers === 'string' ? (value as Line) : undefined
}

/** When a version was published, in ms since the epoch, where its line tells (`pubtime`, ISO 8601 in UTC). */
export function publishedAt({ pubtime }: Line): number | undefined {
  const time = typeof pubtime === 'string' && /^\d{4}-\d\d-\d\dT/.test(pubtime) ? Date.parse(pubtime) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
