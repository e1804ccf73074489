import semver from 'semver'
import type { Line, LineDependency } from './lines.ts'
import { isCrateName } from './names.ts'

/** Ranges of compatible versions whose newest one is looked at: most requirements are met by the last range or the one before. */
const RANGES = 2
/** Names that one index file may bring along: the largest real crates have some forty dependencies. */
const MAX_NAMES = 64

interface Candidate {
  readonly range: string
  readonly version: semver.SemVer
  /** The line as it stands in the file. */
  readonly text: Buffer
}

/**
 * The newest version of each of the last ranges, found line by line. Pre-releases and what was yanked are chosen only where a lockfile
 * says so.
 */
export class NewestLines {
  /** Newest first. */
  #candidates: readonly Candidate[] = []

  add({ vers, yanked }: Line, text: Buffer): void {
    const version = yanked === true ? null : semver.parse(vers)
    if (!version || version.prerelease.length > 0) return
    const range = rangeOf(version)
    const known = this.#candidates.find((one) => one.range === range)
    if (known && semver.compare(known.version, version) >= 0) return
    const others = this.#candidates.filter((one) => one !== known)
    const all = [...others, { range, version, text }].sort((one, other) => semver.compare(other.version, one.version))
    this.#candidates = all.slice(0, RANGES)
  }

  /** Newest first. */
  get texts(): readonly Buffer[] {
    return this.#candidates.map(({ text }) => text)
  }
}

/**
 * The crates of the same registry that a resolver asks for after this one: what the newest versions need to be built, and what their
 * default features add. A guess, to be fetched ahead; a resolver that asks for them one after the other then finds them here.
 *
 * @param lines of `NewestLines`
 */
export function likelyDependencies(lines: readonly Line[]): string[] {
  const names = new Set<string>()
  for (const line of lines) {
    const features = featuresOf(line)
    for (const dependency of listOf<LineDependency>(line.deps)) {
      if (!isWanted(dependency, features)) continue
      const name = dependency.package ?? dependency.name
      if (typeof name === 'string' && isCrateName(name) && name.toLowerCase() !== line.name.toLowerCase()) names.add(name)
      if (names.size === MAX_NAMES) return [...names]
    }
  }
  return [...names]
}

/** Compatible is what has the same leftmost number that is not zero (The Cargo Book, «Default requirements»). */
function rangeOf({ major, minor, patch }: semver.SemVer): string {
  if (major > 0) return `${major}`
  return minor > 0 ? `0.${minor}` : `0.0.${patch}`
}

function isWanted(dependency: LineDependency | null, features: ReadonlySet<string>): dependency is LineDependency {
  if (!dependency || dependency.kind === 'dev' || dependency.registry) return false
  return dependency.optional !== true || features.has(dependency.name)
}

/** Features and optional dependencies that are on by default (The Cargo Book, «Features»). */
function featuresOf({ features, features2 }: Line): ReadonlySet<string> {
  const table = new Map([...Object.entries(Object(features)), ...Object.entries(Object(features2))])
  const on = new Set(['default'])
  for (const feature of on) {
    for (const entry of listOf<unknown>(table.get(feature))) {
      if (typeof entry !== 'string') continue
      // `dep:x` turns x on, and so does `x/y`; `x?/y` only says how x would be built.
      const [name = '', rest] = entry.replace(/^dep:/, '').split('/', 2)
      if (rest === undefined || !name.endsWith('?')) on.add(name)
    }
  }
  return on
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : []
}
