import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isWarrenError, type WarrenError } from '../../node/errors.ts'
import { openConfig, parse as parseConfig } from '../../protocols/cargo/config.ts'
import { crateOffers, parse as parseIndex } from '../../protocols/cargo/crate-index.ts'
import { downloadUrl } from '../../protocols/cargo/download.ts'
import { findRelease } from '../../protocols/cargo/facts.ts'
import { cargo } from '../../protocols/cargo/index.ts'
import { isCrateName } from '../../protocols/cargo/names.ts'
import type { Mirror } from '../../protocols/protocol.ts'
import { CASES, canonicalKeys, checkNamed, checkPlainPath, checkPlan, HOSTILE, joined, runTargets } from './targets.ts'

/** One below a path of its host: whatever leads above it would reach somebody else's registry. */
const DEEP = 'https://host.example.test/artifactory/api/cargo/x/'
const mirror: Mirror = {
  name: 'cargo',
  path: '/cargo/',
  upstreams: ['https://index.example.test/', DEEP],
  routes: [{ pattern: 'corp-*', upstream: DEEP }],
}
const SHA = '0a'.repeat(32)
const OURS = 'http://localhost:7470/cargo/'

const USUAL = [
  'my/cr/mycrate',
  '3/a/abc',
  '1/a',
  '2/ab',
  'co/rp/corp_x',
  'config.json',
  'crates/',
  'MyCrate/',
  'corp-x/',
  '1.0.0/',
  '1.0.0+b.1/',
  '1.0.0%2bb/',
  'download',
  `${SHA}.crate`,
  '/',
]
const path = fc.oneof(
  joined([...USUAL, ...HOSTILE, '{crate}'], 6),
  fc
    .tuple(
      fc.constantFrom('MyCrate', 'a', 'corp_x', 'Corp-x', '..', '1a'),
      fc.constantFrom('1.0.0', '1.0.0+b.1', '1.0.0-rc.1%2Bx', '1', '..'),
      fc.constantFrom('download', `${SHA}.crate`, `${SHA.toUpperCase()}.crate`, 'x'),
    )
    .map((parts) => `crates/${parts.join('/')}`),
  fc.stringMatching(/^[a-z]{2}\/[a-z]{2}\/[a-z_-]{1,6}$/),
  fc.constantFrom(...USUAL),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const request = fc.record({
  path: path.filter((text) => !text.includes('?')),
  query: fc.oneof(
    fc.constant(''),
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => `?${text}`),
  ),
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE'),
})

function checkError(error: WarrenError, asked: string): void {
  const { body } = cargo.formatError(error, `/cargo/${asked}`)
  expect(body.trimEnd()).not.toMatch(/[\r\n]/)
  expect(body.length).toBeLessThanOrEqual(512)
}

test(`${CASES} paths: each is refused in one line, or leads below an upstream that may be asked`, () => {
  const seen = { planned: 0, bound: 0, replies: 0 }
  const refused = runTargets(request, {
    seed: 5,
    codes: ['BAD_REQUEST', 'METHOD_NOT_ALLOWED'],
    make: (asked) => cargo.route({ ...asked, headers: {} }, mirror),
    checkRefusal: (error, { path }) => checkError(error, path),
    check: (route, { method }) => {
      expect(['GET', 'HEAD']).toContain(method)
      if (!('plans' in route)) {
        seen.replies++
        return
      }
      route.plans.forEach(checkPlan)
      route.plans.forEach(checkPlainPath)
      for (const plan of route.plans) checkNamed(plan, cargo, mirror)
      for (const plan of route.plans) expect(canonicalKeys(cargo, mirror, plan)).toContain(plan.key)
      seen.planned++
      const isBound = /\/corp[-_]/i.test(route.plans[0].url)
      if (isBound) seen.bound++
      expect(route.plans.map(({ base }) => base)).toEqual(isBound ? [DEEP] : mirror.upstreams)
    },
  })
  // It did get everywhere.
  expect(seen.planned).toBeGreaterThan(1000)
  expect(seen.bound).toBeGreaterThan(100)
  for (const code of ['BAD_REQUEST', 'METHOD_NOT_ALLOWED']) expect(refused.get(code)).toBeGreaterThan(1000)
}, 120_000)

