import { expect, test } from 'vitest'
import { parseTarget } from '../../../../admin/cli/get/package-url.ts'

test.for([
  ['pkg:npm/lodash@4.17.21', { type: 'npm', name: 'lodash', version: '4.17.21' }],
  ['pkg:npm/%40scope/name', { type: 'npm', name: '@scope/name', text: 'pkg:npm/%40scope/name' }],
  ['pkg:npm/@secret/foo', { type: 'npm', name: '@secret/foo', text: 'pkg:npm/%40secret/foo' }],
  ['pkg:npm/@secret/foo@1.0.0', { type: 'npm', name: '@secret/foo', version: '1.0.0', text: 'pkg:npm/%40secret/foo@1.0.0' }],
  [
    'pkg:npm/a?repository_url=https://npm.corp.test/',
    { type: 'npm', name: 'a', repository: 'https://npm.corp.test/', text: 'pkg:npm/a' },
  ],
  [
    'pkg:pypi/Foo_Bar@1.0?file_name=foo_bar-1.0-py3-none-any.whl',
    { type: 'pypi', name: 'foo-bar', version: '1.0', file: 'foo_bar-1.0-py3-none-any.whl' },
  ],
  ['pkg:maven/org.x/lib@1.2', { type: 'maven', group: 'org.x', artifact: 'lib', version: '1.2' }],
  ['pkg:maven/org.x/lib@1.2?type=zip&classifier=dist', { packaging: 'zip', classifier: 'dist' }],
  ['pkg:golang/github.test/Big/mod@v1.0.0', { type: 'golang', module: 'github.test/Big/mod', version: 'v1.0.0', zip: true }],
  ['pkg:golang/gopkg.test/yaml.v3@3.0.1#sub/dir', { module: 'gopkg.test/yaml.v3', version: 'v3.0.1' }],
  ['pkg:golang/ex.test/a@main', { module: 'ex.test/a', version: 'main' }],
  ['pkg:cargo/Serde@1.0.0', { type: 'cargo', name: 'Serde', version: '1.0.0' }],
] as const)('%s', ([text, wanted]) => {
  expect(parseTarget(text)).toMatchObject({ wanted })
})

test.for([
  ['is-odd', 'did you mean pkg:npm/is-odd?'],
  ['is-odd:3', undefined],
  ['org/app', undefined],
] as const)('%s could also be %s', ([text, other]) => {
  const target = parseTarget(text)
  expect('image' in target && target.other).toBe(other)
})

const DIGEST = `sha256:${'ab'.repeat(32)}`

test.for([
  ['pkg:docker/nginx@1.25', 'docker.io/library/nginx:1.25', undefined],
  ['pkg:docker/org/app', 'docker.io/org/app:latest', undefined],
  ['pkg:docker/org/app@1?repository_url=quay.io', 'quay.io/org/app:1', undefined],
  [
    `pkg:oci/debian@${encodeURIComponent(DIGEST)}?repository_url=docker.io/library/debian`,
    `docker.io/library/debian@${DIGEST}`,
    undefined,
  ],
  ['pkg:oci/app?repository_url=https://ghcr.io/org&tag=2&arch=arm64', 'ghcr.io/org/app:2', 'arm64'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20', undefined],
] as const)('%s is an image', ([text, image, architecture]) => {
  expect(parseTarget(text)).toMatchObject({ image: { text: image } })
  const target = parseTarget(text)
  expect('image' in target && target.platform?.architecture).toBe(architecture)
})

test.for<[string, string]>([
  ['pkg:npm', '"pkg:npm" is no package URL; give pkg:TYPE/'],
  ['@corp/x@1.0.0', 'did you mean pkg:npm/%40corp/x@1.0.0?'],
  ['express@4.17.1', '"4.17.1" is no digest'],
  ['express@4.17.1', 'did you mean pkg:npm/express@4.17.1?'],
  ['pkg:npm/a@1%2', 'is no package URL'],
  ['pkg:gem/rails@1', 'is of a type that no mirror has; there are npm, pypi, maven, golang, cargo, docker and oci'],
  ['pkg:maven/lib@1', '"pkg:maven/lib@1" has no group; give pkg:TYPE/NAMESPACE/NAME@VERSION, the group first'],
  ['/raw/tools/a.zip', '"/raw/tools/a.zip" is a path, and no image or package URL: '],
  ['pkg:docker/UPPER@1', '"pkg:docker/UPPER@1": "UPPER:1" names no image: '],
  ['pkg:oci/a@sha256:12', '"sha256:12" is no digest'],
])('%s is refused', ([text, message]) => {
  expect(() => parseTarget(text)).toThrow(
    expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(message) }),
  )
})
