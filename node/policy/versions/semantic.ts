import semver from 'semver'
import type { VersionScheme } from './scheme.ts'

/** An operator without a version behind it, which the library takes for «any». */
const DANGLING = /[<>=~^]\s*(?:,|\s[<>=~^]|$)/

/**
 * Semantic Versioning 2.0.0, with the ranges of npm. Go's `v` and `+incompatible` change nothing. Pre-releases count as what they
 * are between: `<2.0.0` has 2.0.0-rc.1 in it, or a rule would let through what it was written against.
 */
export const semantic: VersionScheme = {
  example: '>=1.2.0,<2, ^1.2 or 1.2.3',
  compare(one, other) {
    const [a, b] = [parsed(one), parsed(other)]
    return a && b ? semver.compare(a, b) : undefined
  },
  range(text) {
    if (DANGLING.test(text)) return undefined
    try {
      const range = new semver.Range(text.replaceAll(',', ' '), { includePrerelease: true, loose: true })
      return (version) => {
        const given = parsed(version)
        return given ? range.test(given) : undefined
      }
    } catch {
      return undefined
    }
  },
}

function parsed(version: string): semver.SemVer | null {
  return semver.parse(version, { loose: true })
}
