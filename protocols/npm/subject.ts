import type { Lookup, Plan, Subject } from '../../node/cache/plan.ts'
import { findIn, unlessRefused } from '../lookups.ts'
import { findTime, packageFacts } from './facts.ts'

/** A package as its package URL names it: the scope is the namespace (purl-spec, type «npm»). */
export function subjectOf(name: string, version?: string): Subject {
  const end = name.startsWith('@') ? name.indexOf('/') : -1
  const named = end < 0 ? { type: 'npm', name } : { type: 'npm', namespace: name.slice(0, end), name: name.slice(end + 1) }
  return version === undefined ? named : { ...named, version }
}

/** When a version was published, in ms since the epoch, as the full packument has it. Rejects while upstream is in trouble. */
export async function publishedOf(
  { name, version }: { readonly name: string; readonly version: string },
  full: Plan,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<number | undefined> {
  const timeIn = (given: unknown) => {
    const facts = packageFacts(given, name)
    return facts && findTime(facts, version)
  }
  return unlessRefused(findIn(full, timeIn, lookup, signal))
}
