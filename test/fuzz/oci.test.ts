import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Plan } from '../../node/cache/plan.ts'
import type { WarrenError } from '../../node/errors.ts'
import { oci } from '../../protocols/oci/index.ts'
import type { Mirror } from '../../protocols/protocol.ts'
import { CASES, checkNamed, checkPlainPath, checkPlan, HOSTILE, joined, runTargets } from './targets.ts'

const SEED = 20_261_129

/** One below a path of its host: whatever leads above it would reach somebody else's repositories. */
const DEEP = 'https://host.example.test/artifactory/api/docker/x/'
const mirrors: readonly Mirror[] = [
  { name: 'docker-hub', path: '/v2/', registry: 'docker.io', upstreams: ['https://registry-1.docker.io/', DEEP] },
  { name: 'quay', path: '/v2/', registry: 'quay.io', upstreams: ['https://quay.io/'] },
  { name: 'corp', path: '/mirror/corp/', registry: 'localhost:5000', upstreams: ['http://127.0.0.1:5000/'] },
]
const onDemand: Mirror = { name: 'on-demand', path: '/v2/', registry: '*', upstreams: [] }
const BASES = new Set(mirrors.flatMap(({ upstreams }) => upstreams))

const DIGEST = `sha256:${'0a'.repeat(32)}`
const USUAL = [
  '/',
  '/',
  '/',
  'library/x',
  'a',
  'a__b',
  'manifests',
  'blobs',
  'tags/list',
  'referrers',
  'latest',
  'v2',
  'quay.io',
  'docker.io',
  'localhost:5000',
  'localhost%3A5000',
  'mirror/corp',
  'evil.example.test',
  ':',
  DIGEST,
  DIGEST.replace(':', '%3A'),
  DIGEST.replace(':', '-'),
]
const STARTS = [
  '/v2/',
  '/v2/',
  '/v2/',
  '/v2/quay.io/',
  '/quay.io/v2/',
  '/mirror/corp/',
  '/v2/mirror/corp/',
  '/mirror/corp/v2/',
  '/',
]
const ENDS = ['/manifests/latest', `/manifests/${DIGEST}`, `/blobs/${DIGEST}`, '/tags/list', `/referrers/${DIGEST}`, '', '/']
const QUERIES = [
  '',
  '',
  '?',
  '?ns=',
  '?ns=docker.io',
  '?ns=QUAY.io',
  '?ns=localhost%3A5000',
  '?ns=evil.example.test',
  '?ns=Evil.example.test',
  '?x&ns=evil%2Eexample.test',
  '?ns=evil.example.test:8443&n=2',
  '?ns=10.0.0.1',
  '?ns=localhost',
  '?ns=a&ns=b',
  '?ns=%0d%0aX-Evil:1',
  '?ns=evil.example.test/path',
  '?ns=user@evil.example.test',
  '?n=2&last=b',
  '?n=0',
  '?n=-1',
  '?last=..%2f..%2fadmin',
  '?last=%00%0d%0a',
  '?artifactType=a%2Fb%2Bc',
  '?#',
  '?%',
]

const middle = fc.oneof(
  joined([...USUAL, ...HOSTILE], 6),
  joined(USUAL, 5),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('library/x', 'a', 'org/app', 'evil.example.test/a'),
)
const path = fc.tuple(fc.constantFrom(...STARTS), middle, fc.constantFrom(...ENDS)).map((parts) => parts.join(''))
const query = fc.oneof(
  fc.constantFrom(...QUERIES),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => `?${text}`),
)
const request = fc.record({
  path: path.filter((text) => !text.includes('?')),
  query,
  method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'DELETE'),
  accept: fc.constantFrom(undefined, '*/*', 'application/vnd.oci.image.index.v1+json', '"', ';;,q=', 'é'),
  on: fc.constantFrom(mirrors, [...mirrors, onDemand]),
})

interface Made {
  readonly plans: readonly Plan[]
  readonly fields: Readonly<Record<string, string>>
  readonly link: string | undefined
}

