import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ParsedDocument } from '../../node/cache/plan.ts'
import { isWarrenError } from '../../node/errors.ts'
import type { Mirror } from '../../protocols/protocol.ts'
import { findFiles, type PageFacts } from '../../protocols/pypi/facts.ts'
import { pypi } from '../../protocols/pypi/index.ts'
import { type ModelFile, readModel } from '../../protocols/pypi/model.ts'
import { offersOf } from '../../protocols/pypi/offers.ts'
import { pageParser } from '../../protocols/pypi/page.ts'
import { filesOf, parsePath } from '../../protocols/pypi/paths.ts'
import { renditionOf } from '../../protocols/pypi/renditions.ts'
import { absoluteUrl } from '../../protocols/pypi/urls.ts'
import { CASES, checkNamed, checkPlainPath, checkPlan, HOSTILE, joined, runTargets } from './targets.ts'

const SEED = 20_261_129

/** Below a path of its host: whatever leads above it would reach somebody else's index. */
const BASES = ['https://index.example.test/group/simple/', 'http://10.0.0.1:8080/whl/']
const HERE = 'http://localhost:7470/pypi/'
const SHA = 'ab'.repeat(32)

const USUAL = [
  '/',
  '/',
  '/',
  'simple',
  'files',
  'pypi',
  'foo',
  'Foo.Bar_b',
  'json',
  '-',
  SHA,
  `md5-${'0'.repeat(32)}`,
  'foo-1.0.zip',
  'foo-1.0-py3-none-any.whl',
  '.metadata',
  '.asc',
  '1.0',
]
const STARTS = ['', 'simple/', 'simple/foo', `files/${SHA}/`, `files/foo/${SHA}/`, 'files/foo/-/foo-', 'pypi/']
const ENDS = ['', '/', '/', '-1.0.zip', '-1.0-py3-none-any.whl.metadata', '/json']

const middle = fc.oneof(joined([...USUAL, ...HOSTILE, '?'], 6), joined(USUAL, 4), fc.string({ unit: 'binary', maxLength: 30 }))
const request = fc.record({
  path: fc.tuple(fc.constantFrom(...STARTS), middle, fc.constantFrom(...ENDS)).map((parts) => parts.join('')),
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'POST'),
  accept: fc.constantFrom(
    undefined,
    '*/*',
    'application/vnd.pypi.simple.v1+json',
    'text/html;q=',
    '"',
    ';;,q=',
    'é',
    'image/png',
  ),
})

const LEGACY = /^https:\/\/index\.example\.test\/group\/pypi\/[\w.-]+\/(?:[\w.!+-]+\/)?json$/

const mirror: Mirror = {
  name: 'pypi',
  path: '/pypi/',
  upstreams: BASES,
  routes: [{ pattern: 'corp-*', upstream: BASES[0] }],
}

test(`${CASES} paths: each is refused with what would be right, or leads below an upstream`, () => {
  const seen = { plans: 0, moved: 0, legacy: 0 }
  const refused = runTargets(request, {
    seed: SEED,
    codes: ['BAD_REQUEST', 'METHOD_NOT_ALLOWED', 'UPSTREAM_ABSENT'],
    make: ({ path, method, accept }) => pypi.route({ method, path, query: '', headers: { accept } }, mirror),
    checkRefusal: (error, { path }) => expect(pypi.formatError(error, path).body).toMatch(/^[^\r\n]+\n$/),
    check: (route, { path }) => {
      if ('plans' in route) {
        for (const plan of route.plans) {
          expect(BASES).toContain(plan.base)
          checkPlainPath(plan)
          checkNamed(plan, pypi, mirror)
          // The older API is beside the simple one, on the same host, and nowhere else.
          if (LEGACY.test(plan.url)) seen.legacy++
          else checkPlan(plan)
        }
        seen.plans++
      } else if ('reply' in route && route.reply.status === 301) {
        const target = new URL(route.reply.headers.location ?? '', `${HERE}${path}`)
        expect(target.href).toMatch(/^http:\/\/localhost:7470\/pypi\/simple\/(?:[a-z0-9-]+\/)?$/)
        seen.moved++
      } else expect(route).toMatchObject({ reply: { status: 406 } })
    },
  })
  for (const count of [...Object.values(seen), refused.get('BAD_REQUEST')]) expect(count).toBeGreaterThan(100)
}, 120_000)

const text = fc.oneof(
  fc.constantFrom(
    'foo-1.0.zip',
    'foo-2.0-py3-none-any.whl',
    '../x',
    'a"b',
    "a'b",
    '<b>',
    '&amp;',
    '',
    '\\',
    '\u2028',
    '__proto__',
    'é',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
const url = fc.oneof(
  fc
    .tuple(fc.constantFrom('https://files.example.test/', '../', '//x/', 'http://[', 'javascript:', 'ftp://a/', ''), text)
    .map((parts) => parts.join('')),
  text,
)
const value = fc.oneof(fc.boolean(), text, fc.constant(null), fc.nat(), fc.constant({ sha256: SHA }), fc.constant([]))
const listed = fc.record(
  {
    filename: fc.oneof(fc.constantFrom('foo-1.0.zip', 'foo-2.0-py3-none-any.whl'), text),
    url,
    hashes: fc.oneof(fc.constant({ sha256: SHA }), fc.dictionary(text, text), value),
    'core-metadata': value,
    'dist-info-metadata': value,
    yanked: value,
    'requires-python': value,
    'upload-time': value,
    'gpg-sig': value,
    provenance: value,
  },
  { requiredKeys: ['filename', 'url'] },
)
const jsonPage = fc
  .array(listed, { maxLength: 4 })
  .map((files) => JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'foo', versions: ['1.0', 5], files }))

