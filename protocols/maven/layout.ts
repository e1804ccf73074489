/** What a package is called: group, artifact and version, or in Ivy's words organisation, module and revision. */
export interface Coordinates {
  readonly group: string
  readonly artifact: string
  readonly version: string
}

/** Where a file belongs, and whether the same path may bring other bytes one day. */
export interface Placed extends Coordinates {
  /** Release: published once. Build: one dated build of a snapshot. Snapshot: what is replaced by the next build. */
  readonly kind: 'release' | 'build' | 'snapshot'
}

/** Directories for types of artifacts in Ivy's usual patterns: `[type]s`. */
const TYPE_DIRECTORY = /^[a-z][a-z0-9-]*s$/
/** A plug-in of sbt has these between module and revision: `(scala_[scalaVersion]/)(sbt_[sbtVersion]/)`. */
const CROSS_VERSION = /^(?:scala|sbt)_/
const LOOKS_LIKE_VERSION = /^v?\d/
/** No versions, but what some call the directory of whichever is the newest. */
const MOVES = /^(?:latest|current|nightly|integration)\b/i
/** `lib-2.0-20240101.010101-7.jar`: the time in UTC and the number of the build (Maven repository layout, «snapshots»). */
const BUILD = /^\d{8}\.\d{6}-\d+(?=[.-])/

/** Whether a version is one that is built again and again (`ArtifactUtils.isSnapshot` of Maven takes any case). */
export function isSnapshot(version: string): boolean {
  return /snapshot$/i.test(version)
}

/**
 * Reads the place of a file from its path, `group/artifact/version/file` or one of Ivy's patterns. What decides is the directory of
 * the version, never a word in the name: an artifact may be called `foo-SNAPSHOT`. Ivy's comes first, since `1.0/jars/lib-jars.jar`
 * would pass for a version `jars`. Undefined where the layout tells nothing.
 */
export function place(segments: readonly string[]): Placed | undefined {
  return placeByIvy(segments) ?? placeByMaven(segments)
}

function placeByMaven(segments: readonly string[]): Placed | undefined {
  const [artifact, version, file] = segments.slice(-3)
  const group = segments.slice(0, -3).join('.')
  if (artifact === undefined || version === undefined || file === undefined || group === '') return undefined
  const above = { group, artifact, version }
  if (isSnapshot(version)) return placeSnapshot(above, file)
  if (MOVES.test(version)) return undefined
  return hasPart(file, version) || isPlainlyNamed(file, artifact, version) ? { ...above, kind: 'release' } : undefined
}

/** Whether a file is named for a version: `-1.2` with something behind that cannot belong to it. */
export function hasPart(file: string, version: string): boolean {
  return file.includes(`-${version}.`) || file.includes(`-${version}-`)
}

/** Ivy's `[organisation]/[module]/[revision]/[artifact].[ext]`, where only the directory has the revision. */
function isPlainlyNamed(file: string, artifact: string, version: string): boolean {
  return LOOKS_LIKE_VERSION.test(version) && (file.startsWith(`${artifact}.`) || file.startsWith('ivy.xml'))
}

function placeSnapshot(above: Coordinates, file: string): Placed {
  const base = above.version.slice(0, -'SNAPSHOT'.length)
  const behind = file.split(`-${base}`).slice(1)
  return { ...above, kind: behind.some((text) => BUILD.test(text)) ? 'build' : 'snapshot' }
}

/** `[organisation]/[module]/(scala_x/)(sbt_y/)[revision]/[type]s/[artifact].[ext]`, with dots or slashes in the organisation. */
function placeByIvy(segments: readonly string[]): Placed | undefined {
  const directories = segments.slice(0, -1)
  const [version] = directories.slice(-2)
  if (version === undefined || !hasTypeDirectory(directories) || !LOOKS_LIKE_VERSION.test(version)) return undefined
  const path = withoutCrossVersions(directories.slice(0, -2))
  const [artifact, group] = [path.at(-1), path.slice(0, -1).join('.')]
  if (artifact === undefined || group === '') return undefined
  return { group, artifact, version, kind: isSnapshot(version) ? 'snapshot' : 'release' }
}

/** Whether the last directory is one of Ivy's for types of artifacts. */
export function hasTypeDirectory(directories: readonly string[]): boolean {
  return TYPE_DIRECTORY.test(directories.at(-1) ?? '')
}

/** The directories up to that of the module, where those of a plug-in of sbt stand behind it. */
export function withoutCrossVersions(directories: readonly string[]): readonly string[] {
  return directories.slice(0, directories.findLastIndex((one) => !CROSS_VERSION.test(one)) + 1)
}
