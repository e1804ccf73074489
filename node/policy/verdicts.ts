import type { Subject } from '../cache/plan.ts'
import { WarrenError } from '../errors.ts'
import { Policy, type PolicySettings, purlOf, type Verdict } from './policy.ts'
import type { Verdicts } from './withholding.ts'

/** All that verdicts on the versions of a package depend on, as it gets to another thread. */
export interface Grounds {
  readonly settings: PolicySettings
  readonly subject: Subject
  /** Ms since the epoch. */
  readonly now: number
  /** When versions were published that documents tell no dates of, in ms since the epoch, as far as that is known. */
  readonly dates?: ReadonlyMap<string, number>
}

/** What a policy says of the versions that one document, or several that become one, have. */
export function verdictsOf({ settings, subject, now, dates }: Grounds, policy = new Policy(settings)): Verdicts {
  let offered = 0
  const refused: (Verdict & { allowed: false })[] = []
  return {
    allows: (version, told) => {
      const published = told ?? dates?.get(version)
      const one = { ...subject, version }
      const verdict = policy.verdict(one)
      // Where a document tells no dates, those of the single versions do; what is refused then says why.
      const last = verdict.allowed && published !== undefined ? policy.ageVerdict(one, { published, now }) : verdict
      if (last.allowed) offered++
      else refused.push(last)
      return last.allowed
    },
    // A list of nothing would look as if there never was anything.
    settle: () => {
      const last = refused.at(-1)
      if (offered > 0 || !last) return
      // Which of them somebody wanted is not known; most lists have the newest at their end.
      const which = refused.length === 1 ? '' : `no version of ${purlOf(subject)} is let through: `
      enforce({ allowed: false, reason: which + last.reason })
    },
  }
}

/** Throws POLICY_DENIED. */
export function enforce(verdict: Verdict): void {
  if (!verdict.allowed) throw new WarrenError('POLICY_DENIED', verdict.reason)
}
