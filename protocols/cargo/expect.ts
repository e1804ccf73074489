import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { isWarrenError, WarrenError } from '../../node/errors.ts'
import { configFacts } from './config.ts'
import { downloadUrl } from './download.ts'
import { crateFacts, findRelease, type Release } from './facts.ts'

interface Asked {
  readonly name: string
  readonly version: string
  /** Hex, where the request has it. */
  readonly sha256?: string
}

interface Sources {
  readonly config: Plan
  readonly index: Plan
}

/**
 * What an archive must be, from the index, and where upstream has it, from its `config.json`. A digest of the request's own says
 * nothing of whose it is: under the name of a crate that a policy lets through it could be that of any other. Undefined when upstream
 * is not known to have such a version, UPSTREAM_ABSENT when it is known not to have these bytes for it; rejects when it cannot be asked.
 */
export async function expectCrate(
  asked: Asked,
  { config, index }: Sources,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation | undefined> {
  const sha256 = asked.sha256 ?? (await releaseOf(asked, index, lookup, signal))?.sha256
  if (sha256 === undefined) return undefined
  if (asked.sha256 !== undefined) await checkListed({ ...asked, sha256 }, index, lookup, signal)
  const digests = [{ algorithm: 'sha256', hex: sha256 }] as const
  const facts = configFacts(await lookup.cached(config)) ?? configFacts(await lookup.fetch(config, signal))
  return facts ? { digests, url: downloadUrl(facts.dl, { ...asked, sha256 }) } : { digests }
}

/** What the index says of a version: a copy that is here if it has it, else upstream's. */
export async function releaseOf(
  { name, version }: Asked,
  index: Plan,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Release | undefined> {
  const find = (given: unknown) => {
    const facts = crateFacts(given, name)
    return facts && findRelease(facts, version)
  }
  const held = find(await lookup.cached(index))
  if (held) return held
  try {
    return find(await lookup.fetch(index, signal))
  } catch (error) {
    // That upstream has no such crate, or not for us, is an answer.
    if (isWarrenError(error, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_LEGAL', 'UPSTREAM_DENIED')) return undefined
    throw error
  }
}

/** Throws UPSTREAM_ABSENT for what the index does not have. */
async function checkListed(
  asked: Asked & { readonly sha256: string },
  index: Plan,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<void> {
  const { name, version, sha256 } = asked
  for (const ask of [() => lookup.cached(index), () => lookup.fetch(index, signal)]) {
    const facts = crateFacts(await ask(), name)
    if (facts && findRelease(facts, version)?.sha256 === sha256) return
  }
  throw new WarrenError(
    'UPSTREAM_ABSENT',
    `${index.mirror}: ${new URL(index.base).host} has no ${name} ${version} of that checksum`,
  )
}
