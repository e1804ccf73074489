import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { Subject } from '../../../node/cache/plan.ts'
import { Policy, type PolicySettings } from '../../../node/policy/policy.ts'
import { PatternError, parseRule } from '../../../node/policy/rule.ts'
import { verdictsOf } from '../../../node/policy/verdicts.ts'

const SEED = 20_261_103
const DAY = 86_400_000
const NOW = Date.UTC(2026, 10, 29)
const NOTHING: PolicySettings = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] }

function policyOf(settings: Partial<PolicySettings>): Policy {
  return new Policy({ ...NOTHING, ...settings })
}

/** `npm/@corp/x@1.0.0` as a grammar would say it. */
function subject(text: string): Subject {
  const [, type = '', namespace, name = '', version] = /^([^/]+)\/(?:(.+)\/)?([^/@]+)(?:@(.+))?$/.exec(text) ?? []
  return { type, name, ...(namespace === undefined ? {} : { namespace }), ...(version === undefined ? {} : { version }) }
}

const allows = (policy: Policy, text: string) => policy.verdict(subject(text)).allowed
const reason = (policy: Policy, text: string) => {
  const verdict = policy.verdict(subject(text))
  return verdict.allowed ? '' : verdict.reason
}

test('what may be any of several packages is refused where one is denied or none is allowed', () => {
  const [good, evil, third] = ['maven/a.b/c@1', 'maven/a/b@c', 'maven/x/y@1'].map(subject) as [Subject, Subject, Subject]
  const deny = policyOf({ deny: ['pkg:maven/a/*'] })
  expect([deny.verdictOfAny([good, evil]).allowed, deny.verdictOfAny([good, third]).allowed]).toEqual([false, true])
  const allow = policyOf({ allow: ['pkg:maven/a.b/*'], deny: ['pkg:maven/x/*'] })
  const verdicts = [[evil, good], [evil], [good, third]] as const
  expect(verdicts.map((subjects) => allow.verdictOfAny(subjects).allowed)).toEqual([true, false, false])
})

