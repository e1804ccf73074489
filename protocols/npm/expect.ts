import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { optionalFacts, unlessRefused } from '../lookups.ts'
import type { Variant } from './accept.ts'
import { type Dist, findFile, findVersion, packageFacts } from './facts.ts'
import { parseIntegrity, UNREADABLE } from './integrity.ts'
import { isExactVersion, tarballPath, versionInFile } from './names.ts'

interface Asked {
  readonly name: string
  readonly file: string
  readonly base: string
  /** Where it is by convention. */
  readonly url: string
}

/** The documents that tell of a tarball. */
export interface Sources {
  packument(variant: Variant): Plan
  manifest(version: string): Plan
}

/**
 * What must be true of a tarball: from a packument that is at hand; else from the version's manifest, which is small; else from
 * the packument. Undefined when none of them knows the file. Rejects when upstream cannot be asked.
 */
export async function expectTarball(
  asked: Asked,
  sources: Sources,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation | undefined> {
  const version = versionInFile(asked.name, asked.file)
  const exact = version !== undefined && isExactVersion(version) ? version : undefined
  for (const variant of ['full', 'abbreviated'] as const) {
    // A file name that holds a version is that version's, whatever an older document says of a file that is called so.
    const dist = distIn(await lookup.cached(sources.packument(variant)), asked, version, exact === undefined)
    if (dist) return expectationOf(dist, asked)
  }
  // Some registries have no manifests: the packument is asked after any answer.
  const manifest = exact && distIn(await optionalFacts(sources.manifest(exact), lookup, signal), asked, exact, false)
  if (manifest && parseIntegrity(manifest.promise).length > 0) return expectationOf(manifest, asked)
  // That there is no digest at all is believed of the packument, not of whatever answers for a manifest.
  const dist = distIn(await unlessRefused(lookup.fetch(sources.packument('abbreviated'), signal)), asked, version, true)
  return dist && expectationOf(dist, asked)
}

function distIn(given: unknown, asked: Asked, version: string | undefined, byFile: boolean): Dist | undefined {
  const facts = packageFacts(given, asked.name)
  if (!facts) return undefined
  const dist = version === undefined ? undefined : findVersion(facts, version)
  return dist ?? (byFile ? findFile(facts, asked.file) : undefined)
}

function expectationOf(dist: Dist, asked: Asked): Expectation | undefined {
  if (dist.promise === UNREADABLE) return undefined
  const digests = parseIntegrity(dist.promise)
  const url = placeOf(dist, asked)
  // Without a digest nothing would show what was changed on the way.
  const open = digests.length === 0 && url?.startsWith('http:') && asked.base.startsWith('https:')
  return url === undefined || url === asked.url || open ? { digests } : { digests, url }
}

/** Where the document says that the tarball is, by https if that is how this upstream is reached. */
function placeOf(dist: Dist, asked: Asked): string | undefined {
  const given = dist.tarball ?? (dist.base === undefined ? undefined : dist.base + tarballPath(asked.name, dist.version))
  if (given === undefined) return undefined
  if (given === asked.url) return given
  const url = new URL(given)
  const base = new URL(asked.base)
  // Registries that moved to https kept the old scheme in old documents.
  const moved = url.protocol === 'http:' && base.protocol === 'https:' && url.host === base.host
  return moved ? base.origin + url.pathname + url.search : url.href
}
