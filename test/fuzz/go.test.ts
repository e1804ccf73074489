import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryStore } from '../../node/store/memory-store.ts'
import { StagedBytes } from '../../node/store/staged-bytes.ts'
import { zipHash1 } from '../../node/zip/digest.ts'
import { headParser } from '../../protocols/go/head.ts'
import { go } from '../../protocols/go/index.ts'
import { infoParser } from '../../protocols/go/info.ts'
import { listParser } from '../../protocols/go/list.ts'
import { recordParser } from '../../protocols/go/record.ts'
import { dataTileParser, tileParser } from '../../protocols/go/tile.ts'
import type { Mirror } from '../../protocols/protocol.ts'
import { GoLog, GoSigner } from '../harness/scripted-go-log.ts'
import { makeZip } from '../harness/scripted-go-zip.ts'
import { CASES, canonicalKeys, checkNamed, checkPlainPath, checkPlan, HOSTILE, joined, runTargets } from './targets.ts'

const SEED = 20_261_129

const NAME = 'sum.example.test'
const signer = new GoSigner(NAME)
/** Below a path of its host: whatever leads above it would reach somebody else's files. */
const DEEP = 'https://host.example.test/artifactory/api/go/x/'
const CORP = 'https://goproxy.corp.test/'
const mirror: Mirror = {
  name: 'go',
  path: '/go/',
  upstreams: [DEEP],
  sumdb: signer.verifier,
  routes: [
    { pattern: 'git.corp.test', upstream: CORP, levels: '/' },
    { pattern: 'secret.test', upstream: undefined, levels: '/' },
  ],
}

const ODD = [...HOSTILE, '?', '!', '!!', '%21', '%2521', '!A', 'A', '+', '%2B', '%20', '~1', 'x000']
const USUAL = [
  '/',
  '/',
  '/',
  '/@v/',
  '/@latest',
  'list',
  'ex.test',
  'git.corp.test',
  'secret.test',
  'a',
  '!big',
  '%21big',
  'v1.0.0',
  'v1',
  'main',
  '.info',
  '.mod',
  '.zip',
  'v2.0.0+incompatible',
  'v0.0.0-20200101000000-abcdefabcdef',
  `sumdb/${NAME}/`,
  'sumdb/other.test/',
  'lookup/',
  'tile/8/',
  '0/',
  'data/',
  'x001/',
  '067',
  '.p/12',
  'supported',
  'latest',
]

const module = fc.constantFrom('ex.test/a', 'git.corp.test/x', 'secret.test/x', 'ex.test/!big/!a', 'ex.test/%21big', 'a')
const version = fc.constantFrom('v1.0.0', 'main', 'v1', 'v2.0.0+incompatible', 'v1.0.0-!r!c', '..')
const path = fc.oneof(
  fc.constantFrom('supported', 'latest', 'tile/8/0/000', 'tile/8/data/000.p/3').map((end) => `sumdb/${NAME}/${end}`),
  joined([...USUAL, ...ODD], 10),
  joined(USUAL, 8),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .tuple(module, version, fc.constantFrom('.info', '.mod', '.zip', ''), fc.constantFrom('', ...ODD))
    .map(([name, at, end, odd]) => `${name}/@v/${at}${end}${odd}`),
  fc.tuple(module, version).map(([name, at]) => `sumdb/${NAME}/lookup/${name}@${at}`),
  fc
    .tuple(fc.nat(40), fc.oneof(fc.nat(70), fc.constant('data')), fc.nat(2_000), fc.nat(300))
    .map(
      ([height, level, number, width]) => `sumdb/${NAME}/tile/${height}/${level}/${String(number).padStart(3, '0')}.p/${width}`,
    ),
)

