import { describe, expect, it, test } from 'vitest'
import { offers } from '../../../protocols/oci/offers.ts'
import { planFor, planned, SHA256 } from './fixtures.ts'

describe('a request is about', () => {
  const image = { type: 'docker', namespace: 'library', name: 'x' }

  it.each([
    ['/v2/x/manifests/latest', { ...image, version: 'latest' }],
    [`/v2/library/x/manifests/${SHA256}`, { ...image, version: SHA256 }],
    [`/v2/library/x/blobs/${SHA256}`, { ...image, version: SHA256 }],
    ['/v2/library/x/tags/list', image],
    [`/v2/library/x/referrers/${SHA256}`, image],
    ['/v2/quay.io/org/deep/app/manifests/1.0', { type: 'docker', namespace: 'quay.io/org/deep', name: 'app', version: '1.0' }],
    ['/v2/org/app/manifests/1.0?ns=quay.io', { type: 'docker', namespace: 'quay.io/org', name: 'app', version: '1.0' }],
    ['/v2/docker.io/library/x/manifests/1.0', { ...image, version: '1.0' }],
  ])('%s', (target, subject) => {
    expect(planFor(target).subject).toEqual(subject)
  })
})

describe('a list of tags', () => {
  const list = (tags: unknown) => Buffer.from(JSON.stringify({ name: 'library/x', tags }))

  it('goes out without those that are refused', () => {
    expect(JSON.parse(String(offers.withhold(list(['1', '2', '3']), (tag) => tag !== '2')))).toEqual({
      name: 'library/x',
      tags: ['1', '3'],
    })
  })

  it('stays as it is where none is', () => {
    for (const tags of [['1', '2'], [], null]) {
      const bytes = list(tags)
      expect(offers.withhold(bytes, () => true)).toBe(bytes)
    }
  })
})

test('only lists of tags offer anything', () => {
  expect(planned('/v2/library/x/tags/list').offers).toBe(offers)
  for (const rest of ['manifests/latest', `referrers/${SHA256}`])
    expect(planned(`/v2/library/x/${rest}`).offers).toBeUndefined()
})
