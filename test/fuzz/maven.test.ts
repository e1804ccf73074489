import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readChecksum } from '../../protocols/maven/checksum.ts'
import { maven } from '../../protocols/maven/index.ts'
import { parse as parseListing } from '../../protocols/maven/listing.ts'
import { mergeMetadata, withhold } from '../../protocols/maven/merge.ts'
import { readMetadata, writeMetadata } from '../../protocols/maven/metadata.ts'
import { CHECKSUMS, parsePath } from '../../protocols/maven/paths.ts'
import type { Mirror } from '../../protocols/protocol.ts'
import { binds } from '../../protocols/sites.ts'
import { CASES, canonicalKeys, checkNamed, checkPlan, HOSTILE, joined, runTargets } from './targets.ts'

const SEED = 20_240_101

/** One below a path of its host: whatever leads above it would reach somebody else's repositories. */
const DEEP = 'https://host.example.test/artifactory/libs/'
const CORP = 'https://corp.example.test/'
const ROUTE = { pattern: 'com.corp', upstream: CORP, levels: '.:' }
const mirrors: readonly Mirror[] = [
  { name: 'one', path: '/maven/one/', upstreams: [DEEP] },
  { name: 'group', path: '/maven/group/', upstreams: [DEEP, 'https://two.example.test/'], routes: [ROUTE] },
]

const USUAL = [
  '/',
  '/',
  '/',
  '/',
  'org',
  'com',
  'corp',
  'com.corp',
  'lib',
  '1.2',
  '1.0+b',
  '1%2B',
  '2.0-SNAPSHOT',
  'lib-1.2.jar',
  'lib-2.0-20240101.010101-7.pom',
  'lib-2.0-SNAPSHOT.jar',
  'jars',
  'scala_2.12',
  'maven-metadata.xml',
  '.sha1',
  '.md5',
  '.asc',
  '~',
  ' ',
  '%20',
  '@',
  ':',
  ';',
  "'",
  '"',
  '<',
  '{',
  '|',
  '^',
  '`',
  '.meta/prefixes.txt',
]

const path = fc.oneof(
  joined([...USUAL, ...HOSTILE, '?'], 10),
  joined(USUAL, 12),
  fc
    .array(fc.constantFrom('org', 'com', 'corp', 'lib', '1.2', 'jars', 'x y', '2-SNAPSHOT'), { minLength: 1, maxLength: 7 })
    .map((parts) => parts.join('/')),
  fc
    .tuple(
      fc.constantFrom('com/corp/', 'org/x/', ''),
      fc.constantFrom('lib/1.2/lib-1.2', 'lib/2-SNAPSHOT/lib-2-20240101.010101-7', 'lib/maven-metadata'),
      fc.constantFrom('.jar', '.xml', '.xml.sha1', '.pom.md5', '.jar.asc.sha512'),
    )
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
)

const request = fc.record({
  text: path,
  mirror: fc.constantFrom(...mirrors),
  method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'PUT'),
})

test(`${CASES} paths: each is refused in the clients’ form, or leads below an upstream that may be asked`, () => {
  const seen = { planned: 0, bound: 0 }
  const refused = runTargets(request, {
    seed: SEED,
    codes: ['BAD_REQUEST', 'METHOD_NOT_ALLOWED', 'UPSTREAM_ABSENT'],
    make: ({ text, mirror, method }) => maven.route({ method, path: text, query: '', headers: {} }, mirror),
    checkRefusal: (error, { text }) => expect(maven.formatError(error, text).body).toMatch(/^[^\r\n]+\n$/),
    check: (route, { text, mirror }) => {
      if (!('plans' in route)) throw new Error('everything is planned')
      seen.planned++
      const decoded = decodeURIComponent(text)
      for (const plan of route.plans) {
        checkPlan(plan)
        checkNamed(plan, maven, mirror)
        expect(decodeURIComponent(plan.url.slice(plan.base.length))).toMatch(/^(?!(?:.*\/)?\.\.?(?:\/|$))[ -~]*$/)
        expect([...mirror.upstreams, CORP]).toContain(plan.base)
      }
      const [first] = route.plans
      expect(canonicalKeys(maven, mirror, first)[0]).toBe(first.key)
      if (mirror.routes && binds(ROUTE, decoded.replaceAll('/', '.')) && !isOfCom(text)) {
        seen.bound++
        expect(route.plans.map(({ base }) => base)).toEqual(route.plans.map(() => CORP))
      }
    },
  })
  // It did get everywhere.
  expect(Math.min(seen.planned, refused.get('BAD_REQUEST') ?? 0)).toBeGreaterThan(10_000)
  expect(seen.bound).toBeGreaterThan(1_000)
}, 120_000)