const quote = fc.constantFrom('"', "'", '')
const attribute = fc.tuple(
  fc.constantFrom('href', 'HREF', 'data-yanked', 'data-core-metadata', 'data-dist-info-metadata', 'data-requires-python', 'x'),
  fc.constantFrom('=', ' = ', '=\n', ''),
  quote,
  fc.oneof(
    url,
    fc.constantFrom(`foo-1.0.zip#sha256=${SHA}`, `../foo-2.0-py3-none-any.whl#md5=${'0'.repeat(32)}`, `sha256=${SHA}`, 'true'),
  ),
)
const tag = fc
  .tuple(
    fc.constantFrom('a', 'a', 'a', 'A', 'base', 'title', 'script', 'h1', '!--', 'meta', '/a', '/script', '/title'),
    fc.array(attribute, { maxLength: 4 }),
    text,
  )
  .map(
    ([name, attributes, inner]) =>
      `<${name} ${attributes.map(([key, is, mark, said]) => `${key}${is}${mark}${said}${mark}`).join(' ')}>${inner}`,
  )
const htmlPage = fc
  .array(fc.oneof(tag, text, fc.constant('</a>'), fc.constant('foo-1.0.zip</a>')), { maxLength: 8 })
  .map((parts) => `<title>Links for foo</title>${parts.join('')}`)

/** A digest or none, and a name, as they can stand in a value of JSON or HTML; what may follow the value. */
const PLACE = /^(?:-|[0-9a-f]{64}|md5-[0-9a-f]{32})\/[\w.!~@()*=,+%-]*(?:#\w+=\w+)?(?:["' ].*)?$/

/** As `expect`, for what is said a million times. */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

/** What is replaced must be in order, and what replaces it must stay in its place. */
function splice(bytes: Buffer, spans: ParsedDocument['spans']): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (const [start, end, suffix] of spans) {
    must(start >= at && end >= start && PLACE.test(suffix), `a span from ${start} to ${end} after ${at}: ${suffix}`)
    parts.push(bytes.subarray(at, start), Buffer.from(HERE + filesOf('foo') + suffix))
    at = end
  }
  must(at <= bytes.length, 'a span beyond the end')
  return Buffer.concat([...parts, bytes.subarray(at)])
}

/** Every file leads to the mirror: to itself, or to an error. */
function checkFile({ filename, url }: ModelFile): void {
  must(url.startsWith(HERE + filesOf('foo')), `${filename} leads to ${url}`)
  try {
    const resource = parsePath(new URL(url).pathname.slice('/pypi/'.length))
    must(resource.kind === 'file' && resource.project === 'foo' && resource.file === filename, `${filename} leads to ${url}`)
  } catch (error) {
    if (!isWarrenError(error, 'BAD_REQUEST')) throw error
  }
}

/** Wherever a page says that a file is, it is fetched from the web, and shows nobody a password. */
function checkPlaces(facts: PageFacts): void {
  for (const { url } of findFiles(facts, 'foo-1.0.zip')) {
    const place = absoluteUrl(url, `${BASES[0]}foo/`, facts)
    must(!place || (/^https?:$/.test(place.protocol) && place.username + place.password === ''), `a file at ${place}`)
  }
}

/** All that is done with a page once it was taken. */
function checkPage(bytes: Buffer, { spans }: ParsedDocument): void {
  const page = splice(bytes, spans)
  const files = readModel(page)
  files.forEach(checkFile)
  for (const form of ['json', 'html'] as const) {
    const made = renditionOf(form, 'foo')?.render([page]) ?? Buffer.alloc(0)
    if (made !== page) must(readModel(made).length <= files.length, `${form} has more files`)
  }
  must(readModel(offersOf('foo').withhold(page, () => false)).length === 0, 'something is left')
}

test(`${CASES} pages: each is refused, or leads to the mirror in all forms`, () => {
  const seen = { taken: 0, files: 0, refused: 0 }
  const damaged = fc
    .tuple(fc.oneof(jsonPage, htmlPage), fc.nat(), fc.nat(255), fc.constantFrom('cut', 'change', 'leave', 'leave'))
    .map(([page, place, byte, how]) => {
      const bytes = Buffer.from(page)
      const at = bytes.length === 0 ? 0 : place % bytes.length
      if (how === 'cut') return bytes.subarray(0, at)
      if (how === 'change') bytes[at] = byte
      return bytes
    })
  fc.assert(
    fc.property(
      fc.oneof(
        { weight: 3, arbitrary: jsonPage.map((page) => Buffer.from(page)) },
        { weight: 3, arbitrary: htmlPage.map((page) => Buffer.from(page)) },
        { weight: 2, arbitrary: damaged },
      ),
      (bytes) => {
        let document: ParsedDocument<PageFacts>
        try {
          document = pageParser.parse(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
          expect(isWarrenError(error)).toBe(false)
          seen.refused++
          return
        }
        checkPage(bytes, document)
        checkPlaces(document.facts)
        seen.files += findFiles(document.facts, 'foo-1.0.zip').length
        seen.taken++
      },
    ),
    { numRuns: CASES, seed: SEED },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(1000)
}, 240_000)
