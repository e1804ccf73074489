import type { Lookup, Plan } from '../../node/cache/plan.ts'
import { optionalFacts } from '../lookups.ts'
import type { ListingFacts } from './listing.ts'
import { type MetadataFacts, timeOf } from './metadata.ts'

/** Where something is listed that came at some time: a version with its artifact, a file with the other files of a snapshot. */
export interface Source {
  /** What the list calls it. */
  readonly name: string
  readonly listing: Plan
  readonly metadata: Plan
  /** Whether the metadata tell of it. */
  isIn(facts: Partial<MetadataFacts>): boolean
}

/**
 * When a file came, in ms since the epoch. No document of a repository says so; but most repositories print the time beside each
 * directory and file, and metadata tell until when all came that they list: nothing is taken for older than it is. What its
 * publisher wrote, such as the time of a signature or in the name of a file, counts for nothing. Of what may be several things the
 * last time counts. Undefined where none is to be had; rejects when upstream cannot be asked.
 */
export async function publishedAt(
  sources: readonly Source[],
  lookup: Lookup,
  signal: AbortSignal,
): Promise<number | undefined> {
  const told = await Promise.all(sources.map((source) => timeIn(source, lookup, signal)))
  const times = told.filter((time) => time !== undefined)
  return times.length === 0 ? undefined : Math.max(...times)
}

async function timeIn(
  { name, listing, metadata, isIn }: Source,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { times = [] } = ((await optionalFacts(listing, lookup, signal)) ?? {}) as Partial<ListingFacts>
  const listed = times.find(([one]) => one === name)
  if (listed) return listed[1]
  const facts = ((await optionalFacts(metadata, lookup, signal)) ?? {}) as Partial<MetadataFacts>
  return isIn(facts) ? timeOf(facts.lastUpdated) : undefined
}
