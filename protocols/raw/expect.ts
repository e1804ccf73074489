import { setImmediate } from 'node:timers/promises'
import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import type { Digest } from '../../node/digest.ts'
import { isRefusal, isWarrenError } from '../../node/errors.ts'
import { mayList } from './apt-layout.ts'
import { findChecksum } from './checksums.ts'
import { findPackage } from './packages.ts'
import { allListed, findListed, type Listed, listsDigest, releaseFacts } from './release.ts'

/** Upstream promises nothing. */
const NOTHING: Expectation = { digests: [] }

/**
 * An index file under its own name has to be the one that the current release file lists: an old `Packages` with a new `InRelease`
 * is «Hash Sum mismatch» for apt. `releases` are the places of that file, best first.
 */
export async function expectListed(
  name: string,
  releases: readonly Plan[],
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation | undefined> {
  for (const plan of releases) {
    const facts = await factsOf(plan, isRefusal, lookup, signal)
    if (facts === 'trouble') return undefined
    const release = releaseFacts(facts)
    if (release) return strongest(findListed(release, name)?.digests)
  }
  return NOTHING
}

/**
 * A digest that a client chose is known where a release file that is held lists it, however old. Else only upstream itself can tell
 * what it has there.
 */
export async function expectHashed(
  directory: string,
  digest: Digest,
  releases: readonly Plan[],
  lookup: Lookup,
): Promise<Expectation | undefined> {
  for (const plan of releases) {
    const facts = releaseFacts(await lookup.cached(plan))
    if (facts && listsDigest(facts, directory, digest)) return { digests: [digest] }
  }
  return undefined
}

/** Index files of a suite that are in the cache, if anywhere, under one of these plans. */
export interface HeldSuite {
  readonly release: Plan
  /** A listed file under its own name, and under its digests. */
  plansOf(listed: Listed): readonly Plan[]
}

/**
 * Index files that are looked for in all, for one package. A package for all architectures may be in those of each: some 200 a suite
 * of Debian. What lists more is made to keep this node busy.
 */
const MAX_CANDIDATES = 1024
/** Index files that are looked for before others have their turn. */
const TURN = 64

/**
 * A package has to be what a list of packages says that is here, and that a release file from upstream lists by digest: a list that
 * somebody asked for by a digest of his own choice may come from anybody. Nothing is fetched: without such a list upstream promises
 * nothing that could be known.
 */
export async function expectPackage(name: string, suites: readonly HeldSuite[], lookup: Lookup): Promise<Expectation> {
  const wants = mayList(name)
  let left = MAX_CANDIDATES
  for (const { release, plansOf } of suites) {
    const facts = releaseFacts(await lookup.cached(release))
    if (!facts) continue
    for (const listed of allListed(facts, wants, left)) {
      if (left-- % TURN === 0) await setImmediate()
      for (const plan of plansOf(listed)) {
        const digest = findPackage(await lookup.cached(plan), name)
        if (digest) return { digests: [digest] }
      }
    }
    await setImmediate()
  }
  return NOTHING
}

/** Where the checksum of a file may be. */
export interface ChecksumPlace {
  readonly plan: Plan
  /** Whether it is that of one file only, so that it need not name it. */
  readonly alone: boolean
}

/** A file that the operator says never changes has to be what the checksums beside it say, where there are any. */
export async function expectChecked(
  name: string,
  places: readonly ChecksumPlace[],
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation | undefined> {
  for (const { plan, alone } of places) {
    // A server that answers a page to everything has no such document.
    const isAbsent = (error: unknown) => isRefusal(error) || isWarrenError(error, 'UPSTREAM_CORRUPT')
    const facts = await factsOf(plan, isAbsent, lookup, signal)
    if (facts === 'trouble') return undefined
    const digest = findChecksum(facts, name, alone)
    if (digest) return { digests: [digest] }
  }
  return NOTHING
}

/** Undefined where upstream's answer says that it has none. */
async function factsOf(
  plan: Plan,
  isAbsent: (error: unknown) => boolean,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await lookup.fetch(plan, signal)
  } catch (error) {
    return isAbsent(error) ? undefined : 'trouble'
  }
}

function strongest(digests: Expectation['digests'] = []): Expectation {
  // Bytes are called by their sha256 everywhere else, so that one is enough.
  return { digests: digests.slice(0, 1) }
}