const TAGS = [
  'metadata',
  'groupId',
  'versioning',
  'versions',
  'version',
  'latest',
  'lastUpdated',
  'snapshotVersions',
  'plugins',
  'plugin',
  '__proto__',
]
const markup = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TAGS.flatMap((tag) => [`<${tag}>`, `</${tag}>`, `<${tag}/>`])) },
  fc.constantFrom(
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '&amp;',
    '&#0;',
    '&lt',
    '<?xml?>',
    '<!DOCTYPE x [',
    '>',
    '<',
    '"',
    '1.0',
    '\0',
    '<a href="1.0/">1</a> 2024-01-01 00:00',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const inner = fc.array(markup, { maxLength: 30 }).map((parts) => parts.join(''))
const document = fc.oneof(
  inner,
  inner.map((text) => `<metadata>${text}</metadata>`),
  inner.map((text) => `<metadata><versioning><versions><version>1</version>${text}</versions></versioning></metadata>`),
)

test(`${CASES} documents: each is refused, or reads the same when it was written, merged or thinned out`, () => {
  const seen = { read: 0, refused: 0, listings: 0, checksums: 0 }
  fc.assert(
    fc.property(document, fc.constantFrom(...CHECKSUMS), (text, algorithm) => {
      const bytes = Buffer.from(text)
      if (outcome(() => parseListing(bytes))) seen.listings++
      if (readChecksum(text, algorithm)) seen.checksums++
      const metadata = outcome(() => readMetadata(bytes))
      if (!metadata) {
        seen.refused++
        return
      }
      seen.read++
      const written = writeMetadata(metadata)
      const again = readMetadata(written)
      expect(writeMetadata(again).equals(written)).toBe(true)
      expect(readMetadata(mergeMetadata([bytes, bytes])).versions).toEqual(
        readMetadata(mergeMetadata([written, written])).versions,
      )
      expect(readMetadata(withhold(bytes, () => false)).versions).toEqual([])
    }),
    { numRuns: CASES, seed: SEED },
  )
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(5_000)
  expect(seen.listings).toBeGreaterThan(1_000)
  expect(seen.checksums).toBe(0)
}, 120_000)

/** An artifact called `corp` of the group `com` has nothing to do with the group `com.corp`. */
function isOfCom(text: string): boolean {
  const resource = parsePath(text)
  const file = resource.kind === 'checksum' ? resource.of : resource
  const { group } = file.kind === 'file' ? file.placed : { group: undefined }
  if (group !== undefined) return group === 'com'
  return file.kind === 'metadata' && file.of.what === 'builds' && file.of.group === 'com'
}

const noise = fc.string({
  unit: fc.constantFrom(' ', '\n', '\r', '\t', 'a', 'F', '0', 'z', ':', '=', '(', ')', '*', '-'),
  maxLength: 150,
})

const hex = fc.oneof(
  ...[0, 31, 32, 33, 40, 41, 57, 64, 121, 128].map((length) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'), minLength: length, maxLength: length }),
  ),
)

test('checksums in any surroundings are read whole or not at all', () => {
  let read = 0
  fc.assert(
    fc.property(noise, hex, noise, fc.constantFrom(...CHECKSUMS), (before, digits, behind, algorithm) => {
      const text = before + digits + behind
      const found = readChecksum(text, algorithm)
      if (!found) return
      read++
      expect(found.algorithm).toBe(algorithm)
      expect(found.hex).toMatch(/^[0-9a-f]+$/)
      expect(found.hex.length).toBe({ md5: 32, sha1: 40, sha256: 64, sha512: 128 }[algorithm])
      // A number that lost zeros at its beginning, and nothing else of it, is that number.
      expect(text.toLowerCase().replace(/\s/g, '')).toContain(found.hex.replace(/^0{1,7}/, ''))
    }),
    { numRuns: 20_000, seed: SEED },
  )
  expect(read).toBeGreaterThan(300)
})

function outcome<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}
