import { expect, it } from 'vitest'
import { ARTIFACT_PATH, artifactPath, keyInPath } from '../../../../node/mesh/artifacts/artifact-wire.ts'

const KEY = 'npm\nhttps://registry.test/\n@scope/ö\nfull\n'

it('says a key in a path, and reads it from there', () => {
  const path = artifactPath(KEY) ?? ''
  expect(path.startsWith(ARTIFACT_PATH)).toBe(true)
  expect(path).toMatch(/^[\w/-]+$/)
  expect(keyInPath(path)).toBe(KEY)
})

it('asks for no key that is longer than a head may be', () => {
  expect(keyInPath(artifactPath('x'.repeat(4096)) ?? '')).toHaveLength(4096)
  expect(artifactPath('x'.repeat(4097))).toBeUndefined()
})

it.each([
  ['nothing', ARTIFACT_PATH],
  ['another path', '/blobs/v1/AAAA'],
  ['padding', `${ARTIFACT_PATH}YQ==`],
  ['another spelling of the same bytes', `${ARTIFACT_PATH}YR`],
  ['a query', `${ARTIFACT_PATH}YWI?x`],
  ['bytes that are no text', `${ARTIFACT_PATH}${Buffer.from([0xff, 0xfe]).toString('base64url')}`],
  ['a key that is too long', `${ARTIFACT_PATH}${Buffer.alloc(4097, 'x').toString('base64url')}`],
])('finds no key in %s', (_, path) => {
  expect(keyInPath(path)).toBeUndefined()
})
