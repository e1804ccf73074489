import { describe, expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { load, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()
const DAY = 86_400_000

test('nothing is said of packages where nobody says it', () => {
  expect(load().config.policy).toEqual({ allow: [], deny: [], minimumAge: { default: 0 }, minimumAgeExceptions: [] })
})

test('rules and ages are read from the file', () => {
  const text = [
    'policy:',
    '  allow: pkg:npm/*',
    '  deny: ["pkg:npm/left-pad@<1.3.0", "pkg:maven/a.b/c@>=2.0,<2.17.1"]',
    '  minimumAge: { default: 3d, npm: 12h, cargo: 0 }',
    '  minimumAgeExceptions: ["pkg:npm/%40corp/*"]',
  ].join('\n')
  expect(loadText(folders.create(), text).config.policy).toEqual({
    allow: ['pkg:npm/*'],
    deny: ['pkg:npm/left-pad@<1.3.0', 'pkg:maven/a.b/c@>=2.0,<2.17.1'],
    minimumAge: { default: 3 * DAY, npm: DAY / 2, cargo: 0 },
    minimumAgeExceptions: ['pkg:npm/%40corp/*'],
  })
})

test('the environment has them with commas, which ranges have too, or in JSON', () => {
  const rules = ['pkg:maven/a.b/c@>=2.0,<2.17.1', 'pkg:npm/x']
  const byCommas = { WARREN_POLICY_DENY: rules.join(', '), WARREN_POLICY_MINIMUM_AGE: '3d' }
  const byJson = { WARREN_POLICY_DENY: JSON.stringify(rules), WARREN_POLICY_MINIMUM_AGE: '{"npm": "3d"}' }
  expect(load({ env: byCommas }).config.policy).toMatchObject({ deny: rules, minimumAge: { default: 3 * DAY } })
  expect(load({ env: byJson }).config.policy).toMatchObject({ deny: rules, minimumAge: { npm: 3 * DAY } })
})

describe('a mistake is told with its place and what would be right', () => {
  test.each([
    [
      'policy: { deny: [left-pad] }',
      'config.yaml:1:18: policy.deny[0] is "left-pad", but must be a package URL with * for any characters',
    ],
    [
      'policy:\n  deny:\n    - pkg:npm/x\n    - pkg:gem/x',
      'config.yaml:4:7: policy.deny[1] is "pkg:gem/x", but must be a package URL of one of the types npm,',
    ],
    [
      'policy: { allow: ["pkg:npm/x@>="] }',
      'what follows the @ is a range of versions of npm, such as >=1.2.0,<2, ^1.2 or 1.2.3',
    ],
    ['policy: { allow: [3] }', 'policy.allow[0] is 3, but must be a package URL in quotes'],
    ['policy: { allow: { npm: x } }', 'policy.allow is {"npm":"x"}, but must be a list of up to 1000 package URLs'],
    [
      'policy: { minimumAge: soon }',
      'policy.minimumAge is "soon", but must be a duration from 0s to 365d, such as 3d, or a group',
    ],
    ['policy: { minimumAge: 366d }', 'policy.minimumAge is "366d", but must be a duration from 0s to 365d'],
    ['policy: { minimumAge: { gem: 3d } }', 'policy.minimumAge.gem is "3d", but must be under one of default, npm, pypi'],
    ['policy: { minimumAge: { npm: long } }', 'policy.minimumAge.npm is "long", but must be a duration from 0s to 365d'],
    ['policy: { denied: [pkg:npm/x] }', 'config.yaml:1:11: there is no setting policy.denied; did you mean policy.deny?'],
  ])('%j', (text, told) => {
    const folder = folders.create()
    expect(problemsOf(() => loadText(folder, `${text}\n`), folder).join('\n')).toContain(told)
  })

  test('in the environment', () => {
    const [problem] = problemsOf(() => load({ env: { WARREN_POLICY_DENY: 'pkg:npm/x, left-pad' } }))
    expect(problem).toContain('WARREN_POLICY_DENY: policy.deny is "pkg:npm/x, left-pad", but must be a package URL')
  })
})
