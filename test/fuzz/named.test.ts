import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cacheKey, type Plan } from '../../node/cache/plan.ts'
import { replan } from '../../node/cache/replan.ts'
import { protocols } from '../../protocols/index.ts'
import type { Mirror } from '../../protocols/protocol.ts'
import { checkPlan, HOSTILE } from './targets.ts'

const SEED = 20_260_101
const CASES = 20_000

/** One below a path of its host: whatever leads above it would reach somebody else's registry. */
const DEEP = 'https://host.example.test/group/simple/'
/** Of bound names only. */
const CORP = 'https://corp.example.test/'
const HEX = 'ab'.repeat(32)

interface Target {
  readonly settings?: Partial<Mirror>
  /** Bound to `CORP`. */
  readonly pattern: string
  /** Paths of keys that the grammar makes, with the variant behind them; `corp` is in those of what is bound. */
  readonly made: readonly (readonly [path: string, variant?: string])[]
}

const TARGETS: Readonly<Record<string, Target>> = {
  npm: {
    pattern: '@corp/*',
    made: [
      ['@s%2fp', 'full'],
      ['left-pad', 'abbreviated'],
      ['left-pad/%5E1.0.0'],
      ['@corp/x/-/x-1.0.0.tgz'],
      ['-/npm/v1/attestations/@corp%2fx@1.0.0'],
    ],
  },
  oci: {
    settings: { registry: 'images.example.test' },
    pattern: 'corp',
    made: [
      ['v2/corp/app/manifests/latest', 'application/vnd.oci.image.index.v1+json'],
      ['v2/app/manifests/latest'],
      [`v2/app/blobs/sha256:${HEX}`],
      ['v2/app/tags/list?last=a%2Fb&n=2'],
      [`v2/corp/app/referrers/sha256:${HEX}`],
    ],
  },
  pypi: {
    pattern: 'corp-*',
    made: [
      ['corp-tool/'],
      [`files/foo/${HEX}/foo-1.0-py3-none-any.whl`, 'metadata'],
      [`files/foo/${HEX}/foo-1.0-py3-none-any.whl`],
      ['files/foo/-/foo-1.0.zip.asc'],
      ['../pypi/foo/1.0/json'],
    ],
  },
  maven: {
    pattern: 'com.corp',
    made: [
      ['com/corp/lib/1.0/lib-1.0.jar'],
      ['org/lib/1+0/lib-1+0.pom.sha1'],
      ['org/lib/maven-metadata.xml'],
      ['org/lib/2.0-SNAPSHOT/'],
      ['org/x%20y/1.0/jars/x%20y.jar'],
    ],
  },
  go: {
    settings: { sumdb: 'off' },
    pattern: 'git.corp.test',
    made: [
      ['git.corp.test/!big/@v/v1.0.0.zip', 'sumdb-off'],
      ['ex.test/a/@v/v1.0.0.mod', 'cached-only sumdb-off'],
      ['ex.test/a/@v/list'],
      ['ex.test/a/@latest', 'cached-only'],
    ],
  },
  cargo: {
    pattern: 'corp-*',
    made: [['config.json'], ['co/rp/corp-tool'], ['crates/Serde/1.0.0/download'], [`crates/serde/1.0.0+x/${HEX}.crate`]],
  },
  raw: {
    settings: { immutable: ['v1/*'], pins: { 'pinned.iso': { algorithm: 'sha256', hex: HEX } } },
    pattern: 'corp/*',
    made: [
      ['dists//InRelease/stable'],
      ['corp/dists//Release.gpg/buster/updates'],
      ['v1/tool.tgz.sha256', 'checksums'],
      ['v1/%E4%BD%A0%2B.tgz?x=%22'],
      ['pinned.iso', `sha256:${HEX}`],
      [`dists/stable/main/binary-amd64/by-hash/SHA256/${HEX}`],
      [''],
    ],
  },
}

const mounted = protocols.map((protocol) => {
  const { settings, pattern = '' } = TARGETS[protocol.name] ?? {}
  const { levels } = protocol.names ?? {}
  const routes = [{ pattern, upstream: CORP, ...(levels === undefined ? {} : { levels }) }]
  const mirror: Mirror = { name: protocol.name, path: `/${protocol.name}/`, upstreams: [DEEP], routes, ...settings }
  return { protocol, mirror }
})

