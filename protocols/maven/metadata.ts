import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { childOf, childrenOf, type Element, readXml, textOf, type Written, writeXml } from './xml.ts'

/** A `maven-metadata.xml` (Maven repository metadata model 1.1.0); what a document does not have is undefined or empty. */
export interface Metadata {
  readonly modelVersion?: string | undefined
  readonly groupId?: string | undefined
  readonly artifactId?: string | undefined
  readonly version?: string | undefined
  /** The newest version, and the newest that is no snapshot. */
  readonly latest?: string | undefined
  readonly release?: string | undefined
  /** In the order of the document. */
  readonly versions: readonly string[]
  /** `yyyyMMddHHmmss` in UTC. */
  readonly lastUpdated?: string | undefined
  readonly snapshot?: Readonly<Record<'timestamp' | 'buildNumber' | 'localCopy', string | undefined>> | undefined
  readonly snapshotVersions: readonly SnapshotVersion[]
  readonly plugins: readonly Plugin[]
}

/** One file of the newest build of a snapshot. */
export type SnapshotVersion = Readonly<Record<'classifier' | 'extension' | 'value' | 'updated', string | undefined>>
/** Which plug-in of a group a prefix stands for, as in `mvn dependency:tree`. */
export type Plugin = Readonly<Record<'name' | 'prefix' | 'artifactId', string | undefined>>

/** How many versions are kept: of an older one no more is known then than of one that is not listed. */
const MAX_FACTS = 20_000

/** What is kept of a document: which versions, and of a snapshot which builds, were there when. */
export interface MetadataFacts {
  readonly lastUpdated: string | undefined
  readonly versions: readonly string[]
  /** As they stand in names of files: `2.0-20240101.010101-7`, or the version itself. */
  readonly builds: readonly string[]
}

/** Throws a plain Error for everything that is no such document. */
export function readMetadata(bytes: Buffer): Metadata {
  const root = readXml(bytes, 'metadata')
  const versioning = childOf(root, 'versioning')
  const snapshot = childOf(versioning, 'snapshot')
  return {
    modelVersion: root.attributes.modelVersion ?? undefined,
    groupId: textOf(root, 'groupId'),
    artifactId: textOf(root, 'artifactId'),
    version: textOf(root, 'version'),
    latest: textOf(versioning, 'latest'),
    release: textOf(versioning, 'release'),
    versions: listOf(versioning, 'versions', 'version').flatMap(({ text }) => text || []),
    lastUpdated: textOf(versioning, 'lastUpdated'),
    snapshot: snapshot && fieldsOf(snapshot, ['timestamp', 'buildNumber', 'localCopy']),
    snapshotVersions: listOf(versioning, 'snapshotVersions', 'snapshotVersion').map((one) =>
      fieldsOf(one, ['classifier', 'extension', 'value', 'updated']),
    ),
    plugins: listOf(root, 'plugins', 'plugin').map((one) => fieldsOf(one, ['name', 'prefix', 'artifactId'])),
  }
}

export function writeMetadata(metadata: Metadata): Buffer {
  const { modelVersion, groupId, artifactId, version, latest, release, versions, lastUpdated } = metadata
  const { snapshot, snapshotVersions, plugins } = metadata
  const versioning: Written[] = [
    ['latest', latest],
    ['release', release],
    ['snapshot', snapshot && Object.entries(snapshot)],
    ['versions', versions.map((text): Written => ['version', text])],
    ['lastUpdated', lastUpdated],
    ['snapshotVersions', snapshotVersions.map((one): Written => ['snapshotVersion', Object.entries(one)])],
  ]
  const content: Written[] = [
    ['groupId', groupId],
    ['artifactId', artifactId],
    ['version', version],
    ['versioning', versioning],
    ['plugins', plugins.map((one): Written => ['plugin', Object.entries(one)])],
  ]
  return writeXml(['metadata', content], modelVersion === undefined ? {} : { modelVersion })
}

/** What `lastUpdated` says, in ms since the epoch; undefined where it says nothing that can be read. */
export function timeOf(lastUpdated: string | undefined): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)\.?(\d\d)(\d\d)(\d\d)$/.exec(lastUpdated ?? '') ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  return Number.isNaN(time) ? undefined : time
}

/** The versions of which `lastUpdated` tells: a repository writes both when one is deployed. */
export function newestOf({ latest, release, versions }: Metadata): readonly string[] {
  const known = [latest, release, versions.at(-1)].filter((version) => version !== undefined)
  return [...new Set(known)]
}

export function parse(bytes: Buffer): ParsedDocument<MetadataFacts> {
  const { lastUpdated, versions, version, snapshot, snapshotVersions } = readMetadata(bytes)
  // Maven 2 names no more than the build.
  const build = version?.replace(/SNAPSHOT$/i, `${snapshot?.timestamp}-${snapshot?.buildNumber}`)
  const builds = [...new Set([...snapshotVersions.flatMap(({ value }) => value ?? []), ...(build ? [build] : [])])]
  return { spans: [], facts: { lastUpdated, versions: versions.slice(-MAX_FACTS), builds: builds.slice(-MAX_FACTS) } }
}

export const metadataParser: DocumentParser<MetadataFacts> = {
  id: 'maven-metadata-2',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}

function listOf(parent: Element | undefined, list: string, name: string): readonly Element[] {
  return childrenOf(childOf(parent, list), name)
}

function fieldsOf<Name extends string>(element: Element, names: readonly Name[]): Readonly<Record<Name, string | undefined>> {
  return Object.fromEntries(names.map((name) => [name, textOf(element, name)])) as Record<Name, string | undefined>
}
