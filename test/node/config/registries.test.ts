import { describe, expect, test } from 'vitest'
import { ecosystems } from '../../../node/built-ins.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { load, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()

const registriesIn = (text: string) =>
  loadText(folders.create(), text, { ecosystems })
    .config.mirrors.filter(({ protocol }) => protocol === 'oci')
    .map(({ name, registry, path, upstreams }) => [name, registry, path, ...upstreams])

const OUT_OF_THE_BOX = [
  ['docker-hub', 'docker.io', '/v2/', 'https://registry-1.docker.io/'],
  ['ghcr', 'ghcr.io', '/v2/', 'https://ghcr.io/'],
  ['gcr', 'gcr.io', '/v2/', 'https://gcr.io/'],
  ['quay', 'quay.io', '/v2/', 'https://quay.io/'],
]

describe('mirrors of registries', () => {
  test('are there for the large ones', () => {
    const { config } = load({ ecosystems })
    const found = config.mirrors.filter(({ protocol }) => protocol === 'oci')
    expect(found.map(({ name, registry, path, upstreams }) => [name, registry, path, ...upstreams])).toEqual(OUT_OF_THE_BOX)
    expect(found.every((mirror) => !('tarballUrls' in mirror))).toBe(true)
  })

  test('are added by one line, on the path that all of them share', () => {
    expect(registriesIn('mirrors:\n  k8s: { protocol: oci, registry: Registry.K8s.io }\n')).toEqual([
      ...OUT_OF_THE_BOX,
      ['k8s', 'registry.k8s.io', '/v2/', 'https://registry.k8s.io/'],
    ])
  })

  test('ask elsewhere, have another path, or are for another registry when they are told to', () => {
    const text = `mirrors:
  docker-hub: { upstreams: ["http://127.0.0.1:5000/"] }
  quay: { path: /mirror/quay/ }
  gcr: { registry: "eu.gcr.io:8443" }
  ghcr: false
`
    expect(registriesIn(text)).toEqual([
      ['docker-hub', 'docker.io', '/v2/', 'http://127.0.0.1:5000/'],
      ['gcr', 'eu.gcr.io:8443', '/v2/', 'https://eu.gcr.io:8443/'],
      ['quay', 'quay.io', '/mirror/quay/', 'https://quay.io/'],
    ])
  })

  test('are there for any public one only where that is said', () => {
    expect(registriesIn('mirrors:\n  anything: { protocol: oci, registry: "*" }\n')).toEqual([
      ...OUT_OF_THE_BOX,
      ['anything', '*', '/v2/'],
    ])
  })

  test.each([
    [
      'k8s: {protocol: oci}',
      '2:8: mirrors.k8s.registry is missing; it must be the registry that this mirror is for, such as registry.k8s.io',
    ],
    [
      'k8s: {protocol: oci, registry: "https://registry.k8s.io"}',
      '2:34: mirrors.k8s.registry is "https://registry.k8s.io", but must be a registry as image names begin with it, such as registry.k8s.io or localhost:5000',
    ],
    [
      'k8s: {protocol: oci, registry: quay.io}',
      '2:34: mirrors.k8s.registry is "quay.io", but must be another one: mirrors.quay is for it already',
    ],
    [
      'k8s: {protocol: oci, registry: "index.docker.io"}',
      '2:34: mirrors.k8s.registry is "index.docker.io", but must be another one: mirrors.docker-hub is for it already',
    ],
    [
      'k8s: {protocol: oci, registry: reg}',
      '2:34: mirrors.k8s.registry is "reg", but must be a registry as image names begin with it, such as registry.k8s.io or localhost:5000',
    ],
    [
      'quay: {upstreams: ["http://127.0.0.1:5000/v2/"]}',
      '2:22: mirrors.quay.upstreams[0] is "http://127.0.0.1:5000/v2/", but must be a URL without /v2/ at its end, which is added to it',
    ],
    [
      'any: {protocol: oci, registry: "*", upstreams: ["https://a.test/"]}',
      '2:50: mirrors.any.upstreams is ["https://a.test/"], but must be left out: the registry that a client names is asked',
    ],
    [
      'quay: {tarballUrls: preserve}',
      '2:23: mirrors.quay.tarballUrls is "preserve", but must be left out: oci has no such thing',
    ],
    ['npm: {registry: quay.io}', '2:19: mirrors.npm.registry is "quay.io", but must be left out: npm has no such thing'],
    [
      'quay: {path: /npm/images/}',
      '2:16: mirrors.quay.path is "/npm/images/", but must be apart from /npm/, the path of mirrors.npm',
    ],
  ])('say what is wrong with %s', (line, problem) => {
    const folder = folders.create()
    expect(problemsOf(() => loadText(folder, `mirrors:\n  ${line}\n`, { ecosystems }), folder)).toEqual([
      `config.yaml:${problem}`,
    ])
  })
})
