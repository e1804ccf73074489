import { compare, explain, satisfies as meets, valid, validRange } from '@renovatebot/pep440'
import { type Comparator, parseComparator, type Range, satisfies, type VersionScheme } from './scheme.ts'

/**
 * PEP 440: its order and its specifiers. A version without an operator means that one, or those below it (`1.*`). Comparators go by
 * the order alone: `<2` has 2.0rc1 in it and `>1.0` has 1.0.post1, which PEP 440 takes out for who chooses a version. A rule would let
 * through what it was written against.
 */
export const python: VersionScheme = {
  example: '>=1.2,<2.0, ~=1.4 or 1.*',
  compare: (one, other) => (valid(one) && valid(other) ? compare(one, other) : undefined),
  range(text) {
    const specifiers = text.split(',').map((part) => (/^\s*[\w.*+-]+\s*$/.test(part) ? `==${part.trim()}` : part.trim()))
    if (specifiers.includes('') || !validRange(specifiers.join(','))) return undefined
    const ranges = specifiers.map((specifier) => byOrder(specifier) ?? bySpecifier(specifier))
    return (version) => (valid(version) ? ranges.every((range) => range(version)) : undefined)
  },
}

function bySpecifier(specifier: string): Range {
  return (version) => meets(version, specifier, { prereleases: true })
}

/** Undefined for what is no comparator, or has no version behind it. */
function byOrder(specifier: string): Range | undefined {
  const comparator = /^[<>]/.test(specifier) ? parseComparator(specifier) : undefined
  if (!comparator || !valid(comparator.version)) return undefined
  return (version) => satisfies(orderOf(version, comparator), comparator.operator)
}

/** A local version is one of the public version that it is made of, unless a local one is asked for. */
function orderOf(version: string, { version: bound }: Comparator): number {
  return compare(bound.includes('+') ? version : (explain(version)?.public ?? version), bound)
}
