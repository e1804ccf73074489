import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Plan } from '../../../node/cache/plan.ts'
import { parseManifest } from '../../../protocols/oci/manifest.ts'
import { factsOf, HUB, planFor, SHA256, SHA512 } from './fixtures.ts'

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'
const CONFIG = 'application/vnd.oci.image.config.v1+json'

test('the parser is found by its name, in the thread for large documents', async () => {
  const { module = '', exportName = '' } = planFor(`/v2/library/x/manifests/${SHA256}`).document ?? {}
  expect((await import(module))[exportName]).toBe(parseManifest)
})

const plan = planFor(`/v2/library/x/manifests/${SHA256}`)
const digest = (i: number) => `sha256:${i.toString(16).padStart(64, '0')}`
const config = { mediaType: CONFIG, digest: digest(1), size: 100 }
const layer = (i: number, more: object = {}) => ({ mediaType: LAYER, digest: digest(i), size: 1000 + i, ...more })
const image = (more: object = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config,
  layers: [layer(2), layer(3)],
  ...more,
})
const manifest = (i: number, more: object = {}) => ({ mediaType: OCI_MANIFEST, digest: digest(i), size: 500, ...more })
const index = (more: object = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [manifest(4), manifest(5)],
  ...more,
})

/** What a document lets be fetched: paths below the repository, with sizes. */
function named(document: object, of: Plan = plan): [path: string, size: number][] {
  const children = of.children?.(factsOf(document)) ?? []
  return children.map((child) => [child.plan.url.slice(`${HUB}v2/library/x/`.length), child.size])
}

function typeOf(document: object, told?: string): string | undefined {
  return plan.describe?.(factsOf(document), told === undefined ? {} : { 'content-type': told })['content-type']
}

describe('an image', () => {
  test('names its configuration and its layers, and needs all of them', () => {
    expect(named(image())).toEqual([
      [`blobs/${digest(1)}`, 100],
      [`blobs/${digest(2)}`, 1002],
      [`blobs/${digest(3)}`, 1003],
    ])
    expect(plan.needs?.(factsOf(image()))).toBe('all')
  })

  test('names them as they are asked for by anybody', () => {
    const [child] = plan.children?.(factsOf(image())) ?? []
    const asked = planFor(`/v2/library/x/blobs/${digest(1)}`)
    expect(JSON.stringify(child?.plan)).toBe(JSON.stringify(asked))
    expect(child?.plan.key).toBe(asked.key)
  })

  test('names a layer once that it has several times', () => {
    expect(named(image({ layers: [layer(2), layer(3), layer(2)] })).map(([path]) => path)).toEqual([
      `blobs/${digest(1)}`,
      `blobs/${digest(2)}`,
      `blobs/${digest(3)}`,
    ])
  })

  test.each([
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
  ])('does not need what only others may hand out: %s', (mediaType) => {
    const foreign = layer(9, { mediaType, urls: ['https://elsewhere.example.test/layer'] })
    expect(named(image({ layers: [foreign, layer(2)] })).map(([path]) => path)).not.toContain(`blobs/${digest(9)}`)
  })

  test('may have layers by sha512', () => {
    expect(named(image({ layers: [layer(2, { digest: SHA512 })] }))).toContainEqual([`blobs/${SHA512}`, 1002])
  })

  test('may have no layers, as artifacts do', () => {
    const facts = factsOf(image({ layers: [], artifactType: 'application/vnd.x' }))
    expect(plan.children?.(facts)).toHaveLength(1)
    expect(plan.needs?.(facts)).toBe('all')
  })

  test('may be empty blobs, and may refer to another one', () => {
    const subject = { mediaType: OCI_MANIFEST, digest: digest(7), size: 10 }
    expect(named(image({ subject, layers: [layer(2, { size: 0 })] }))).toHaveLength(2)
  })
})

