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
 * nothing of whose it is: under the name of a crate that a policy lets through it could be that of any other. Rejects with
 * UPSTREAM_ABSENT when upstream is known to have no such version, or not these bytes for it, and when it cannot be asked.
 */
export async function expectCrate(
  asked: Asked,
  { config, index }: Sources,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<Expectation> {
  const { name, version } = asked
  const release = await findIn(index, finderOf(asked), lookup, signal)
  if (!release) {
    const which = asked.sha256 === undefined ? '' : ' of that checksum'
    const { host } = new URL(index.base)
    throw new WarrenError('UPSTREAM_ABSENT', `${index.mirror}: ${host} has no ${name} ${version}${which}`)
  }
  const { sha256 } = release
  const digests = [{ algorithm: 'sha256', hex: sha256 }] as const
  const facts = await findIn(config, configFacts, lookup, signal)
  return facts ? { digests, url: downloadUrl(facts.dl, { name, version, sha256 }) } : { digests }
}

/** What the index says of a version: a copy that is here if it has it, else upstream's. Undefined where there is no such version. */
export async function releaseOf(asked: Asked, index: Plan, lookup: Lookup, signal: AbortSignal): Promise<Release | undefined> {
  return unlessRefused(findIn(index, finderOf(asked), lookup, signal))
}

function finderOf({ name, version, sha256 }: Asked): (facts: unknown) => Release | undefined {
  return (given) => {
    const facts = crateFacts(given, name)
    return facts && findRelease(facts, version, sha256)
  }
}
