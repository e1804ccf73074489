import { expect, test } from 'vitest'
import type { Fetched } from '../../../../admin/cli/images/fetcher.ts'
import { summaryText, totalsOf } from '../../../../admin/cli/images/summary.ts'

function fetched(kind: Fetched['kind'], size: number, source: string): Fetched {
  return { kind, size, source, digest: `sha256:${'0'.repeat(64)}`, seconds: 0 }
}

test('the totals count what was fetched once, and say from where', () => {
  const image = { image: 'x', digest: 'd', platform: null, manifests: [], blobs: [], foreign: [] }
  const all = [fetched('manifest', 24, 'upstream'), fetched('config', 100, 'peer'), fetched('layer', 2048, 'peer')]
  const totals = totalsOf([image, image], all)
  expect(totals).toEqual({ images: 2, manifests: 1, blobs: 2, bytes: 2172, sources: { upstream: 24, peer: 2148 } })
  expect(summaryText(totals, 65_000)).toBe('2 images, 1 manifest, 2 blobs, 2.1 KiB in 1 min 5 s; peer 2.1 KiB, upstream 24 B')
})

test('where nothing came there are no sources to name', () => {
  expect(summaryText(totalsOf([], []), 0)).toBe('0 images, 0 manifests, 0 blobs, 0 B in 0.0 s')
})