const oddText = fc.oneof(
  fc.constantFrom(
    'MyCrate',
    'mycrate',
    'other',
    '__proto__',
    '1.0.0',
    '1.0.0+b',
    '2.0.0-rc.1',
    SHA,
    SHA.toUpperCase(),
    'default',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const oddValue = fc.oneof(oddText, fc.constantFrom(null, true, false, 1, -0, 1e308), fc.constant([]), fc.constant({}))
const dependency = fc.record(
  { name: oddText, package: oddValue, kind: oddValue, optional: oddValue, registry: oddValue },
  { requiredKeys: [] },
)
const features = fc.dictionary(oddText, fc.oneof(oddValue, fc.array(oddValue, { maxLength: 3 })), { maxKeys: 3 })
const indexLine = fc.record(
  {
    name: fc.oneof({ weight: 8, arbitrary: fc.constant('MyCrate') }, { weight: 1, arbitrary: oddValue }),
    vers: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('1.0.0', '1.1.0', '2.0.0+b') }, { weight: 1, arbitrary: oddValue }),
    cksum: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(SHA, 'f'.repeat(64)) }, { weight: 1, arbitrary: oddValue }),
    deps: fc.oneof(fc.array(fc.oneof(dependency, oddValue), { maxLength: 3 }), oddValue),
    features: fc.oneof(features, oddValue),
    yanked: oddValue,
    pubtime: fc.oneof(fc.constant('2025-01-01T00:00:00Z'), oddValue),
  },
  { requiredKeys: ['vers'] },
)
const lineText = fc.oneof(
  { weight: 8, arbitrary: indexLine.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
)
const indexFile = fc
  .tuple(fc.array(lineText, { maxLength: 4 }), fc.constantFrom('\n', '\r\n', '\n\n'), fc.nat(400))
  .map(([lines, end, cut]) => {
    const bytes = Buffer.from(lines.map((line) => line + end).join(''))
    return cut < 350 ? bytes : bytes.subarray(0, Math.max(0, bytes.length - (cut - 350)))
  })

test(`${CASES} index files: what is taken promises nothing that no line says, and whatever offers it can be withheld`, () => {
  let taken = 0
  fc.assert(
    fc.property(indexFile, (bytes) => {
      const left = crateOffers.withhold(bytes, () => false)
      expect(crateOffers.withhold(bytes, () => true)).toBe(bytes)
      // Nothing of what is left is a version of anything.
      expect(() => parseIndex(left)).toThrow()
      let parsed: ReturnType<typeof parseIndex>
      try {
        parsed = parseIndex(bytes)
      } catch (error) {
        expect(isWarrenError(error)).toBe(false)
        return
      }
      taken++
      const { facts, spans } = parsed
      expect([spans, JSON.parse(JSON.stringify(facts))]).toEqual([[], facts])
      expect(facts.dependencies.every(isCrateName)).toBe(true)
      const lines = bytes.toString().split('\n')
      for (const version of ['1.0.0', '1.1.0', '2.0.0+b', '2.0.0-rc.1']) {
        const release = findRelease(facts, version)
        if (!release) continue
        const says = (line: string) => line.includes(`"vers":"${version}"`) && line.toLowerCase().includes(release.sha256)
        expect(lines.some(says)).toBe(true)
      }
    }),
    { numRuns: CASES, seed: 6 },
  )
  expect(taken).toBeGreaterThan(10_000)
}, 240_000)

const dl = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('https://files.example.test/{crate}', 'http://127.0.0.1:1/{prefix}/{sha256-checksum}'),
  },
  { weight: 1, arbitrary: fc.webUrl() },
  { weight: 1, arbitrary: oddValue },
)
const config = fc
  .tuple(
    fc.record({ dl, api: oddValue, 'auth-required': oddValue, more: fc.jsonValue({ maxDepth: 2 }) }, { requiredKeys: [] }),
    fc.constantFrom(undefined, 1, '\t'),
    fc.nat(60),
  )
  .map(([value, space, cut]) => {
    const bytes = Buffer.from(JSON.stringify(value, null, space))
    return cut < 50 ? bytes : bytes.subarray(0, Math.max(0, bytes.length - (cut - 50)))
  })

test(`${CASES} configurations: what is taken leads downloads here, and is the same otherwise`, () => {
  let taken = 0
  fc.assert(
    fc.property(config, (bytes) => {
      let parsed: ReturnType<typeof parseConfig>
      try {
        parsed = parseConfig(bytes)
      } catch (error) {
        expect(isWarrenError(error)).toBe(false)
        return
      }
      taken++
      const [[start, end, suffix] = [0, 0, ''], another] = parsed.spans
      expect(another).toBeUndefined()
      const spliced = Buffer.concat([bytes.subarray(0, start), Buffer.from(OURS + suffix), bytes.subarray(end)])
      const { 'auth-required': _, ...expected } = { ...JSON.parse(bytes.toString()), dl: OURS + suffix }
      expect(JSON.parse(openConfig.render([spliced]).toString())).toEqual(expected)
      const url = downloadUrl(parsed.facts.dl, { name: 'MyCrate', version: '1.0.0+b', sha256: SHA })
      expect(new URL(url).protocol).toMatch(/^https?:$/)
    }),
    { numRuns: CASES, seed: 7 },
  )
  expect(taken).toBeGreaterThan(10_000)
}, 240_000)
