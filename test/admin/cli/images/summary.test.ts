import { expect, test } from 'vitest'
import type { Fetched } from '../../../../admin/cli/images/fetcher.ts'
import { skippedLines, summaryText, totalsOf } from '../../../../admin/cli/images/summary.ts'

function fetched(kind: Fetched['kind'], size: number, source: string): Fetched {
  const url = 'http://127.0.0.1:7470/v2/x/blobs/y'
  return { kind, url, size, source, digest: `sha256:${'0'.repeat(64)}`, seconds: 0 }
}

test('the totals count what was fetched once, and say from where', () => {
  const image = { image: 'x', digest: 'd', platform: null, manifests: [], blobs: [], foreign: [] }
  const all = [fetched('manifest', 24, 'upstream'), fetched('config', 100, 'peer'), fetched('layer', 2048, 'peer')]
  const totals = totalsOf([image, image], all)
  expect(totals).toEqual({
    images: 2,
    manifests: 1,
    blobs: 2,
    packages: 0,
    files: 0,
    documents: 0,
    bytes: 2172,
    sources: { upstream: 24, peer: 2148 },
  })
  expect(summaryText(totals, 65_000)).toBe('2 images, 1 manifest, 2 blobs, 2.1 KiB in 1 min 5 s; peer 2.1 KiB, upstream 24 B')
})

test('where nothing came there are no sources to name', () => {
  expect(summaryText(totalsOf([], []), 0)).toBe('0 images, 0 manifests, 0 blobs, 0 B in 0.0 s')
})

test('packages are told in place of images, or beside them, with what failed first', () => {
  const files = [
    { kind: 'document', size: 10, source: 'local' },
    { kind: 'file', size: 2048, source: 'seed' },
  ] as const
  expect(summaryText(totalsOf([], files, 1), 100, { failures: 2 })).toBe(
    '2 failed, 1 package, 1 file, 1 document, 2.0 KiB in 0.1 s; seed 2.0 KiB, local 10 B',
  )
  expect(summaryText(totalsOf([], []), 0, { wantedPackages: true })).toBe('0 packages, 0 files, 0 documents, 0 B in 0.0 s')
  const both = totalsOf([], [fetched('manifest', 1, 'local'), ...files], 1)
  expect(summaryText(both, 0)).toMatch(/^0 images, 1 manifest, 0 blobs, 1 package, 1 file, 1 document, /)
})

test('what was left out has a line for each reason, with a few names', () => {
  const skipped = ['a', 'b', 'c', 'd\u001b'].map((name) => ({ name, why: 'is a git repository' }))
  expect(skippedLines([...skipped, { name: 'e\n', why: 'is for other platforms' }])).toEqual([
    'left out: a, b, c and 1 more: is a git repository',
    'left out: e?: is for other platforms',
  ])
})
