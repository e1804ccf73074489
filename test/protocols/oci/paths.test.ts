import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CORP, HUB, planFor, refusalOf, SHA256, SHA512 } from './fixtures.ts'

describe('a path', () => {
  test.each([
    ['org/app/manifests/latest', 'org/app/manifests/latest'],
    [`org/app/manifests/${SHA256}`, `org/app/manifests/${SHA256}`],
    [`org/app/manifests/${SHA512}`, `org/app/manifests/${SHA512}`],
    [`org/app/blobs/${SHA256}`, `org/app/blobs/${SHA256}`],
    [`org/app/blobs/${SHA512}`, `org/app/blobs/${SHA512}`],
    ['org/app/tags/list', 'org/app/tags/list'],
    [`org/app/referrers/${SHA256}`, `org/app/referrers/${SHA256}`],
    // What cosign and podman look for beside an image.
    [`org/app/manifests/sha256-${'a1'.repeat(32)}.sig`, `org/app/manifests/sha256-${'a1'.repeat(32)}.sig`],
    [`org/app/manifests/sha256-${'a1'.repeat(32)}`, `org/app/manifests/sha256-${'a1'.repeat(32)}`],
    ['a/b/c/d/e/manifests/_', 'a/b/c/d/e/manifests/_'],
    ['a-b/c__d/e--f/g.h/manifests/V1.0_rc-1', 'a-b/c__d/e--f/g.h/manifests/V1.0_rc-1'],
    // Names may be called like what stands behind them.
    ['manifests/blobs/manifests/tags', 'manifests/blobs/manifests/tags'],
    ['tags/list/tags/list', 'tags/list/tags/list'],
    [`blobs/manifests/blobs/${SHA256}`, `blobs/manifests/blobs/${SHA256}`],
  ])('«%s» is understood', (path, upstream) => {
    expect(planFor(`/v2/${path}`).url).toBe(`${HUB}v2/${upstream}`)
  })

  test('takes names of 255 characters with all separators, and tags of 128', () => {
    const name = `${'a__b--c.d/'.repeat(25)}${'e'.repeat(5)}`
    expect(name.length).toBe(255)
    const tag = `_${'.-'.repeat(63)}9`
    expect(tag.length).toBe(128)
    expect(planFor(`/v2/${name}/manifests/${tag}`).url).toBe(`${HUB}v2/${name}/manifests/${tag}`)
    expect(refusalOf(`/v2/${name}e/manifests/latest`)).toEqual({ status: 400, code: 'NAME_INVALID' })
  })

  test.each([
    ['Org/app/manifests/latest', 'NAME_INVALID'],
    ['org/app_/manifests/latest', 'NAME_INVALID'],
    ['org/a___b/manifests/latest', 'NAME_INVALID'],
    ['org/a..b/manifests/latest', 'NAME_INVALID'],
    ['org//app/manifests/latest', 'NAME_INVALID'],
    ['org/../app/manifests/latest', 'NAME_INVALID'],
    ['org/%2e%2e/app/manifests/latest', 'NAME_INVALID'],
    ['../manifests/latest', 'NAME_INVALID'],
    ['org/app@x/manifests/latest', 'NAME_INVALID'],
    [`Org/app/blobs/${SHA256}`, 'NAME_INVALID'],
    ['Org/app/tags/list', 'NAME_INVALID'],
    ['org/app/manifests/sha256:abc', 'DIGEST_INVALID'],
    [`org/app/manifests/${SHA256.toUpperCase()}`, 'DIGEST_INVALID'],
    [`org/app/manifests/sha384:${'a'.repeat(96)}`, 'DIGEST_INVALID'],
    [`org/app/manifests/md5:${'a'.repeat(32)}`, 'DIGEST_INVALID'],
    [`org/app/manifests/${SHA256}0`, 'DIGEST_INVALID'],
    ['org/app/blobs/latest', 'DIGEST_INVALID'],
    ['org/app/blobs/sha256:', 'DIGEST_INVALID'],
    ['org/app/referrers/latest', 'DIGEST_INVALID'],
  ])('«%s» is refused with %s', (path, code) => {
    expect(refusalOf(`/v2/${path}`)).toEqual({ status: 400, code })
  })

  test.each([
    'org/app/manifests/.hidden',
    'org/app/manifests/-x',
    `org/app/manifests/${'t'.repeat(129)}`,
    'org/app/manifests/a+b',
    'org/app/manifests/..',
    'org/app/manifests/%2e%2e',
  ])('«%s» names no tag that there could be', (path) => {
    expect(refusalOf(`/v2/${path}`).code).toMatch(/^(?:TAG_INVALID|MANIFEST_UNKNOWN)$/)
  })

  test('has no longer query than 4 096 characters, as upstream is asked', () => {
    const asked = (last: string) => `/v2/org/app/tags/list?last=${last}`
    expect(planFor(asked('/'.repeat(1_300))).url).toBe(`${HUB.slice(0, -1)}${asked('%2F'.repeat(1_300))}`)
    expect(refusalOf(asked('/'.repeat(1_400))).status).toBe(400)
    expect(refusalOf(asked('a'.repeat(4_096))).status).toBe(400)
  })

  test.each(['_catalog', 'org/app/blobs/uploads', 'org/app/blobs/uploads/', 'org/app/blobs/uploads/5af1'])(
    '«%s» is for what is no pull',
    (path) => {
      expect(refusalOf(`/v2/${path}`)).toEqual({ status: 405, code: 'UNSUPPORTED' })
    },
  )

  test.each([
    'org/app',
    'org/app/manifests',
    'org/app/manifests/',
    'org/app/manifests/latest/',
    'org/app/manifests/a/b',
    'org/app/tags/latest',
    'org/app/tags/list/',
    `manifests/${SHA256}`,
    'org/app/manifests/la%00test',
    'org/app/manifests/la%0d%0aX-Evil:1',
    'org/app/manifests/la%5ctest',
    'org/app/manifests/la%252ftest',
    'org/app/manifests/%25',
    'org/app/manifests/%',
    'org/app/manifests/%zz',
    'org/app/manifests/%ff',
    'org/app/manifests/lä',
    'org/app/manifests/la%3ftest',
    'org/app/manifests/la%23test',
    `org/app/manifests/${'x'.repeat(2000)}`,
    `${'a/'.repeat(1000)}a/manifests/latest`,
  ])('«%s» is refused', (path) => {
    expect([400, 404]).toContain(refusalOf(`/v2/${path}`).status)
  })
})