const ALL = Object.entries(TARGETS).flatMap(([ecosystem, { made }]) =>
  made.map(([path, variant = '']) => ({ ecosystem, base: /corp/.test(path) ? CORP : DEEP, path, variant })),
)
const BASES = [
  DEEP,
  CORP,
  'https://evil.example.test/',
  'https://host.example.test/',
  `${DEEP}../`,
  DEEP.toUpperCase(),
  '',
  '/',
]
const PIECES = [
  ...HOSTILE,
  ...'%2F %2e %20 ? & = + ~ ! A z 0 / . - _ @ corp full dists// ../ files/ v2/ sumdb/'.split(' '),
  '\n',
  '\t',
]

interface Twist {
  readonly part: 'base' | 'path' | 'variant' | 'partition' | 'ecosystem' | 'key'
  readonly at: number
  readonly taken: number
  readonly put: string
}

const twist: fc.Arbitrary<Twist> = fc.record({
  part: fc.constantFrom('base', 'path', 'path', 'path', 'path', 'variant', 'partition', 'ecosystem', 'key'),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  taken: fc.constantFrom(0, 0, 0, 1, 2, 5),
  put: fc.oneof(fc.constantFrom(...PIECES, ''), fc.constantFrom(...BASES), fc.string({ unit: 'binary', maxLength: 5 })),
})

const named = fc.record({
  parts: fc.constantFrom(...ALL),
  ecosystem: rarely(Object.keys(TARGETS)),
  base: rarely(BASES),
  twists: fc.array(twist, { maxLength: 3 }),
})

function rarely(other: readonly string[]): fc.Arbitrary<string | undefined> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...other) })
}

function twisted(text: string, { at, taken, put }: Twist): string {
  const start = Math.round(at * text.length)
  return text.slice(0, start) + put + text.slice(start + taken)
}

/** Nothing of a key goes into a request but what the grammar itself would ask. */
function check(plan: Plan, key: string): void {
  const [ecosystem, base, path = ''] = key.split('\n')
  expect([plan.key, plan.ecosystem, plan.base]).toEqual([key, ecosystem, base])
  expect([DEEP, CORP]).toContain(base)
  // The older API of an index is beside the simple one.
  if (path.startsWith('../')) expect(plan.url).toBe(`https://host.example.test/group/${path.slice('../'.length)}`)
  else checkPlan(plan)
  const { pathname, search } = new URL(plan.url)
  expect(decodeURIComponent(pathname)).not.toMatch(/(?:^|\/)\.{1,2}(?:\/|;|$)|[\p{Cc}\\%?#]|\/\//u)
  expect(search === '' || ecosystem === 'oci' || ecosystem === 'raw').toBe(true)
  for (const value of Object.values(plan.headers ?? {})) expect(value).toMatch(/^[a-z0-9 .,;=+*/-]{1,600}$/)
}

test('the real keys are planned', () => {
  const planned = ALL.map((parts) => [cacheKey(parts), replan(cacheKey(parts), mounted)?.key])
  expect(planned).toEqual(planned.map(([key]) => [key, key]))
})

test(`${CASES} hostile keys: each is planned by nobody, or as the grammar itself does`, () => {
  const seen = { planned: 0, refused: 0 }
  fc.assert(
    fc.property(named, ({ parts, ecosystem = parts.ecosystem, base = parts.base, twists }) => {
      let all = { ...parts, ecosystem, base, partition: '' }
      for (const one of twists) if (one.part !== 'key') all = { ...all, [one.part]: twisted(all[one.part], one) }
      let key = cacheKey(all)
      for (const one of twists) if (one.part === 'key') key = twisted(key, one)
      const plan = replan(key, mounted)
      if (plan) check(plan, key)
      seen[plan ? 'planned' : 'refused']++
    }),
    { numRuns: CASES, seed: SEED },
  )
  expect(Math.min(seen.planned, seen.refused)).toBeGreaterThan(CASES / 20)
})
