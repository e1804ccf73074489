import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { WarrenError } from '../../node/errors.ts'
import { findIn, unlessRefused } from '../lookups.ts'
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
  const facts = await findIn(config, configFacts, lookup, signal)
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
  return unlessRefused(findIn(index, find, lookup, signal))
}

/** Throws UPSTREAM_ABSENT for what the index does not have. */
async function checkListed(
  asked: Asked & { readonly sha256: string },
  index: Plan,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<void> {
  const { name, version, sha256 } = asked
  const lists = (given: unknown) => {
    const facts = crateFacts(given, name)
    return (facts && findRelease(facts, version)?.sha256 === sha256) || undefined
  }
  if (await findIn(index, lists, lookup, signal)) return
  throw new WarrenError(
    'UPSTREAM_ABSENT',
    `${index.mirror}: ${new URL(index.base).host} has no ${name} ${version} of that checksum`,
  )
}