describe('all spellings of one resource', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:\.|_|__|-)[a-z0-9]{1,6})?$/)
  const name = fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => `a${parts.join('/')}`)
  const rest = fc.constantFrom('manifests/latest', `manifests/${SHA256}`, `blobs/${SHA512}`, 'tags/list', `referrers/${SHA256}`)
  const escapes = fc.array(fc.constantFrom('as it is', 'lower', 'upper'), { minLength: 1, maxLength: 20 })

  function spelt(plain: string, how: readonly string[]): string {
    const characters = [...plain].map((character, i) => {
      const hex = character.charCodeAt(0).toString(16)
      const way = character === '/' ? 'as it is' : how[i % how.length]
      return way === 'as it is' ? character : `%${way === 'upper' ? hex.toUpperCase() : hex}`
    })
    return characters.join('')
  }

  test('have one key', () => {
    fc.assert(
      fc.property(name, rest, escapes, (of, what, how) => {
        const plain = planFor(`/v2/${of}/${what}?ns=docker.io`)
        expect(planFor(`/v2/${spelt(`${of}/${what}`, how)}?ns=docker.io`).key).toBe(plain.key)
        expect(plain.url).toBe(`${HUB}v2/${of}/${what}`)
      }),
      { numRuns: 5000 },
    )
  })

  test('and all ways of naming the registry have one key', () => {
    const keys = [
      '/v2/org/app/manifests/1?ns=corp.example.test:8443',
      '/v2/org/app/manifests/1?ns=corp.example.test%3a8443',
      '/v2/org/app/manifests/1?x=y&ns=CORP.example.test:8443',
      '/v2/corp.example.test:8443/org/app/manifests/1',
      '/v2/corp.example.test%3A8443/org/app/manifests/1',
      '/v2/corp.example.test:8443/org/app/manifests/1?ns=corp.example.test:8443',
      '/corp.example.test:8443/v2/org/app/manifests/1',
      '/mirror/corp/org/app/manifests/1',
      '/mirror/corp/v2/org/app/manifests/1',
      '/v2/mirror/corp/org/app/manifests/1',
      '/v2/mirror/corp/org/app/manifests/1?ns=corp.example.test:8443',
    ].map((target) => planFor(target))
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1)
    expect(keys[0]?.url).toBe(`${CORP}v2/org/app/manifests/1`)
  })
})

test('different resources have different keys', () => {
  const targets = [
    '/v2/a/b/manifests/latest',
    '/v2/a/b/manifests/other',
    `/v2/a/b/manifests/${SHA256}`,
    `/v2/a/b/manifests/${SHA512}`,
    `/v2/a/b/blobs/${SHA256}`,
    `/v2/a/c/blobs/${SHA256}`,
    `/v2/a/b/referrers/${SHA256}`,
    `/v2/a/b/referrers/${SHA256}?artifactType=x/y`,
    '/v2/a/b/tags/list',
    '/v2/a/b/tags/list?n=2',
    '/v2/a/b/tags/list?n=2&last=x',
    '/v2/a/b/manifests/latest?ns=quay.io',
  ]
  expect(new Set(targets.map((target) => planFor(target).key)).size).toBe(targets.length)
})

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'X'.repeat(40)])('%s is not taken by a read cache', (method) => {
  for (const path of ['', 'org/app/blobs/uploads/', 'org/app/manifests/latest', `org/app/blobs/${SHA256}`]) {
    expect(refusalOf(`/v2/${path}`, { method })).toEqual({ status: 405, code: 'UNSUPPORTED' })
  }
})
