import { type Metadata, newestOf, type Plugin, readMetadata, type SnapshotVersion, timeOf, writeMetadata } from './metadata.ts'

/**
 * One document for several repositories, as Maven itself merges what it got from them (`Metadata.merge` of maven-repository-metadata):
 * all versions and all plug-ins, and of the rest what the most recently updated one says. Of two that are as recent the first one
 * counts. A single document stays as it is, byte for byte. Throws a plain Error for what cannot be read.
 */
export function mergeMetadata(documents: readonly Buffer[]): Buffer {
  const [only, another] = documents
  if (!only) throw new Error('there is nothing to merge')
  if (!another) return only
  const all = documents.map(readMetadata)
  const byAge = [...all].sort((one, other) => compare(other.lastUpdated, one.lastUpdated))
  const first = <Name extends keyof Metadata>(from: readonly Metadata[], name: Name) => from.find((one) => one[name])?.[name]
  return writeMetadata({
    modelVersion: first(all, 'modelVersion'),
    groupId: first(all, 'groupId'),
    artifactId: first(all, 'artifactId'),
    version: first(all, 'version'),
    latest: first(byAge, 'latest'),
    release: first(byAge, 'release'),
    versions: [...new Set(all.flatMap(({ versions }) => versions))],
    lastUpdated: first(byAge, 'lastUpdated'),
    snapshot: first(byAge, 'snapshot'),
    snapshotVersions: mergeBuilds(all),
    plugins: mergePlugins(all),
  })
}

/** Of each file of a snapshot the newest build: the repositories may have different ones. */
function mergeBuilds(all: readonly Metadata[]): SnapshotVersion[] {
  const byFile = new Map<string, SnapshotVersion>()
  for (const build of all.flatMap(({ snapshotVersions }) => snapshotVersions)) {
    const key = JSON.stringify([build.classifier, build.extension])
    const known = byFile.get(key)
    if (!known || compare(build.updated, known.updated) > 0) byFile.set(key, build)
  }
  return [...byFile.values()]
}

/** The first repository says what a prefix means. */
function mergePlugins(all: readonly Metadata[]): Plugin[] {
  const byPrefix = new Map<string | undefined, Plugin>()
  for (const plugin of all.flatMap(({ plugins }) => plugins)) {
    if (!byPrefix.has(plugin.prefix)) byPrefix.set(plugin.prefix, plugin)
  }
  return [...byPrefix.values()]
}

/** Times are digits of one length, so that they compare as text; none is the oldest. */
function compare(one = '', other = ''): number {
  return one === other ? 0 : one < other ? -1 : 1
}

/**
 * A document without the versions that `allows` refuses; `bytes` themselves if it refuses none, or lists none. What was the newest
 * version is then the last one that is left.
 */
export function withhold(bytes: Buffer, allows: (version: string, published: number | undefined) => boolean): Buffer {
  let metadata: Metadata
  try {
    metadata = readMetadata(bytes)
  } catch {
    // A checksum, which only shows that there is one.
    return bytes
  }
  const updated = timeOf(metadata.lastUpdated)
  const newest = newestOf(metadata)
  const named = [...new Set([...metadata.versions, ...newest])]
  const allowed = new Set(named.filter((version) => allows(version, newest.includes(version) ? updated : undefined)))
  if (allowed.size === named.length) return bytes
  const versions = metadata.versions.filter((version) => allowed.has(version))
  const { latest, release } = metadata
  const isRelease = (version: string) => !/snapshot$/i.test(version)
  return writeMetadata({
    ...metadata,
    versions,
    latest: latest === undefined || allowed.has(latest) ? latest : versions.at(-1),
    release: release === undefined || allowed.has(release) ? release : versions.findLast(isRelease),
  })
}
