import { expect, test } from 'vitest'
import { parseTagList, tagListParser } from '../../../protocols/oci/tag-list.ts'
import { planFor, SHA256 } from './fixtures.ts'

test.each(['{"name":"x","tags":["a","b"]}', '{"tags":[]}', '{"name":"x","tags":null}'])('%s is a list of tags', (text) => {
  expect(parseTagList(Buffer.from(text))).toEqual({ spans: [], facts: null })
})

test.each(['<html>log in</html>', '[]', 'null', '{}', '{"tags":"a"}', '{"tags":[1]}', '{"errors":[]}'])(
  '%s is none',
  (text) => {
    expect(() => parseTagList(Buffer.from(text))).toThrow(Error)
  },
)

test('lists are checked before they are kept', () => {
  expect(planFor('/v2/library/x/tags/list').document).toBe(tagListParser)
  const { document, isMeant } = planFor(`/v2/library/x/referrers/${SHA256}`)
  const facts = (value: object) => document?.parse(Buffer.from(JSON.stringify({ schemaVersion: 2, ...value }))).facts
  expect(isMeant?.(facts({ manifests: [] }))).toBe(true)
  const config = { digest: SHA256, size: 1 }
  expect(isMeant?.(facts({ config, layers: [] }))).toBe(false)
})