test(`${CASES} paths: each is refused as text, or leads below the upstream that may have it`, () => {
  const seen = { planned: 0, replies: 0, corp: 0, tiles: 0 }
  const refused = runTargets(path, {
    seed: SEED,
    codes: ['BAD_REQUEST', 'UPSTREAM_ABSENT'],
    make: (asked) => go.route({ method: 'GET', path: asked, query: '', headers: {} }, mirror),
    checkRefusal: (error, asked) => {
      const { contentType, body } = go.formatError(error, asked)
      expect(contentType).toBe('text/plain; charset=utf-8')
      expect(body).toMatch(/^[^\r\n]+\n$/)
    },
    check: (route, asked) => {
      if ('reply' in route) {
        seen.replies++
        return
      }
      if (!('plans' in route)) throw new Error('nothing is passed through')
      const [plan] = route.plans
      expect(route.plans).toHaveLength(1)
      const isCorp = /^(?:git\.corp\.test|sumdb\/[^/]+\/lookup\/git\.corp\.test)(?:\/|@)/.test(decodeURIComponent(asked))
      expect(plan.base).toBe(isCorp ? CORP : DEEP)
      checkPlan(plan)
      checkNamed(plan, go, mirror)
      checkPlainPath(plan)
      expect(plan.url.slice(plan.base.length)).not.toMatch(/^(?:sumdb\/[^/]+\/lookup\/)?secret\.test[/@]/)
      expect(new URL(plan.url).pathname).not.toMatch(/[A-Z]|@.*@v/)
      expect(canonicalKeys(go, mirror, plan)).toEqual([plan.key])
      seen.planned++
      if (isCorp) seen.corp++
      if (plan.url.includes('/tile/')) seen.tiles++
    },
  })
  // It did get everywhere.
  expect(seen.planned).toBeGreaterThan(5_000)
  for (const count of [seen.corp, seen.tiles, seen.replies, ...refused.values()]) expect(count).toBeGreaterThan(50)
  expect(refused.size).toBe(2)
}, 120_000)

const log = new GoLog(signer)
for (let i = 0; i < 10; i++)
  log.add(`ex.test/m${i} v1.0.0 h1:${'A'.repeat(43)}=\nex.test/m${i} v1.0.0/go.mod h1:${'B'.repeat(43)}=\n`)
const GOOD = [
  Buffer.from(log.record(3)),
  Buffer.from(log.head()),
  log.tile('0/000.p/10') ?? Buffer.alloc(32),
  log.tile('data/000.p/10') ?? Buffer.alloc(32),
  Buffer.from('v1.0.0\nv1.1.0 2020-01-01T00:00:00Z\n'),
  Buffer.from('{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}'),
]
/** Good documents with something changed, and any bytes at all. */
const document = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.tuple(fc.constantFrom(...GOOD), fc.nat(), fc.nat(9), fc.uint8Array({ maxLength: 6 })).map(([bytes, at, cut, put]) => {
    const start = at % (bytes.length + 1)
    return Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)])
  }),
)

test(`${CASES} documents: each parser reads them or says why not, and finds nothing that JSON does not keep`, () => {
  const parsers = [recordParser, headParser, tileParser, dataTileParser, listParser, infoParser]
  const read = new Map(parsers.map(({ id }) => [id, 0]))
  fc.assert(
    fc.property(document, (bytes) => {
      for (const parser of parsers) {
        let facts: unknown
        try {
          ;({ facts } = parser.parse(bytes))
        } catch (error) {
          if (!(error instanceof Error)) throw error
          continue
        }
        read.set(parser.id, (read.get(parser.id) ?? 0) + 1)
        expect(JSON.parse(JSON.stringify(facts))).toEqual(facts)
      }
    }),
    { numRuns: CASES, seed: SEED },
  )
  for (const [id, count] of read) expect([id, count > 50]).toEqual([id, true])
}, 240_000)

test('20000 archives: each has an h1 or is refused with a reason', async () => {
  const zip = makeZip([
    { name: 'm@v1.0.0/go.mod', data: 'module m\n', described: 'signed' },
    { name: 'm@v1.0.0/a.go', data: 'package m\n'.repeat(20) },
    { name: 'm@v1.0.0/b', data: 'b', stored: true },
  ])
  const wide = makeZip([{ name: 'm@v1.0.0/go.mod', data: 'module m\n' }], { zip64: true })
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) })
  let whole = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(zip, wide),
      fc.array(change, { maxLength: 3 }),
      fc.nat(3),
      async (original, changes, cut) => {
        const bytes = Buffer.from(original.subarray(0, original.length - (cut === 3 ? 1 : 0)))
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte
        const staging = new MemoryStore().blobs.stage({ algorithms: [] })
        staging.write(bytes)
        const got = await zipHash1(new StagedBytes(staging, { what: 'h1' })).catch((error: unknown) => error)
        if (typeof got === 'string') whole++
        else expect((got as Error).message).toMatch(/./)
      },
    ),
    { numRuns: 20_000, seed: SEED },
  )
  expect(whole).toBeGreaterThan(1_000)
}, 240_000)
