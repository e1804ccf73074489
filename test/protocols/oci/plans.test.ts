import { describe, expect, test } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { oci } from '../../../protocols/oci/index.ts'
import { HUB, hub, planFor, planned, QUAY, quay, replyTo, SHA256, SHA512 } from './fixtures.ts'

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const ALL = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST]
const HEX = 'c3'.repeat(32)

const tag = (accept?: string | string[]) =>
  planFor('/v2/library/x/manifests/latest', accept === undefined ? {} : { headers: { accept } })
const types = (plan: Plan) => new Set((plan.headers?.accept ?? '').split(/\s*,\s*/))

describe.each(['manifests', 'blobs'])('%s by digest', (kind) => {
  test.each([SHA256, SHA512])('are kept for ever, and must be what %s says', (digest) => {
    const plan = planFor(`/v2/library/x/${kind}/${digest}`)
    const [algorithm = '', hex = ''] = digest.split(':')
    expect(plan).toMatchObject({
      ecosystem: 'oci',
      mirror: 'docker-hub',
      kind: 'immutable',
      digests: [{ algorithm, hex }],
      guarded: true,
      scope: 'repository:library/x:pull',
      base: HUB,
      url: `${HUB}v2/library/x/${kind}/${digest}`,
    })
    expect(plan.responseHeaders).toMatchObject({
      'docker-content-digest': digest,
      'docker-distribution-api-version': 'registry/2.0',
      'cache-control': 'public, max-age=31536000, immutable',
    })
  })

  test('are the same for every client', () => {
    const target = `/v2/library/x/${kind}/${SHA256}`
    const [one, other] = [planFor(target), planFor(target, { headers: { accept: DOCKER_MANIFEST } })]
    expect([other.key, other.headers]).toEqual([one.key, one.headers])
    // What was not read need not be the same for an answer to be remembered.
    const unread = {
      get accept(): string {
        throw new Error('«accept» was read')
      },
    }
    expect(planFor(target, { headers: unread }).key).toBe(one.key)
  })
})

test('a blob has no type of its own, whatever upstream says', () => {
  const plan = planFor(`/v2/library/x/blobs/${SHA256}`)
  expect(plan.responseHeaders?.['content-type']).toBe('application/octet-stream')
  expect(plan.document).toBeUndefined()
})

test('a manifest has at most 4 MiB', () => {
  expect(planFor(`/v2/library/x/manifests/${SHA256}`).maxBytes).toBe(4 * 1024 * 1024)
})

describe('a tag', () => {
  test('is mutable, and no document itself', () => {
    const plan = tag()
    expect(plan).toMatchObject({ kind: 'mutable', scope: 'repository:library/x:pull' })
    expect(plan.responseHeaders).toMatchObject({ 'cache-control': 'no-cache', vary: 'accept' })
    expect(plan.responseHeaders).toMatchObject({ 'docker-distribution-api-version': 'registry/2.0' })
    expect([plan.document, plan.children, plan.needs, plan.digests, plan.guarded]).toEqual(Array(5).fill(undefined))
    expect(plan.lifetime?.floor).toBeGreaterThan(0)
    expect(plan.lifetime?.cap).toBeLessThanOrEqual(300_000)
  })

  test.each([SHA256, SHA512])('points to the manifest that a request by digest gives: %s', (digest) => {
    const target = tag().pointsTo?.({ 'docker-content-digest': digest })
    const asked = planFor(`/v2/library/x/manifests/${digest}`)
    expect(target).toMatchObject({ key: asked.key, url: asked.url, digests: asked.digests, maxBytes: asked.maxBytes })
    expect(target?.responseHeaders).toEqual(asked.responseHeaders)
    expect(target?.document).toBe(asked.document)
  })

  test.each([
    undefined,
    '',
    'latest',
    'sha256:abc',
    `md5:${'a'.repeat(32)}`,
    `sha384:${'a'.repeat(96)}`,
    `${SHA256}, ${SHA256}`,
  ])('points nowhere when upstream says «%s», until the bytes tell', (told) => {
    const headers = told === undefined ? {} : { 'docker-content-digest': told }
    expect(tag().pointsTo?.(headers)).toBeUndefined()
    expect(tag().pointsTo?.(headers, HEX)?.digests).toEqual([{ algorithm: 'sha256', hex: HEX }])
  })

  test('points where upstream says, whatever the bytes are: the engine compares', () => {
    expect(tag().pointsTo?.({ 'docker-content-digest': SHA512 }, HEX)?.digests?.[0]?.algorithm).toBe('sha512')
  })
})

