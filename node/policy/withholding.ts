import type { Subject } from '../cache/plan.ts'
import type { Grounds } from './verdicts.ts'

/** Decides which versions of a package a document may offer. */
export interface Withholder {
  /** Undefined where no rule concerns the package. */
  of(subject: Subject): Withholding | undefined
}

/** Verdicts on what one document, or several that become one, have. */
export interface Verdicts {
  /** `published` is in ms since the epoch, undefined where nothing tells. */
  allows(version: string, published: number | undefined): boolean
  /** When all versions were asked about: throws POLICY_DENIED if there were some and none of them is let through. */
  settle(): void
}

export interface Withholding {
  /** Names the verdicts: as long as it is the same, they are. */
  readonly id: string
  /** From which another thread makes the same verdicts; where there are none, they are asked for in this one. */
  readonly grounds?: Grounds
  /** Verdicts on one answer. */
  verdicts(): Verdicts
}
