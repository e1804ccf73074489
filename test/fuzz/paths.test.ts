import { expect, test } from 'vitest'
import { Mounts } from '../../node/http/mounts.ts'
import { npm } from '../../protocols/npm/index.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { artifact, face } from '../node/http/fixture.ts'
import { answersIn, exchangeBytes, inParallel } from './wire.ts'

useLeakCheck()

const CASES = 20_000
/** Targets that are sent over one connection. */
const BATCH = 20

/** A base below the root of its host: whatever leads above it would reach somebody else's registry. */
const BASE = 'https://registry.example.test/group/npm/'

const DOTS = [
  '..',
  '.',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '%252e%252e',
  '%c0%ae%c0%ae',
  '%u002e',
  '...',
  '..;',
  '..%00',
  '%ef%bc%8e',
  '. .',
  '..%20',
]
const SLASHES = [
  '/',
  '/',
  '/',
  '//',
  '%2f',
  '%2F',
  '%252f',
  '\\',
  '%5c',
  '%5C',
  '%c0%af',
  '/./',
  ';/',
  '%2f%2f',
  '\xef\xbc\x8f',
]
const NAMES = [
  'lodash',
  '@s',
  '@s%2fp',
  '-',
  'a-1.0.0.tgz',
  '1.0.0',
  'latest',
  'admin',
  'etc',
  'passwd',
  'v1',
  'status',
  '__proto__',
  '%00',
  '%0d%0a',
  '%',
  '%zz',
  '%e9',
  '\xe9',
  '@',
  '~',
  ' ',
  'x'.repeat(300),
]
const SUFFIXES = ['', '', '', '?', '?x=/../', '?../..', '#', '#/..', '?%00', '/.', '/..', '%3f', '%23']
const FIXED = [
  '-/v1/search?text=../..',
  '-/package/a/dist-tags',
  '-/package/../dist-tags',
  '-/npm/v1/keys',
  '-/npm/v1/attestations/a@1.0.0',
  '-/npm/v1/attestations/../../x@1.0.0',
  'lodash/-/lodash-1.0.0.tgz',
  '@s/p/-/p-1.0.0.tgz',
]
const ORIGINS = [
  '',
  '',
  '',
  '',
  'http://localhost',
  'HTTP://LOCALHOST:80',
  'http://localhost/..',
  'http://evil.example.test',
  'https://localhost',
  'http://localhost@evil.example.test',
  '//evil.example.test',
  'file://',
]
const MOUNTS = [
  '/npm/',
  '/npm/',
  '/npm/',
  '/npm/',
  '/npm',
  '/npm/../npm/',
  '/%6epm/',
  '//npm/',
  '/./npm/',
  '/npm%2f',
  '/npm\\',
  '/-/npm/v1/attestations/',
  '/',
  '/admin/',
]

function targetOf(random: Random): string {
  const pick = (choices: readonly string[]) => choices[random.between(0, choices.length - 1)] as string
  let path = random.next() < 0.3 ? pick(FIXED) : ''
  for (let parts = random.between(0, 6); parts > 0; parts--)
    path += random.next() < 0.4 ? pick(DOTS) + pick(SLASHES) : pick(NAMES) + pick(SLASHES)
  if (random.next() < 0.02) path += '/..'.repeat(random.between(100, 3_000))
  return pick(ORIGINS) + pick(MOUNTS) + path + pick(SUFFIXES)
}

test(`${CASES} tricky targets over the wire: none reaches outside the upstream’s base`, async () => {
  const seed = Date.now() >>> 0
  const random = new Random(seed)
  const urls = new Set<string>()
  const node = await face({
    find: ({ url, base }) => {
      expect(base).toBe(BASE)
      urls.add(url)
      return artifact(Buffer.from('artifact'))
    },
    upstream: ({ url }) => {
      urls.add(url)
      return { body: 'ok' }
    },
  })
  node.door.mounts = new Mounts([{ mirror: { name: 'npm', path: '/npm/', upstreams: [BASE] }, protocol: npm }])
  const port = Number(new URL(node.origin).port)
  const statuses = new Map<number, number>()
  const batches = Array.from({ length: CASES / BATCH }, () => Array.from({ length: BATCH }, () => targetOf(random)))
  await inParallel(batches, async (targets) => {
    // What the parser itself refuses ends the connection, and would take along what stands behind it.
    const taken = targets.filter((target) => /^[!-~]+$/.test(target))
    const refused = targets.filter((target) => !taken.includes(target))
    const request = (target: string) => `GET ${target} HTTP/1.1\r\nhost: localhost\r\n\r\n`
    const answers = await Promise.all(
      [taken.map(request).join(''), ...refused.map(request)].map((bytes) => exchangeBytes(port, Buffer.from(bytes, 'latin1'))),
    )
    for (const { status } of answers.flatMap((received) => answersIn(received)))
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    for (const url of urls) {
      const { href, pathname, hash } = new URL(url)
      const inside = url.startsWith(BASE) && href === url && hash === ''
      const decoded = decodeURIComponent(pathname.slice(new URL(BASE).pathname.length))
      const clean =
        !/[\\\0\s%]/.test(decoded) && decoded.split('/').every((part) => part !== '..' && part !== '.' && part !== '')
      if (!inside || !clean) throw new Error(`seed ${seed}: ${url} was asked for by one of ${JSON.stringify(targets)}`)
    }
    urls.clear()
  })
  expect(statuses.get(500)).toBeUndefined()
  for (const status of [200, 400, 404, 421]) expect(statuses.get(status)).toBeGreaterThan(50)
  expect(node.told.filter((told) => 'bug' in told)).toEqual([])
})