describe('the forms that a client takes', () => {
  test.each([
    undefined,
    '',
    '*/*',
    'application/*',
    ALL.join(', '),
    [...ALL].reverse().join(','),
    ALL.map((type) => `${type};q=0.5`).join(', '),
    `${ALL.join(', ').toUpperCase()}`,
    // containerd, skopeo
    `${DOCKER_MANIFEST}, ${DOCKER_LIST}, ${OCI_MANIFEST}, ${OCI_INDEX}, */*`,
    `${OCI_MANIFEST}, ${DOCKER_MANIFEST}, application/vnd.docker.distribution.manifest.v1+prettyjws, ${DOCKER_LIST}, ${OCI_INDEX}`,
    // What has come by digest before.
    `${OCI_INDEX}, */*`,
  ])('are all that there are: %j', (accept) => {
    const plan = tag(accept)
    expect(plan.key).toBe(tag().key)
    expect(types(plan)).toEqual(new Set([...ALL, '*/*']))
  })

  test('are one key for several header lines as well', () => {
    expect(tag(ALL).key).toBe(tag().key)
  })

  test.each([
    [DOCKER_MANIFEST, [DOCKER_MANIFEST]],
    [`${DOCKER_MANIFEST}, application/json`, [DOCKER_MANIFEST]],
    [`${DOCKER_MANIFEST},${DOCKER_LIST}`, [DOCKER_MANIFEST, DOCKER_LIST]],
    [`${OCI_MANIFEST}, ${OCI_INDEX};q=0`, [OCI_MANIFEST]],
    [`${OCI_MANIFEST};q=0.9, ${OCI_INDEX};q=0.000`, [OCI_MANIFEST]],
  ])('are kept apart, and upstream is asked for exactly these: %s', (accept, wanted) => {
    const plan = tag(accept)
    expect(plan.key).not.toBe(tag().key)
    expect(types(plan)).toEqual(new Set(wanted))
    // Whatever else it says, and in whatever order.
    const reordered = wanted.toReversed().map((type) => `${type} ; q=0.1`)
    expect(tag(`text/html,${reordered.join(' ,')}`).key).toBe(plan.key)
  })

  test('do not answer one who takes images only with an index that another one brought', () => {
    expect(new Set([tag(), tag(DOCKER_MANIFEST), tag(OCI_MANIFEST), tag(OCI_INDEX)].map(({ key }) => key)).size).toBe(4)
  })

  test('take no time that grows with what else stands in the header', () => {
    const long = `${'"'.repeat(50_000)}, ${OCI_INDEX}`
    expect(() => tag(long)).not.toThrow()
  })
})

describe('the registry that a client names', () => {
  test('is told it back, and nobody else', () => {
    expect(planned('/v2/library/x/manifests/latest?ns=docker.io').fields).toEqual({ 'oci-namespace': 'docker.io' })
    expect(planned('/v2/library/x/manifests/latest').fields).toBeUndefined()
    expect(planned('/v2/docker.io/library/x/manifests/latest').fields).toBeUndefined()
    expect(planned('/v2/library/x/manifests/latest?ns=').fields).toBeUndefined()
  })
})

test.each(['%0d%0aX-Evil:1', 'a%20b', '%C3%A4', '%00', 'quay.io/', 'a&ns=b'])(
  'nothing that is no registry is told back: %s',
  (ns) => {
    const asked = { method: 'GET', path: 'library/x/manifests/latest', query: `?ns=${ns}`, headers: {} }
    for (const path of [asked.path, '', 'library/x/tags/list']) {
      expect(() => oci.route({ ...asked, path }, hub)).toThrow(expect.objectContaining({ code: 'NO_SUCH_MIRROR' }))
    }
  },
)

