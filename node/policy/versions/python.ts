import { compare, satisfies, valid, validRange } from '@renovatebot/pep440'
import type { VersionScheme } from './scheme.ts'

/** PEP 440: its order and its specifiers. A version without an operator means that one, or those below it (`1.*`). */
export const python: VersionScheme = {
  example: '>=1.2,<2.0, ~=1.4 or 1.*',
  compare: (one, other) => (valid(one) && valid(other) ? compare(one, other) : undefined),
  range(text) {
    const specifier = text
      .split(',')
      .map((part) => (/^\s*[\w.*+-]+\s*$/.test(part) ? `==${part.trim()}` : part.trim()))
      .join(',')
    if (specifier.split(',').includes('') || !validRange(specifier)) return undefined
    return (version) => (valid(version) ? satisfies(version, specifier, { prereleases: true }) : undefined)
  },
}