describe('a pattern is about a package', () => {
  it.each([
    ['pkg:npm/left-pad', 'npm/left-pad@1.0.0', 'npm/left-pad-2@1.0.0'],
    ['pkg:npm/*', 'npm/@corp/x@1.0.0', 'pypi/x@1.0.0'],
    ['pkg:npm/%40corp/*', 'npm/@corp/x@1.0.0', 'npm/x@1.0.0'],
    ['pkg:npm/@corp/*', 'npm/@corp/x@1.0.0', 'npm/@corporation/x@1.0.0'],
    ['pkg:npm/@corp/x@<2', 'npm/@corp/x@1.0.0', 'npm/@corp/x@2.0.0'],
    ['PKG:NPM/JSONStream', 'npm/jsonstream@1.0.0', 'npm/json@1.0.0'],
    ['pkg:pypi/req*@<2.0', 'pypi/requests@1.9', 'pypi/requests@2.0'],
    ['pkg:pypi/Zope.Interface', 'pypi/zope-interface@1.0', 'pypi/zope@1.0'],
    ['pkg:pypi/zope-*', 'pypi/zope_interface@1.0', 'pypi/zopeinterface@1.0'],
    [
      'pkg:maven/org.apache.logging.log4j/log4j-core@>=2.0,<2.17.1',
      'maven/org.apache.logging.log4j/log4j-core@2.14.1',
      'maven/org.apache.logging.log4j/log4j-core@2.17.1',
    ],
    ['pkg:maven/org.apache.*/*', 'maven/org.apache.logging.log4j/log4j-api@1', 'maven/org.apachefoo/x@1'],
    ['pkg:golang/github.com/corp/*', 'golang/github.com/Corp/deep/module@v1.0.0', 'golang/github.com/corporation/x@v1.0.0'],
    ['pkg:golang/golang.org/x/text@<v0.3.8', 'golang/golang.org/x/text@v0.3.7', 'golang/golang.org/x/text@v0.3.8'],
    ['pkg:cargo/serde_json@^1', 'cargo/Serde-JSON@1.0.5', 'cargo/serde@1.0.5'],
    ['pkg:docker/library/nginx@1.*', 'docker/library/nginx@1.25', 'docker/library/nginx@2.0'],
    ['pkg:docker/nginx@latest', 'docker/library/nginx@latest', 'docker/corp/nginx@latest'],
    ['pkg:docker/docker.io/library/nginx', 'docker/library/nginx@1', 'docker/ghcr.io/library/nginx@1'],
    ['pkg:docker/ghcr.io/corp/*', 'docker/ghcr.io/corp/app@1', 'docker/corp/app@1'],
    ['pkg:docker/localhost:5000/*', 'docker/localhost:5000/app@1', 'docker/localhost:5001/app@1'],
    ['pkg:oci/nginx', 'docker/ghcr.io/corp/nginx@1', 'docker/library/nginx2@1'],
    ['pkg:npm/x@vers:npm/>=1.0.0|<2.0.0', 'npm/x@1.5.0', 'npm/x@2.0.0'],
    ['pkg:npm/x@1.0.0 || >=3', 'npm/x@3.1.0', 'npm/x@2.0.0'],
    ['pkg:npm/x@%3E%3D1.0.0', 'npm/x@1.5.0', 'npm/x@0.5.0'],
    ['pkg:npm/x@*', 'npm/x@1.5.0', 'npm/y@1.5.0'],
    ['pkg:npm/*/x', 'npm/@corp/x@1.0.0', 'npm/x@1.0.0'],
    ['pkg:npm/@corp*', 'npm/@corp-b/x@1.0.0', 'npm/corp@1.0.0'],
    ['pkg:maven/com.corp*', 'maven/com.corp.x/app@1', 'maven/com.cor/app@1'],
    ['pkg:golang/*/errors', 'golang/ex.test/errors@v1.0.0', 'golang/ex.test/error@v1.0.0'],
  ])('%s: %s, but not %s', (pattern, meant, other) => {
    const policy = policyOf({ deny: [pattern] })
    expect([allows(policy, meant), allows(policy, other)]).toEqual([false, true])
  })

  it.each([
    ['left-pad', 'a package URL with *'],
    ['pkg:npm', 'a package URL with *'],
    ['pkg:npm/', 'a package URL with *'],
    ['pkg:deb/debian/openssl', 'one of the types npm, pypi, maven, golang, cargo, docker, oci'],
    ['pkg:gem/rails', 'one of the types npm, pypi, maven, golang, cargo, docker'],
    ['pkg:npm/x@>=', 'a range of versions of npm, such as >=1.2.0,<2'],
    ['pkg:npm/x@', 'a range of versions of npm'],
    ['pkg:npm/x@1 ||', 'a range of versions of npm'],
    ['pkg:docker/nginx@>1', 'its versions have no order'],
    ['pkg:npm/x@vers:pypi/>=1', 'another kind than vers:npm/'],
    ['pkg:npm/x@vers:npm/<2.0.0|>=1.0.0', 'a range of versions of npm'],
    ['pkg:npm/x?arch=any', 'no spaces, no empty parts and none of ?#'],
    ['pkg:pypi/flask==1.0', 'versions follow an @'],
    ['pkg:npm/left-pad^1.3.0', 'versions follow an @'],
    ['pkg:maven/com.corp/app[1.0,2.0)', 'versions follow an @'],
    ['pkg:npm/a, left-pad', 'a package URL with *'],
    ['pkg:npm/a,left-pad', 'a package URL with *'],
    ['pkg:maven/log4j-core@2.0', 'of maven it names group/artifact'],
    ['pkg:maven/com.corp:app', 'of maven it names group/artifact'],
    ['pkg:npm/corp/*', 'of npm it names name or @scope/name'],
    ['pkg:npm/@corp', 'of npm it names name or @scope/name'],
    ['pkg:pypi/corp/app', 'of pypi it names a name without slashes'],
    ['pkg:cargo/corp/app', 'of cargo it names a name without slashes'],
    ['pkg:golang/uuid@v1.0.0', 'of golang it names a path that begins with a host name'],
    ['pkg:npm/a//b', 'empty parts'],
    ['pkg:npm/%zz', 'a package URL with *'],
    [`pkg:npm/${'x'.repeat(2_000)}`, 'a package URL with *'],
  ])('%s is none: it would have to be %s', (pattern, right) => {
    expect(() => parseRule(pattern)).toThrow(PatternError)
    expect(() => parseRule(pattern)).toThrow(right)
  })

  it('whatever text it is, it is read or refused with what would be right', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.string({ maxLength: 60 }).map((rest) => `pkg:npm/${rest}`),
    )
    fc.assert(
      fc.property(text, (pattern) => {
        try {
          expect(parseRule(pattern).name).not.toBe('')
        } catch (error) {
          expect(error).toBeInstanceOf(PatternError)
        }
      }),
      { seed: SEED, numRuns: 20_000 },
    )
  })
})

