import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Mirror } from '../../protocols/protocol.ts'
import { findChecksum, parseChecksums } from '../../protocols/raw/checksums.ts'
import { raw } from '../../protocols/raw/index.ts'
import { findPackage, parsePackages } from '../../protocols/raw/packages.ts'
import { allListed, findListed, parseRelease } from '../../protocols/raw/release.ts'
import { CASES, checkNamed, checkPlan, HOSTILE, runTargets } from './targets.ts'

const PACKED_CASES = 3_000
const SEED = 20_261_129

/** Below a path of its host: whatever leads above it would reach somebody else's files. */
const BASES = ['https://files.example.test/group/base/', 'http://127.0.0.1:8081/']
const HEX = '0a'.repeat(32)
const mirror: Mirror = {
  name: 'files',
  path: '/raw/files/',
  upstreams: BASES,
  immutable: ['v1*', '*.jar', '*'.repeat(30)],
  mutable: ['*latest*', '__proto__'],
  pins: { 'v1/pinned.zip': { algorithm: 'sha256', hex: HEX } },
}

const PARTS = [
  ...HOSTILE,
  ...['/', '/', '/', '/', '/', '%20', '+', '..;', ';x', '%3b'],
  ...[
    'dists',
    'dists/stable',
    'InRelease',
    'Release',
    'Release.gpg',
    'main/binary-amd64',
    'Packages.xz',
    'by-hash/SHA256',
    HEX,
    'updates',
  ],
  ...[
    'pool',
    'pool/main/h/hello/hello_1_amd64.deb',
    '_1_amd64.deb',
    'v1',
    'pinned.zip',
    'latest',
    'a.jar',
    'SHA256SUMS',
    '.sha256',
    '你',
  ],
  'constructor',
]
const paths = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PARTS) }, fc.string({ maxLength: 6 })), {
  maxLength: 9,
})
const queries = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  fc.constantFrom('?', '?x=/../', '?../..', '?#', '?%00', '?\r\n', '?é', `?${'x'.repeat(3000)}`, '?a=\'<>"', '??'),
)

const request = fc.record({
  path: fc.tuple(paths, fc.constantFrom('/', '')).map(([parts, joint]) => parts.join(joint)),
  query: queries,
})

test(`${CASES} paths lead below the base of their mirror, or are refused`, () => {
  let planned = 0
  const refused = runTargets(request, {
    seed: SEED,
    codes: ['BAD_REQUEST'],
    make: ({ path, query }) => raw.route({ method: 'GET', path, query, headers: {} }, mirror),
    checkRefusal: (error, { path }) => expect(raw.formatError(error, path).body).toMatch(/^[ -~«»…]+\n$/),
    check: (route) => {
      if (!('plans' in route)) throw new Error('everything is planned')
      expect(route.plans.map(({ base }) => base)).toEqual(BASES)
      for (const plan of route.plans) {
        checkPlan(plan)
        checkNamed(plan, raw, mirror)
        const below = decodeURIComponent(new URL(plan.url).pathname.slice(new URL(plan.base).pathname.length))
        const segments = below.replace(/\/$/, '').split('/')
        const steps = segments.filter((one) => ['.', '..', ''].includes(one.split(';', 1)[0] as string))
        expect(steps).toEqual(below === '' ? [''] : [])
        expect(/[\\\0\r\n%]/.test(below)).toBe(false)
      }
      planned++
    },
  })
  expect(Math.min(planned, refused.get('BAD_REQUEST') ?? 0)).toBeGreaterThan(CASES / 20)
})

const LINES = [
  ...[
    'SHA256:',
    'SHA512:',
    'MD5Sum:',
    ` ${HEX} 5 main/x`,
    ` ${HEX}${HEX} 5 main/x`,
    `${HEX}  a`,
    `SHA256 (a) = ${HEX}`,
    HEX,
    '',
  ],
  ...[
    'Package: a',
    'Filename: pool/a',
    'Filename: ./../a',
    `SHA256: ${HEX}`,
    'Directory: .',
    'Checksums-Sha256:',
    ' \t',
    '\r',
    '\0',
    '__proto__: x',
  ],
]
const texts = fc
  .array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...LINES) }, fc.string({ unit: 'binary', maxLength: 30 })), {
    maxLength: 12,
  })
  .map((lines) => lines.join('\n'))
const documents = fc.oneof(
  texts.map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
)

test(`${CASES} documents are read or refused`, () => {
  const counts = { release: 0, checksums: 0, refused: 0 }
  fc.assert(
    fc.property(documents, (bytes) => {
      try {
        const { facts } = parseRelease(bytes)
        for (const { path, digests } of allListed(facts, () => true)) {
          expect(findListed(facts, path)?.digests).toEqual(digests)
          expect(digests.every(({ hex }) => /^[0-9a-f]+$/.test(hex))).toBe(true)
        }
        counts.release++
      } catch (error) {
        expect((error as Error).message).toMatch(/^a release file /)
      }
      try {
        const { facts } = parseChecksums(bytes)
        const found = findChecksum(facts, 'a', true)
        if (found) expect(found.hex).toMatch(/^[0-9a-f]{64}$/)
        counts.checksums++
      } catch (error) {
        expect((error as Error).message).toMatch(/^(?:a file with checksums is UTF-8|it has )/)
        counts.refused++
      }
    }),
    { numRuns: CASES, seed: SEED },
  )
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(CASES / 100)
})

test(`${CASES} lists of packages, some of them packed and broken, are read as far as they can be`, {
  timeout: 120_000,
}, async () => {
  let listed = 0
  const check = async (bytes: Buffer) => {
    const { facts } = await parsePackages(bytes)
    expect(facts.files.length % 56).toBe(0)
    const digest = findPackage(facts, 'pool/a')
    if (digest) expect(digest.hex).toMatch(/^[0-9a-f]{64}$/)
    if (facts.files !== '') listed++
  }
  await fc.assert(fc.asyncProperty(documents, check), { numRuns: CASES, seed: SEED })
  const packed = fc.tuple(texts, fc.nat(), fc.nat({ max: 255 })).map(([text, at, value]) => {
    const bytes = gzipSync(text)
    bytes[at % bytes.length] = value
    return bytes
  })
  await fc.assert(fc.asyncProperty(packed, check), { numRuns: PACKED_CASES, seed: SEED })
  const xz = fc
    .uint8Array({ maxLength: 60 })
    .map((rest) => Buffer.concat([Buffer.from('fd377a585a000004e6d6b446', 'hex'), rest]))
  await fc.assert(fc.asyncProperty(xz, check), { numRuns: 300, seed: SEED })
  expect(listed).toBeGreaterThan(CASES / 100)
})