describe('upstreams', () => {
  test('are asked in their order', () => {
    const on = [{ ...hub, upstreams: ['https://one.example.test/', 'https://two.example.test/path/', HUB] }]
    for (const path of ['manifests/latest', `manifests/${SHA256}`, `blobs/${SHA256}`, 'tags/list']) {
      const bases = planned(`/v2/library/x/${path}`, { on }).plans.map(({ base }) => base)
      expect(bases).toEqual(on[0]?.upstreams)
    }
  })

  test('that lie below a path are asked below it', () => {
    const on = [{ ...hub, upstreams: ['https://one.example.test/hub/'] }]
    const { url } = planFor(`/v2/library/x/blobs/${SHA256}`, { on })
    expect(url).toBe(`https://one.example.test/hub/v2/library/x/blobs/${SHA256}`)
  })

  test('share a key when two mirrors have the same one', () => {
    const twin = [{ ...hub, name: 'other', registry: 'other.example.test' }]
    const plan = planFor('/v2/library/x/manifests/latest?ns=other.example.test', { on: twin })
    expect([plan.mirror, plan.key]).toEqual(['other', planFor('/v2/library/x/manifests/latest').key])
  })

  test('have to be there', () => {
    const on = [{ ...hub, upstreams: [] }]
    expect(() => planFor('/v2/library/x/manifests/latest', { on })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})

describe('a list of tags', () => {
  test('is mutable, keeps its link, and comes in pages', () => {
    const plan = planFor('/v2/library/x/tags/list?n=2&last=b')
    expect(plan).toMatchObject({ kind: 'mutable', scope: 'repository:library/x:pull' })
    expect(plan.keeps).toContain('link')
    expect(plan.responseHeaders).toMatchObject({ 'cache-control': 'no-cache' })
    expect(Object.fromEntries(new URL(plan.url).searchParams)).toEqual({ n: '2', last: 'b' })
  })

  test('has one key whatever the order of the parameters', () => {
    const key = planFor('/v2/library/x/tags/list?n=2&last=b').key
    expect(planFor('/v2/library/x/tags/list?last=b&n=2').key).toBe(key)
    expect(planFor('/v2/library/x/tags/list?last=b&ns=docker.io&n=2').key).toBe(key)
    expect(planFor('/v2/library/x/tags/list?l%61st=b&n=2').key).toBe(key)
  })

  test('takes the page tokens that registries make up', () => {
    const { url } = planFor('/v2/org/app/tags/list?n=50&next_page=gAAAAA%3D%3D&ns=quay.io')
    expect(url.startsWith(`${QUAY}v2/org/app/tags/list?`)).toBe(true)
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({ n: '50', next_page: 'gAAAAA==' })
  })

  test.each(['n=0', 'n=00', 'n=0&last=b', 'last=b&n=0'])('of none is answered at once: %s', (query) => {
    const reply = replyTo(`/v2/library/x/tags/list?${query}`)
    expect(reply.status).toBe(200)
    expect(JSON.parse(reply.body)).toEqual({ name: 'library/x', tags: [] })
    expect(reply.headers['content-type']).toBe('application/json')
    expect(reply.headers.link).toBeUndefined()
  })

  test.each(['n=-1', 'n=two', 'n=1e3', 'n=', 'n=9999999999', 'n=1;drop', `last=${'x'.repeat(5000)}`])(
    'is refused, or is what upstream makes of no such wish: %s',
    (query) => {
      try {
        expect(planFor(`/v2/library/x/tags/list?${query}`).url).toBe(`${HUB}v2/library/x/tags/list`)
      } catch (error) {
        expect(error).toMatchObject({ code: 'BAD_REQUEST' })
      }
    },
  )

  test('brings no line break into the URL', () => {
    let url = ''
    try {
      url = planFor('/v2/library/x/tags/list?last=a%0d%0ab').url
    } catch {}
    expect(url).toMatch(/^[!-~]*$/)
  })
})

describe('referrers', () => {
  const target = `/v2/library/x/referrers/${SHA256}?artifactType=application%2Fvnd.x%2By`

  test('are asked of the API, with the type that is wanted', () => {
    const plan = planFor(target)
    expect(plan.kind).toBe('mutable')
    expect(plan.keeps).toEqual(expect.arrayContaining(['link', 'oci-filters-applied']))
    expect(plan.url.split('?')[0]).toBe(`${HUB}v2/library/x/referrers/${SHA256}`)
    expect(new URL(plan.url).searchParams.get('artifactType')).toBe('application/vnd.x+y')
  })

  test('are looked for under their tag where the registry has no such API, in all forms of it', () => {
    const [, fallback, ...others] = planned(target).plans
    const asTag = planFor(`/v2/library/x/manifests/sha256-${'a1'.repeat(32)}`)
    expect(fallback).toMatchObject({ key: asTag.key, url: asTag.url })
    expect(fallback?.pointsTo).toBeDefined()
    expect(others).toEqual([])
  })

  test('of a sha512 digest have a tag that is legal', () => {
    const [, fallback] = planned(`/v2/library/x/referrers/${SHA512}`).plans
    // The specification cuts it to the length of a tag.
    expect(fallback?.url).toBe(`${HUB}v2/library/x/manifests/${SHA512.replace(':', '-').slice(0, 128)}`)
  })

  test('are asked of each upstream in both ways before the next one', () => {
    const on = [{ ...quay, upstreams: ['https://one.example.test/', 'https://two.example.test/'] }]
    const { plans } = planned(`/v2/a/b/referrers/${SHA256}?ns=quay.io`, { on })
    expect(plans.map(({ url }) => /^https:\/\/(\w+).*\/(referrers|manifests)\//.exec(url)?.slice(1).join(' '))).toEqual([
      'one referrers',
      'one manifests',
      'two referrers',
      'two manifests',
    ])
  })
})
