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
  /** Path of the directory that has one for each version. */
  readonly directory: string
  /** When a build was made, in ms since the epoch. */
  readonly built?: number
}

/** Directories for types of artifacts in Ivy's usual patterns: `[type]s`. */
const TYPE_DIRECTORY = /^[a-z][a-z0-9-]*s$/
/** A plug-in of sbt has these between module and revision: `(scala_[scalaVersion]/)(sbt_[sbtVersion]/)`. */
const CROSS_VERSION = /^(?:scala|sbt)_/
const LOOKS_LIKE_VERSION = /^v?\d/
/** No versions, but what some call the directory of whichever is the newest. */
const MOVES = /^(?:latest|current|nightly|integration)\b/i
/** `lib-2.0-20240101.010101-7.jar`: the time in UTC and the number of the build (Maven repository layout, «snapshots»). */
const BUILD = /^(\d{4})(\d\d)(\d\d)\.(\d\d)(\d\d)(\d\d)-\d+(?=[.-])/

/** Whether a version is one that is built again and again (`ArtifactUtils.isSnapshot` of Maven takes any case). */
export function isSnapshot(version: string): boolean {
  return /snapshot$/i.test(version)
}

/**
 * Reads the place of a file from its path, `group/artifact/version/file` or one of Ivy's patterns. What decides is the directory of
 * the version, never a word in the name: an artifact may be called `foo-SNAPSHOT`. Undefined where the layout tells nothing.
 */
export function place(segments: readonly string[]): Placed | undefined {
  return placeByMaven(segments) ?? placeByIvy(segments)
}

function placeByMaven(segments: readonly string[]): Placed | undefined {
  const [artifact, version, file] = segments.slice(-3)
  const group = segments.slice(0, -3).join('.')
  if (artifact === undefined || version === undefined || file === undefined || group === '') return undefined
  const above = { group, artifact, version, directory: segments.slice(0, -2).join('/') }
  if (isSnapshot(version)) return placeSnapshot(above, file)
  if (MOVES.test(version)) return undefined
  return hasPart(file, version) || isPlainlyNamed(file, artifact, version) ? { ...above, kind: 'release' } : undefined
}

/** `-1.2` with something behind that cannot belong to it. */
function hasPart(file: string, version: string): boolean {
  return file.includes(`-${version}.`) || file.includes(`-${version}-`)
}

/** Ivy's `[organisation]/[module]/[revision]/[artifact].[ext]`, where only the directory has the revision. */
function isPlainlyNamed(file: string, artifact: string, version: string): boolean {
  return LOOKS_LIKE_VERSION.test(version) && (file.startsWith(`${artifact}.`) || file.startsWith('ivy.xml'))
}

function placeSnapshot(above: Omit<Placed, 'kind'>, file: string): Placed {
  const base = above.version.slice(0, -'SNAPSHOT'.length)
  const behind = file.split(`-${base}`).slice(1)
  const [, year, month, day, hour, minute, second] = behind.map((text) => BUILD.exec(text)).find((found) => found) ?? []
  if (year === undefined) return { ...above, kind: 'snapshot' }
  const built = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return { ...above, kind: 'build', ...(Number.isNaN(built) ? {} : { built }) }
}

/** `[organisation]/[module]/(scala_x/)(sbt_y/)[revision]/[type]s/[artifact].[ext]`, with dots or slashes in the organisation. */
function placeByIvy(segments: readonly string[]): Placed | undefined {
  const [version, type] = segments.slice(-3)
  if (version === undefined || type === undefined || !TYPE_DIRECTORY.test(type)) return undefined
  if (!LOOKS_LIKE_VERSION.test(version)) return undefined
  const above = segments.slice(0, -3)
  const directory = above.join('/')
  while (CROSS_VERSION.test(above.at(-1) ?? '')) above.pop()
  const artifact = above.pop()
  const group = above.join('.')
  if (artifact === undefined || group === '') return undefined
  return { group, artifact, version, directory, kind: isSnapshot(version) ? 'snapshot' : 'release' }
}
