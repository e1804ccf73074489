import type { Subject } from '../cache/plan.ts'
import { purlTypeOf } from './purl-types.ts'
import type { Rule } from './rule.ts'
import { RuleBook } from './rule-book.ts'

/** What an operator wrote down, checked: see `parseRule` for the patterns. */
export interface PolicySettings {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
  /** Ms by package-URL type; `default` is for all that it does not name. */
  readonly minimumAge: Readonly<Record<string, number>>
  readonly minimumAgeExceptions: readonly string[]
  /** Denied, too, and why. */
  readonly blocks?: readonly Block[]
}

export interface Block {
  /** A pattern as in `deny`. */
  readonly purl: string
  readonly reason?: string | undefined
}

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string }

/** When something was published, and when that is asked. Both in ms since the epoch. */
export interface Age {
  /** Undefined where nothing tells. */
  readonly published: number | undefined
  readonly now: number
}

const ALLOWED: Verdict = { allowed: true }
const CHOOSE = 'choose another package or version, or ask whoever runs this node'

/**
 * Which packages, and which of their versions, are let through. Deny stands above allow; where packages of a type are allowed at
 * all, others of that type are not. A version that its ecosystem's order cannot read is let through by no range, and stopped by
 * each: else a spelling that only a client understands would be a way past every rule. Immutable.
 */
export class Policy {
  readonly #allow: RuleBook
  readonly #deny: RuleBook
  readonly #exceptions: RuleBook
  readonly #minimumAge: ReadonlyMap<string, number>
  /** By their rules. */
  readonly #blocks: ReadonlyMap<string, Block>
  /** Whether it lets everything through. */
  readonly isEmpty: boolean
  /** What it was made of. */
  readonly settings: PolicySettings

  /** Throws a PatternError. */
  constructor(settings: PolicySettings) {
    const { allow, minimumAge, minimumAgeExceptions, blocks = [] } = settings
    const deny = [...settings.deny, ...blocks.map(({ purl }) => purl)]
    this.settings = settings
    this.#allow = new RuleBook(allow)
    this.#deny = new RuleBook(deny)
    this.#exceptions = new RuleBook(minimumAgeExceptions)
    this.#minimumAge = new Map(Object.entries(minimumAge))
    this.#blocks = new Map(blocks.map((block) => [block.purl, block]))
    this.isEmpty = allow.length + deny.length === 0 && Object.values(minimumAge).every((age) => age === 0)
  }

  /** Whether anything is said about a package, or about packages of its type. */
  concerns(subject: Subject): boolean {
    if (this.isEmpty) return false
    const { type } = subject
    if (this.#allow.has(type) || this.minimumAge(subject) > 0) return true
    return this.#deny.has(type) && !this.#deny.about(type, canonicalName(subject))[Symbol.iterator]().next().done
  }

  /** What is said of a package or version, whatever its age. Of a package without a version: whether all of it is refused. */
  verdict(subject: Subject): Verdict {
    return this.#denial(subject) ?? (this.#isAllowed(subject) ? ALLOWED : notAllowed(subject))
  }

  /** The same of what may be any of several: refused where one of them is denied, or where none is allowed. */
  verdictOfAny(subjects: readonly [Subject, ...Subject[]]): Verdict {
    for (const subject of subjects) {
      const denial = this.#denial(subject)
      if (denial) return denial
    }
    return subjects.some((subject) => this.#isAllowed(subject)) ? ALLOWED : notAllowed(subjects[0])
  }

  #denial(subject: Subject): Verdict | undefined {
    const { type, version } = subject
    for (const rule of this.#deny.about(type, canonicalName(subject))) {
      if (isDenied(rule, version)) return refused(`${purlOf(subject)} is ${this.#denialBy(rule)}; ${CHOOSE}`)
    }
    return undefined
  }

  #denialBy({ text }: Rule): string {
    const block = this.#blocks.get(text)
    if (!block) return `denied by the rule ${text} (policy.deny)`
    return `blocked by the rule ${text}${block.reason === undefined ? '' : `: ${block.reason}`}`
  }

  #isAllowed(subject: Subject): boolean {
    const { type, version } = subject
    if (!this.#allow.has(type)) return true
    for (const rule of this.#allow.about(type, canonicalName(subject))) if (isAllowed(rule, type, version)) return true
    return false
  }

  /** Ms that a version must have been out for; 0 where its age does not matter. Of a package: what applies to some of it. */
  minimumAge(subject: Subject): number {
    const { type, version } = subject
    const least = this.#minimumAge.get(type) ?? this.#minimumAge.get('default') ?? 0
    if (least === 0) return 0
    for (const { range } of this.#exceptions.about(type, canonicalName(subject))) {
      if (!range || (version !== undefined && range(version))) return 0
    }
    return least
  }

  /** What is said of a version by its age alone. */
  ageVerdict(subject: Subject, { published, now }: Age): Verdict {
    const least = this.minimumAge(subject)
    if (least === 0) return ALLOWED
    const what = purlOf(subject)
    const must = `versions are let through after ${spanOf(least)} (policy.minimumAge)`
    const otherwise = 'choose an older version, or ask whoever runs this node for one of policy.minimumAgeExceptions'
    if (published === undefined) return refused(`nothing tells when ${what} was published, and ${must}; ${otherwise}`)
    if (now - published >= least) return ALLOWED
    const from = new Date(published + least).toISOString().replace(/:\d\d\.\d+Z$/, 'Z')
    return refused(
      `${what} was published ${spanOf(Math.max(0, now - published))} ago as far as its registry tells, and ${must}, this one from ${from} on; ${otherwise}`,
    )
  }
}

function isDenied({ range }: Rule, version: string | undefined): boolean {
  if (!range) return true
  return version !== undefined && range(version) !== false
}

function isAllowed({ range }: Rule, type: string, version: string | undefined): boolean {
  if (!range || version === undefined) return true
  // Whoever has a digest had it from a name, and that was let through.
  return range(version) === true || purlTypeOf(type)?.versions.isDigest?.(version) === true
}

function notAllowed(subject: Subject): Verdict {
  const { type } = subject
  return refused(`${purlOf(subject)} is none of the packages of ${type} that are allowed here (policy.allow); ${CHOOSE}`)
}

function refused(reason: string): Verdict {
  return { allowed: false, reason }
}

/** Namespace and name as rules have them. */
export function canonicalName({ type, namespace, name }: Subject): string {
  const whole = namespace === undefined ? name : `${namespace}/${name}`
  return purlTypeOf(type)?.canonical(whole) ?? whole
}

/** For people: without percent-escapes, and in one line. */
export function purlOf({ type, namespace, name, version }: Subject): string {
  const text = `pkg:${type}/${namespace === undefined ? '' : `${namespace}/`}${name}${version === undefined ? '' : `@${version}`}`
  return text.replace(/[^ -~]/g, '?').slice(0, 200)
}

/** A span of time in its largest unit. */
function spanOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes >= 2 * 24 * 60) return `${Math.floor(minutes / (24 * 60))} days`
  return minutes >= 2 * 60 ? `${Math.floor(minutes / 60)} hours` : `${minutes} min`
}