describe('an index', () => {
  test('names its manifests, and is of use with one of them', () => {
    expect(named(index())).toEqual([
      [`manifests/${digest(4)}`, 500],
      [`manifests/${digest(5)}`, 500],
    ])
    expect(plan.needs?.(factsOf(index()))).toBe('one')
  })

  test('names them as they are asked for by anybody', () => {
    const [child] = plan.children?.(factsOf(index())) ?? []
    const asked = planFor(`/v2/library/x/manifests/${digest(4)}`)
    expect([child?.plan.key, child?.plan.url]).toEqual([asked.key, asked.url])
    // Its bytes may come from a member, without any headers: the index tells its type meanwhile.
    expect(child?.plan.responseHeaders).toEqual({ ...asked.responseHeaders, 'content-type': OCI_MANIFEST })
    expect(child?.plan.document).toBe(asked.document)
    // An image of it has its own parts.
    expect(child?.plan.children?.(factsOf(image()))).toHaveLength(3)
  })

  test('of an index names it as a manifest', () => {
    expect(named(index({ manifests: [manifest(4, { mediaType: OCI_INDEX })] }))).toEqual([[`manifests/${digest(4)}`, 500]])
  })

  test.each([7, null, ['x'], { toString: 0, valueOf: 0 }])('may say %j of the type of what it names', (mediaType) => {
    expect(named(index({ manifests: [manifest(4, { mediaType })] }))).toHaveLength(1)
  })

  test('of a build cache names its layers as blobs', () => {
    expect(named(index({ manifests: [layer(4)] }))).toEqual([[`blobs/${digest(4)}`, 1004]])
  })

  test('may be empty', () => {
    expect(named(index({ manifests: [] }))).toEqual([])
  })

  test('has at most 2 000 manifests', () => {
    const many = (count: number) => index({ manifests: Array.from({ length: count }, (_, i) => manifest(i)) })
    expect(named(many(2_000))).toHaveLength(2_000)
    expect(() => factsOf(many(2_001))).toThrow(Error)
  })
})

describe('the type of a manifest', () => {
  test.each([
    ['its own', image(), undefined, OCI_MANIFEST],
    ['its own, whatever upstream says', image(), DOCKER_MANIFEST, OCI_MANIFEST],
    ['its own', index({ mediaType: DOCKER_LIST }), OCI_INDEX, DOCKER_LIST],
    ['what upstream says', image({ mediaType: undefined }), DOCKER_MANIFEST, DOCKER_MANIFEST],
    [
      'what upstream says, without parameters',
      image({ mediaType: undefined }),
      `${DOCKER_MANIFEST}; charset=utf-8`,
      DOCKER_MANIFEST,
    ],
    ['what upstream says', index({ mediaType: undefined }), DOCKER_LIST, DOCKER_LIST],
    ['told by what it names', image({ mediaType: undefined }), undefined, OCI_MANIFEST],
    ['told by what it names', index({ mediaType: undefined }), undefined, OCI_INDEX],
    [
      'told by what it names, where upstream says nothing of use',
      image({ mediaType: undefined }),
      'application/json',
      OCI_MANIFEST,
    ],
    ['told by what it names, where upstream says nothing of use', index({ mediaType: undefined }), 'text/html', OCI_INDEX],
  ])('is %s', (_, document, told, type) => {
    expect(typeOf(document, told)).toBe(type)
  })

  test.each(['text/html', 'application/vnd.x+json\r\nX-Evil: 1', '', 7, null, {}])(
    'is never %j, which it says of itself',
    (mediaType) => {
      let type: string | undefined
      try {
        type = typeOf(image({ mediaType }))
      } catch {
        return
      }
      expect(type).toBe(OCI_MANIFEST)
    },
  )
})

describe('the oldest form of a manifest', () => {
  const old = { schemaVersion: 1, name: 'library/x', tag: 'latest', fsLayers: [{ blobSum: digest(1) }], history: [] }

  test('names nothing whose size it tells, and needs nothing', () => {
    expect(named(old)).toEqual([])
    expect(plan.needs?.(factsOf(old))).toBe('none')
  })

  test('has the type that its signatures tell', () => {
    expect(typeOf(old)).toBe('application/vnd.docker.distribution.manifest.v1+json')
    expect(typeOf({ ...old, signatures: [{}] })).toBe('application/vnd.docker.distribution.manifest.v1+prettyjws')
  })
})