/** What comes of a request; undefined where it is none of ours. Throws what the grammar throws. */
function make(
  target: { path: string; query: string },
  method: string,
  accept: string | undefined,
  on: readonly Mirror[],
): Made | undefined {
  const claimed = oci.claim?.(target, on)
  if (!claimed) return undefined
  const asked = { method, target: target.path + target.query, path: claimed.path, query: target.query, headers: { accept } }
  const route = oci.route(asked, claimed.mirror)
  if ('pass' in route) throw new Error('nothing is passed through')
  if ('reply' in route) return { plans: [], fields: route.reply.headers, link: undefined }
  const { plans, fields = {}, link } = route
  const next = `<${new URL(plans[0].url).pathname}?last=z&n=2>; rel="next"`
  return { plans, fields, link: link?.(next) }
}

function checkImagePlan(plan: Plan): void {
  const { url, base } = plan
  checkPlan(plan)
  checkPlainPath(plan)
  const mirror = mirrors.find(({ upstreams }) => upstreams.includes(base))
  if (mirror) checkNamed(plan, oci, mirror)
  expect(url.startsWith(`${base}v2/`)).toBe(true)
  expect(plan.scope).toMatch(/^repository:[a-z0-9/._-]+:pull$/)
  // On demand: a name that the public DNS may have.
  if (!BASES.has(base)) expect(base).toMatch(/^https:\/\/(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*(?::\d+)?\/$/)
}

/** The canonical spelling is one of the same thing. Before `/v2/`, a registry cannot be taken for the beginning of a name. */
function checkKey(plan: Plan, on: readonly Mirror[], accept: string | undefined): void {
  const registry = [...on].find(({ upstreams }) => upstreams.includes(plan.base))?.registry ?? new URL(plan.base).host
  const { pathname, searchParams } = new URL(plan.url)
  searchParams.set('ns', registry)
  const canonical = `/${registry}${pathname.slice(pathname.indexOf('/v2/'))}`
  const again = make({ path: canonical, query: `?${searchParams}` }, 'GET', accept, on)
  expect(again?.plans.map(({ key }) => key)).toContain(plan.key)
}

function checkError(error: WarrenError, path: string): void {
  const { contentType, body } = oci.formatError(error, path)
  expect(contentType).toBe('application/json')
  const [{ code, message }] = (JSON.parse(body) as { errors: [{ code: string; message: string }] }).errors
  expect(code).toMatch(/^[A-Z_]+$/)
  expect(message).not.toMatch(/[\r\n]/)
}

test(`${CASES} targets: each is refused in the clients’ form, or leads below an upstream`, () => {
  const seen = { planned: 0, links: 0, onDemand: 0, none: 0 }
  const refused = runTargets(request, {
    seed: SEED,
    codes: ['BAD_REQUEST', 'METHOD_NOT_ALLOWED', 'NO_SUCH_MIRROR', 'UPSTREAM_ABSENT'],
    make: ({ path, query, method, accept, on }) => make({ path, query }, method, accept, on),
    checkRefusal: (error, { path }) => checkError(error, path),
    check: (made, { path, method, accept, on }) => {
      if (!made) {
        seen.none++
        return
      }
      expect(['GET', 'HEAD']).toContain(method)
      for (const value of Object.values(made.fields)) expect(value).toMatch(/^[ -~]*$/)
      for (const plan of made.plans) checkImagePlan(plan)
      const [first] = made.plans
      if (first) {
        seen.planned++
        if (!BASES.has(first.base)) seen.onDemand++
        checkKey(first, on, accept)
      }
      if (made.link !== undefined) {
        seen.links++
        expect(made.link).toMatch(/^<\/[^<>"\s]*>; rel="next"$/)
        expect(made.link.slice(1).startsWith(`${path}?`)).toBe(true)
      }
    },
  })
  // It did get everywhere.
  expect(seen.planned).toBeGreaterThan(1000)
  expect(Math.min(seen.links, seen.onDemand, seen.none)).toBeGreaterThan(100)
  for (const code of ['BAD_REQUEST', 'METHOD_NOT_ALLOWED', 'NO_SUCH_MIRROR']) expect(refused.get(code)).toBeGreaterThan(100)
}, 120_000)
