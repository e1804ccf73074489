/**
 * What is kept of a packument or a manifest for the tarballs that it describes. One text with a line a version, because it is
 * read back from an index for each tarball: JSON.parse copies one string, but would build thousands of objects. Nothing in it is
 * looked up by property name, so that a version may be called `__proto__`.
 */
export interface PackageFacts {
  readonly name: string
  /** Base URLs below which tarballs were found at their conventional path. */
  readonly bases: readonly string[]
  /**
   * `\n` and then for each version `version \t promise \t place \n`. The promise is as `strongestPromise` gives it; the place is an
   * index into `bases`, an absolute URL, or empty when the document names none.
   */
  readonly dists: string
  /**
   * `\n` and then for each version whose date the document tells `version \t time \n`, the time in seconds since the epoch, to the base
   * of 36. Not set where it tells none, as abbreviated documents do.
   */
  readonly times?: string
}

/** What a document says of one version's tarball. */
export interface Dist {
  readonly version: string
  readonly promise: string
  /** The base below which the tarball is at its conventional path. */
  readonly base?: string
  /** The tarball's own URL where it follows no convention. */
  readonly tarball?: string
}

/** When a version was published, in ms since the epoch; undefined where the document does not tell. */
export function findTime({ times = '' }: PackageFacts, version: string): number | undefined {
  const start = `\n${version}\t`
  const at = times.indexOf(start)
  return at < 0 ? undefined : Number.parseInt(times.slice(at + start.length, times.indexOf('\n', at + 1)), 36) * 1_000
}

/** Facts that came back from the cache, if they are those of the package `name`. */
export function packageFacts(facts: unknown, name: string): PackageFacts | undefined {
  const given = facts as Partial<PackageFacts> | null | undefined
  const known = typeof given?.dists === 'string' && Array.isArray(given.bases) && given.name === name
  return known ? (given as PackageFacts) : undefined
}

export function findVersion(facts: PackageFacts, version: string): Dist | undefined {
  const newline = facts.dists.indexOf(`\n${version}\t`)
  return newline < 0 ? undefined : distAt(facts, newline + 1)
}

/** The version whose tarball has this file name upstream against the convention; undefined when there are several. */
export function findFile(facts: PackageFacts, file: string): Dist | undefined {
  const ending = `/${file}\n`
  const found = facts.dists.indexOf(ending)
  if (found < 0 || facts.dists.indexOf(ending, found + 1) >= 0) return undefined
  return distAt(facts, facts.dists.lastIndexOf('\n', found) + 1)
}

function distAt(facts: PackageFacts, start: number): Dist {
  const [version = '', promise = '', place = ''] = facts.dists.slice(start, facts.dists.indexOf('\n', start)).split('\t')
  if (place.includes(':')) return { version, promise, tarball: place }
  const base = facts.bases[place === '' ? -1 : Number(place)]
  return base === undefined ? { version, promise } : { version, promise, base }
}