describe('no manifest', () => {
  test.each([
    '',
    'null',
    '7',
    '"text"',
    '[]',
    '{',
    JSON.stringify(image()).slice(0, -1),
    '<html>Log in</html>',
    '{"schemaVersion":2}}',
    JSON.stringify(image({ layers: 'many' })),
    JSON.stringify(image({ layers: [null] })),
    JSON.stringify(image({ layers: [layer(2, { digest: 'latest' })] })),
    JSON.stringify(image({ layers: [layer(2, { digest: undefined })] })),
    JSON.stringify(image({ layers: [layer(2, { digest: ['sha256:'] })] })),
    JSON.stringify(image({ layers: [layer(2, { digest: '../../evil' })] })),
    JSON.stringify(image({ layers: [layer(2, { size: -1 })] })),
    JSON.stringify(image({ layers: [layer(2, { size: 1.5 })] })),
    JSON.stringify(image({ layers: [layer(2, { size: '1' })] })),
    JSON.stringify(image({ layers: [layer(2, { size: 2 ** 53 })] })),
    JSON.stringify(image({ layers: [layer(2, { size: undefined })] })),
    JSON.stringify(image({ config: 'config' })),
    JSON.stringify(index({ manifests: {} })),
    JSON.stringify(index({ manifests: [{}] })),
    // Both at once: two clients would see two images under one digest.
    JSON.stringify({ ...index(), ...image() }),
    JSON.stringify({ ...image(), ...index() }),
    JSON.stringify({ schemaVersion: 2, config, layers: [layer(2)], manifests: [manifest(4)] }),
    JSON.stringify(index({ mediaType: OCI_MANIFEST })),
    JSON.stringify(image({ mediaType: OCI_INDEX })),
  ])('is %s', (text) => {
    expect(() => factsOf(text)).toThrow(Error)
  })

  test.each([
    '{}',
    '{"errors":[{"code":"DENIED"}]}',
    '{"__proto__":{"manifests":[1]}}',
    '{"schemaVersion":3}',
    '{"constructor":1,"toString":2}',
  ])('names anything: %s', (text) => {
    let facts: unknown
    try {
      facts = factsOf(text)
    } catch {
      return
    }
    expect(plan.children?.(facts)).toEqual([])
    expect(plan.needs?.(facts)).toBe('none')
  })
})

test('whatever a document says, what it names are legal artifacts of its own repository', () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      { toString: 0, valueOf: 0 },
      null,
      0,
      -1,
      1,
      2 ** 53,
      '',
      'x',
      [],
      {},
      OCI_INDEX,
      OCI_MANIFEST,
      LAYER,
      SHA256,
      SHA512,
    ),
    fc.jsonValue({ maxDepth: 2 }),
  )
  const descriptor = fc.record(
    {
      mediaType: fc.oneof(fc.constantFrom(OCI_MANIFEST, OCI_INDEX, LAYER, CONFIG), value),
      digest: fc.oneof(fc.constantFrom(SHA256, SHA512, digest(1), 'sha256:..', `sha384:${'a'.repeat(96)}`), value),
      size: fc.oneof(fc.nat(), value),
      urls: value,
    },
    { requiredKeys: [] },
  )
  const list = fc.oneof(fc.array(descriptor, { maxLength: 4 }), value)
  const document = fc.record(
    {
      schemaVersion: fc.oneof({ weight: 5, arbitrary: fc.constant<unknown>(2) }, { weight: 1, arbitrary: value }),
      mediaType: fc.oneof(fc.constantFrom(OCI_MANIFEST, OCI_INDEX, DOCKER_LIST, DOCKER_MANIFEST), value),
      config: fc.oneof(descriptor, value),
      layers: list,
      manifests: list,
      blobs: list,
      subject: fc.oneof(descriptor, value),
    },
    { requiredKeys: [] },
  )
  let read = 0
  fc.assert(
    fc.property(document, (any) => {
      let facts: unknown
      try {
        facts = factsOf(any)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        expect(error).not.toBeInstanceOf(TypeError)
        return
      }
      read++
      for (const child of plan.children?.(facts) ?? []) {
        expect(child.plan.url).toMatch(
          /^https:\/\/registry-1\.docker\.io\/v2\/library\/x\/(?:manifests|blobs)\/sha(?:256|512):[0-9a-f]+$/,
        )
        expect(Number.isSafeInteger(child.size) && child.size >= 0).toBe(true)
      }
      expect(plan.describe?.(facts, {})['content-type']).toMatch(/^application\/vnd\.[a-z0-9.+-]+$/)
    }),
    { numRuns: 4_000, seed: 20 },
  )
  expect(read).toBeGreaterThan(5)
})
