import type { Lookup, Plan } from '../../node/cache/plan.ts'
import { optionalFacts } from '../lookups.ts'
import type { ListingFacts } from './listing.ts'
import { type MetadataFacts, timeOf } from './metadata.ts'

interface Sources {
  /** What the directory of the artifact lists: its versions are directories. */
  readonly listing: Plan
  readonly metadata: Plan
}

/**
 * When a version came, in ms since the epoch. No document of a repository says so; but most repositories print the time beside each
 * directory, and the metadata of an artifact tell until when all came that they list: no version is taken for older than it is.
 * What its publisher wrote, such as the time of a signature, counts for nothing. Undefined where neither is to be had; rejects
 * when upstream cannot be asked.
 */
export async function publishedAt(
  version: string,
  { listing, metadata }: Sources,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { times = [] } = ((await optionalFacts(listing, lookup, signal)) ?? {}) as Partial<ListingFacts>
  const listed = times.find(([name]) => name === version)
  if (listed) return listed[1]
  const { versions = [], lastUpdated } = ((await optionalFacts(metadata, lookup, signal)) ?? {}) as Partial<MetadataFacts>
  return versions.includes(version) ? timeOf(lastUpdated) : undefined
}
