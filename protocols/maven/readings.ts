import { type Coordinates, hasTypeDirectory, withoutCrossVersions } from './layout.ts'

/** What a file may be of, by one way to read its path. */
export interface Reading extends Omit<Coordinates, 'version'> {
  /** Absent where no directory is left for it. */
  readonly version?: string
  /** Path of the directory that has one for each version. */
  readonly directory: string
}

/**
 * What a file below these directories is of: by Maven's layout, and where they end like one of Ivy's patterns by that, which comes
 * first then. Routes and policies have to hold for each: who publishes `com.corp.lib:1.0` in a version `jars` has a file where
 * `com.corp:lib` has its own.
 */
export function readingsOf(directories: readonly string[]): readonly Reading[] {
  const maven = nearest(directories, (above) => [above, withoutCrossVersions(above)])
  if (!hasTypeDirectory(directories)) return distinct(maven)
  return distinct([...nearest(directories.slice(0, -1), (above) => [withoutCrossVersions(above), above]), ...maven])
}

/**
 * All packages that a file which fits no layout may belong to: each two directories can be a group and an artifact, and what follows
 * them a version. Those that fit best come first.
 */
export function looseReadings(directories: readonly string[]): readonly Reading[] {
  const prefixes = directories.map((_, at) => directories.slice(0, at + 1))
  const loose = prefixes.flatMap((path, at) => readingOf(path, directories[at + 1], path))
  return distinct([...readingsOf(directories), ...loose])
}

/** The last directory as that of a version, and each of `paths` as that of the artifact. */
function nearest(
  directories: readonly string[],
  paths: (above: readonly string[]) => readonly (readonly string[])[],
): readonly Reading[] {
  const above = directories.slice(0, -1)
  return paths(above).flatMap((path) => readingOf(path, directories.at(-1), above))
}

function readingOf(path: readonly string[], version: string | undefined, above: readonly string[]): Reading[] {
  const [artifact, group] = [path.at(-1), path.slice(0, -1).join('.')]
  if (artifact === undefined || group === '') return []
  return [{ group, artifact, ...(version === undefined ? {} : { version }), directory: above.join('/') }]
}

function distinct(readings: readonly Reading[]): readonly Reading[] {
  const byName = new Map(readings.map((one) => [JSON.stringify([one.group, one.artifact, one.version]), one] as const))
  return [...byName.values()]
}
