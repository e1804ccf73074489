import { createHash } from 'node:crypto'
import type { Digest } from '../../../node/digest.ts'
import { RefusedError } from '../node-http.ts'
import { byDigests, digestOf } from './checks.ts'
import type { GotFile } from './client.ts'
import { type Coordinates, type MavenMetadata, parseMetadata, parsePom } from './pom.ts'
import { below, type Cooked, type Kitchen, segment } from './recipe.ts'
import type { MavenWanted } from './wanted.ts'

/** Parents of parents, and what those import. */
const MAX_DEPTH = 12
/** POMs of the same project are read once, however many others name them. */
const MAX_POMS = 200
/** What the extension of a file is where the dependency's type is called otherwise (Maven, «Default artifact handlers»). */
const EXTENSIONS: Readonly<Record<string, { extension: string; classifier?: string }>> = {
  'test-jar': { extension: 'jar', classifier: 'tests' },
  'java-source': { extension: 'jar', classifier: 'sources' },
  javadoc: { extension: 'jar', classifier: 'javadoc' },
  'maven-plugin': { extension: 'jar' },
  bundle: { extension: 'jar' },
  'eclipse-plugin': { extension: 'jar' },
  ejb: { extension: 'jar' },
  'ejb-client': { extension: 'jar', classifier: 'client' },
}

/**
 * Fetches the POM of a version, those that it cannot be read without, and the file, each with its checksum as Maven asks for it.
 * Throws as the client does, and Error.
 */
export async function getMaven(wanted: MavenWanted, kitchen: Kitchen): Promise<Cooked> {
  const { group, artifact } = wanted
  const files: GotFile[] = []
  const version = wanted.version ?? (await newestOf(wanted, kitchen, files))
  const coordinates = { group, artifact, version }
  const snapshot = version.endsWith('-SNAPSHOT') ? await snapshotOf(coordinates, kitchen, files) : undefined
  const pom = await getPoms(coordinates, kitchen, files, snapshot)
  const type = wanted.packaging ?? (wanted.classifier === undefined ? pom : 'jar')
  const { extension, classifier } = EXTENSIONS[type] ?? { extension: type }
  const given = wanted.classifier ?? classifier
  if (extension !== 'pom') {
    const name = fileName(coordinates, extension, given, snapshot)
    const ask = { ...below(kitchen, folderOf(coordinates) + segment(name)), name }
    const digests = await checksumOf(ask, kitchen, files)
    files.push(await kitchen.client.file({ ...ask, check: byDigests(digests) }))
  }
  return { version, files }
}

/** The packaging of the POM that it began with. Those of others may be in another repository, so that they may be missing. */
async function getPoms(
  first: Coordinates,
  kitchen: Kitchen,
  files: GotFile[],
  snapshot: MavenMetadata | undefined,
): Promise<string> {
  const seen = new Set<string>()
  let packaging = 'jar'
  let round: readonly Coordinates[] = [first]
  for (let depth = 0; round.length > 0 && depth < MAX_DEPTH && seen.size < MAX_POMS; depth++) {
    const next: Coordinates[] = []
    for (const one of round) {
      const key = folderOf(one)
      if (seen.has(key)) continue
      seen.add(key)
      const name = fileName(one, 'pom', undefined, one === first ? snapshot : undefined)
      const ask = { ...below(kitchen, key + segment(name)), name }
      const pom = await kitchen.client
        .document(ask, (bytes) => ({ ...parsePom(bytes), ...digestsOf(bytes) }))
        .catch((error) => {
          if (one !== first && isAbsent(error)) return undefined
          throw error
        })
      if (!pom) continue
      const { got, value } = pom
      const digests = await checksumOf(ask, kitchen, files)
      const wrong = digests.find(({ hex }) => hex !== value.sha1)
      if (wrong) throw new Error(`${name} is wrong: its digest is sha1:${value.sha1} instead of sha1:${wrong.hex}`)
      files.push(digests.length > 0 ? { ...got, verified: 'sha1' } : got)
      if (one === first) packaging = value.packaging
      next.push(...value.needs)
    }
    round = next
  }
  return packaging
}

function isAbsent(error: unknown): boolean {
  return error instanceof RefusedError && error.status === 404
}

function digestsOf(bytes: Buffer): { sha1: string } {
  return { sha1: createHash('sha1').update(bytes).digest('hex') }
}

/** What stands in the sibling `.sha1`; none where there is none. */
async function checksumOf(
  { url, name }: { url: string; name: string },
  { client }: Kitchen,
  files: GotFile[],
): Promise<readonly Digest[]> {
  try {
    const { got, value } = await client.document({ url: `${url}.sha1`, name: `${name}.sha1` }, parseChecksum)
    files.push(got)
    return value
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Tools write it with a name behind or before it, in capitals, or with leading zeros lost. */
function parseChecksum(bytes: Buffer): Digest[] {
  const text = bytes.toString('latin1').trim()
  const word = /(?:^|[=\s])([0-9a-f]{36,40})(?:\s|$)/i.exec(text)?.[1]
  return word === undefined ? [] : digestOf('sha1', word.padStart(40, '0'))
}

async function newestOf({ group, artifact }: MavenWanted, kitchen: Kitchen, files: GotFile[]): Promise<string> {
  const path = `${groupPath(group)}${segment(artifact)}/maven-metadata.xml`
  const ask = { ...below(kitchen, path), name: `${group}:${artifact} (versions)` }
  const { got, value } = await kitchen.client.document(ask, parseMetadata)
  files.push(got)
  if (value.newest === undefined) throw new Error(`${group}:${artifact} has no version that its maven-metadata.xml names`)
  return value.newest
}

/** What its files are called; nothing where they are called after the version itself. */
async function snapshotOf(coordinates: Coordinates, kitchen: Kitchen, files: GotFile[]): Promise<MavenMetadata | undefined> {
  const { artifact, version } = coordinates
  const ask = { ...below(kitchen, `${folderOf(coordinates)}maven-metadata.xml`), name: `${artifact} ${version} (snapshots)` }
  try {
    const { got, value } = await kitchen.client.document(ask, parseMetadata)
    files.push(got)
    return value
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

function fileName(
  { artifact, version }: Coordinates,
  extension: string,
  classifier: string | undefined,
  snapshot: MavenMetadata | undefined,
): string {
  const key = extension + (classifier === undefined ? '' : `:${classifier}`)
  const called = snapshot?.snapshots.get(key) ?? version
  return `${artifact}-${called}${classifier === undefined ? '' : `-${classifier}`}.${extension}`
}

function folderOf({ group, artifact, version }: Coordinates): string {
  return `${groupPath(group)}${segment(artifact)}/${segment(version)}/`
}

function groupPath(group: string): string {
  return group
    .split('.')
    .map((part) => `${segment(part)}/`)
    .join('')
}