describe('what is let through', () => {
  it('is everything without a policy, and nobody is concerned', () => {
    const policy = policyOf({ minimumAgeExceptions: ['pkg:npm/x'], minimumAge: { default: 0 } })
    expect([policy.isEmpty, policy.concerns(subject('npm/x@1.0.0')), allows(policy, 'npm/x@1.0.0')]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('is of a type that is allowed at all only what is allowed; other types are not concerned', () => {
    const policy = policyOf({ allow: ['pkg:npm/%40corp/*', 'pkg:npm/left-pad@^1'] })
    expect(
      ['npm/@corp/x@1.0.0', 'npm/left-pad@1.0.0', 'npm/left-pad@2.0.0', 'npm/x@1.0.0', 'pypi/x@1.0'].map((one) =>
        allows(policy, one),
      ),
    ).toEqual([true, true, false, false, true])
    expect([policy.concerns(subject('npm/x')), policy.concerns(subject('pypi/x'))]).toEqual([true, false])
    expect(reason(policy, 'npm/x@1.0.0')).toBe(
      'pkg:npm/x@1.0.0 is none of the packages of npm that are allowed here (policy.allow); choose another package or version, or ask whoever runs this node',
    )
  })

  it('is nothing that is denied, allowed or not', () => {
    const policy = policyOf({ allow: ['pkg:npm/*'], deny: ['pkg:npm/x@<2'] })
    expect(['npm/x@1.0.0', 'npm/x@2.0.0', 'npm/y@1.0.0'].map((one) => allows(policy, one))).toEqual([false, true, true])
    expect(reason(policy, 'npm/x@1.0.0')).toContain('pkg:npm/x@1.0.0 is denied by the rule pkg:npm/x@<2 (policy.deny)')
  })

  it('is a package as a whole unless all of it is denied or none of it allowed', () => {
    const denying = policyOf({ deny: ['pkg:npm/x@<2', 'pkg:npm/y'] })
    expect(['npm/x', 'npm/y'].map((one) => allows(denying, one))).toEqual([true, false])
    const allowing = policyOf({ allow: ['pkg:npm/x@<2'] })
    expect(['npm/x', 'npm/y'].map((one) => allows(allowing, one))).toEqual([true, false])
  })

  it('is no version that its ecosystem cannot read, where a range decides', () => {
    const denying = policyOf({ deny: ['pkg:npm/x@<2'] })
    expect(['npm/x@2.0.0', 'npm/x@banana'].map((one) => allows(denying, one))).toEqual([true, false])
    const allowing = policyOf({ allow: ['pkg:npm/x@<2', 'pkg:npm/y'] })
    expect(['npm/x@banana', 'npm/y@banana'].map((one) => allows(allowing, one))).toEqual([false, true])
  })

  it('concerns only those packages that a rule to deny is about', () => {
    const policy = policyOf({ deny: ['pkg:npm/x@<2', 'pkg:npm/bad-*'] })
    expect(['npm/x', 'npm/bad-y', 'npm/y', 'pypi/x'].map((one) => policy.concerns(subject(one)))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('is an image by its digest, where its tags are allowed, unless that very digest is denied', () => {
    const [good, bad] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`]
    const policy = policyOf({ allow: ['pkg:docker/nginx@1.*'], deny: [`pkg:docker/nginx@${bad}`] })
    const versions = ['1.25', '2.0', good, bad, good.replace(':', '-'), `${good.replace(':', '-')}.sig`]
    expect(versions.map((version) => allows(policy, `docker/library/nginx@${version}`))).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
    ])
    expect(allows(policy, `docker/library/redis@${good}`)).toBe(false)
  })
})

describe('a minimum age', () => {
  const policy = policyOf({
    minimumAge: { default: 3 * DAY, pypi: 7 * DAY, cargo: 0 },
    minimumAgeExceptions: ['pkg:npm/%40corp/*', 'pkg:npm/x@1.0.5'],
  })
  const ageVerdict = (text: string, published: number | undefined) => policy.ageVerdict(subject(text), { published, now: NOW })

  it('is by type, with exceptions', () => {
    const packages = ['npm/x@1.0.0', 'pypi/x@1.0', 'cargo/x@1.0.0', 'npm/@corp/x@1.0.0', 'npm/x@1.0.5', 'npm/x', 'npm/@corp/x']
    expect(packages.map((one) => policy.minimumAge(subject(one)) / DAY)).toEqual([3, 7, 0, 0, 0, 3, 0])
  })

  it('lets through what has been out for as long, to the millisecond', () => {
    const ages = [NOW - 3 * DAY, NOW - 3 * DAY + 1, NOW + DAY]
    expect(ages.map((published) => ageVerdict('npm/x@1.0.0', published).allowed)).toEqual([true, false, false])
  })

  it('tells when a version came, and when it may be had', () => {
    expect(ageVerdict('npm/x@1.0.0', NOW - 5 * 3_600_000)).toEqual({
      allowed: false,
      reason:
        'pkg:npm/x@1.0.0 was published 5 hours ago as far as its registry tells, and versions are let through after 3 days (policy.minimumAge), this one from 2026-12-01T19:00Z on; choose an older version, or ask whoever runs this node for one of policy.minimumAgeExceptions',
    })
  })

  it('lets through nothing of which nobody tells how old it is, and says so', () => {
    expect(ageVerdict('npm/x@1.0.0', undefined)).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('nothing tells when pkg:npm/x@1.0.0 was published'),
    })
    expect(ageVerdict('npm/@corp/x@1.0.0', undefined).allowed).toBe(true)
  })
})

test('a rule about all versions denies what any rule about some would', () => {
  const name = fc.constantFrom('x', 'y', '@corp/x')
  const version = fc.tuple(fc.nat(3), fc.nat(3)).map(([a, b]) => `${a}.${b}.0`)
  const range = fc.tuple(fc.constantFrom('<', '<=', '>', '>=', '='), version).map(([operator, bound]) => `${operator}${bound}`)
  fc.assert(
    fc.property(name, version, range, (given, one, bound) => {
      const [some, all, only] = [
        policyOf({ deny: [`pkg:npm/${given}@${bound}`] }),
        policyOf({ deny: [`pkg:npm/${given}`] }),
        policyOf({ allow: [`pkg:npm/${given}@${bound}`] }),
      ]
      const asked = `npm/${given}@${one}`
      expect(allows(all, asked)).toBe(false)
      // What a range denies, the same range allows.
      expect(allows(some, asked)).toBe(!allows(only, asked))
    }),
    { seed: SEED, numRuns: 2_000 },
  )
})

describe('a document of which nothing is left', () => {
  const settle = (...versions: string[]) => {
    const { settings } = policyOf({ deny: ['pkg:pypi/flask@<3.2'] })
    const verdicts = verdictsOf({ settings, subject: subject('pypi/flask'), now: NOW })
    for (const version of versions) verdicts.allows(version, undefined)
    verdicts.settle()
  }

  it('is refused as a whole, and not as its oldest version, which nobody asked for', () => {
    expect(() => settle('0.1', '3.0', '3.1.3')).toThrow(
      'no version of pkg:pypi/flask is let through: pkg:pypi/flask@3.1.3 is denied by the rule pkg:pypi/flask@<3.2 (policy.deny)',
    )
    expect(() => settle('0.1')).toThrow(/^pkg:pypi\/flask@0\.1 is denied by the rule/)
    expect(() => settle('0.1', '3.2')).not.toThrow()
    expect(() => settle()).not.toThrow()
  })
})
