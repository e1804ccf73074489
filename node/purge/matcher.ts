import { matches } from '../../protocols/sites.ts'
import { cacheKey, type Plan, type Subject } from '../cache/plan.ts'
import { type Digest, parseDigest, type Sha256 } from '../digest.ts'
import { canonicalName } from '../policy/policy.ts'
import { isAbout, parseRule, type Rule } from '../policy/rule.ts'
import type { NameRecord } from '../store/store.ts'
import type { PurgeScope } from './scope.ts'

/** A scope, made ready to be asked about many records. */
export interface ScopeMatcher {
  /** What the keys of all records begin with that may fall under it. */
  readonly prefix: string
  /** The blob that falls under it whatever it is called; undefined for a scope of names, and for a digest that is not held. */
  readonly blob?: Sha256 | undefined
  /** Whether it is everything, also what has no name. */
  readonly isAll?: boolean
  covers(key: string, record: Pick<NameRecord, 'blob' | 'verified'>): boolean
  /**
   * Whether what is on its way under a key may fall under it; `expected` are the digests of which the bytes are to have one, undefined
   * while that is not known.
   */
  mayCover(key: string, expected: readonly Digest[] | undefined): boolean
}

export interface MatcherComponents {
  /** The plan of what a key names, as a mirror of this node or of any other one would make it. */
  planOf(key: string): Plan | undefined
  /** The blob of this node that has a digest. */
  find(digest: Digest): Sha256 | undefined
}

/** Makes a scope ready to be asked. */
export function matcherOf(scope: PurgeScope, { planOf, find }: MatcherComponents): ScopeMatcher {
  switch (scope.kind) {
    case 'all':
      return { ...byKey('', () => true), isAll: true }
    case 'upstream':
      return byKey(beginning(scope), () => true)
    case 'path': {
      const prefix = beginning(scope)
      return byKey(prefix, (key) => matches(scope.pattern, pathOf(key, prefix)))
    }
    case 'digest': {
      const { digest: text } = scope
      const digest = parseDigest(text)
      const blob = digest?.algorithm === 'sha256' ? digest.hex : digest && find(digest)
      return {
        prefix: '',
        blob,
        covers: (_, record) => record.blob === blob || record.verified.includes(text),
        mayCover: (_, expected) => !digest || mayBe(digest, expected),
      }
    }
    case 'package': {
      const rule = parseRule(scope.purl)
      return byKey(`${ECOSYSTEMS.get(rule.type) ?? rule.type}\n`, (key) => isOf(rule, planOf(key)))
    }
  }
}

/** Ecosystems that are not called as their package-URL type is. */
const ECOSYSTEMS: ReadonlyMap<string, string> = new Map([
  ['golang', 'go'],
  ['docker', 'oci'],
])

function byKey(prefix: string, isMeant: (key: string) => boolean): ScopeMatcher {
  const covers = (key: string) => key.startsWith(prefix) && isMeant(key)
  return { prefix, covers, mayCover: covers }
}

/** A digest of another algorithm rules nothing out. */
function mayBe({ algorithm, hex }: Digest, expected: readonly Digest[] = []): boolean {
  const comparable = expected.filter((one) => one.algorithm === algorithm)
  return comparable.length === 0 || comparable.some((one) => one.hex === hex)
}

function beginning({ ecosystem, base }: { readonly ecosystem: string; readonly base: string }): string {
  // Without variant and partition, and the line feeds before these.
  return cacheKey({ ecosystem, base, path: '' }).slice(0, -2)
}

function pathOf(key: string, prefix: string): string {
  return key.slice(prefix.length, key.indexOf('\n', prefix.length))
}

function isOf(rule: Rule, plan: Plan | undefined): boolean {
  if (!plan?.subject) return false
  return [plan.subject, ...(plan.readings ?? [])].some((subject) => isOfSubject(rule, subject))
}

/**
 * A document about a package as a whole may name the versions that are meant, and so may a version that its ecosystem's order cannot
 * read: what is purged without need is fetched again, what is left is served.
 */
function isOfSubject(rule: Rule, subject: Subject): boolean {
  if (subject.type !== rule.type || !isAbout(rule, canonicalName(subject))) return false
  return rule.range === undefined || subject.version === undefined || rule.range(subject.version) !== false
}
