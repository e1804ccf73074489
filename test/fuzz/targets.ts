import fc from 'fast-check'
import { expect } from 'vitest'
import { type Plan, parseKey } from '../../node/cache/plan.ts'
import { type ErrorCode, isWarrenError, type WarrenError } from '../../node/errors.ts'
import type { Mirror, Protocol } from '../../protocols/protocol.ts'

/** Targets, and documents, of each ecosystem. */
export const CASES = 100_000

/** What may lead out of a path, or mean something else to somebody on the way. Without «?», which ends a path. */
export const HOSTILE: readonly string[] = [
  ...['..', '.', '%2e%2e', '%2E.', '%252e', '%252e%252e', '%c0%ae'],
  ...['//', '\\', '%5c', '%2f', '%2f..%2f'],
  ...['%', '%25', '%00', '\0', '%ff', 'é', ' '],
  ...['\r\n', '%0a', '%0d%0a'],
  ...['#', ';', '@', '[::1]', '127.0.0.1', '0x7f.1', 'http://evil.example.test', '//evil.example.test'],
  ...['__proto__', 'x'.repeat(300)],
]

/** At most `most` of the parts, with nothing between them. */
export function joined(parts: readonly string[], most: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...parts), { maxLength: most }).map((taken) => taken.join(''))
}

interface Run<Asked, Made> {
  readonly seed: number
  /** What comes of a target. Throws what the grammar throws. */
  make(asked: Asked): Made
  /** What a target may be refused with. */
  readonly codes: readonly ErrorCode[]
  /** Checks that clients are told in their own form. */
  checkRefusal(error: WarrenError, asked: Asked): void
  check(made: Made, asked: Asked): void
}

/** Each target is refused in its clients' form, or leads somewhere that is checked. Returns how many were refused, by code. */
export function runTargets<Asked, Made>(asked: fc.Arbitrary<Asked>, run: Run<Asked, Made>): ReadonlyMap<string, number> {
  const refused = new Map<string, number>()
  fc.assert(
    fc.property(asked, (one) => {
      let made: Made
      try {
        made = run.make(one)
      } catch (error) {
        if (!isWarrenError(error, ...run.codes)) throw error
        refused.set(error.code, (refused.get(error.code) ?? 0) + 1)
        run.checkRefusal(error, one)
        return
      }
      run.check(made, one)
    }),
    { numRuns: CASES, seed: run.seed },
  )
  return refused
}

/** Its URL is spelt as it goes out, and below its base; its key is one line a part, and printable. */
export function checkPlan({ url, base, key }: Plan): void {
  expect(new URL(url).href).toBe(url)
  expect(url.startsWith(base)).toBe(true)
  expect(key).not.toMatch(/[^\n -~]/)
  expect(key.split('\n')).toHaveLength(5)
}

/** It is made anew of its key alone, as it was. */
export function checkNamed(plan: Plan, protocol: Protocol, mirror: Mirror): void {
  const named = parseKey(plan.key)
  const { key, url, base, headers } = plan
  expect(named && protocol.planOf(named, mirror)).toMatchObject({ key, url, base, ...(headers ? { headers } : {}) })
}

/** Nothing in its path has a second reading, not even to a server that decodes it once more. */
export function checkPlainPath({ url }: Plan): void {
  expect(new URL(url).pathname).not.toMatch(/\/\.\.?(?:\/|$)|[\\\s%]|\/\//)
}

/** Keys of what comes of the spelling that upstream is asked for, which is one of the same thing. */
export function canonicalKeys(protocol: Protocol, mirror: Mirror, { url, base }: Plan): string[] {
  const again = protocol.route({ method: 'GET', path: url.slice(base.length), query: '', headers: {} }, mirror)
  return 'plans' in again ? again.plans.map(({ key }) => key) : []
}
