import { expect, it } from 'vitest'
import { crateOffers } from '../../protocols/cargo/crate-index.ts'
import { listOffers } from '../../protocols/go/offers.ts'
import { checksumOf, checksumOfMerged, merged, versions } from '../../protocols/maven/renditions.ts'
import { offers as npmOffers } from '../../protocols/npm/offers.ts'
import { offers as ociOffers } from '../../protocols/oci/offers.ts'
import type { ExportedFrom } from '../../protocols/protocol.ts'
import { offersOf } from '../../protocols/pypi/offers.ts'
import { renditionOf } from '../../protocols/pypi/renditions.ts'

const ALL = [
  crateOffers,
  listOffers,
  checksumOf('sha1'),
  checksumOfMerged('md5'),
  merged,
  versions,
  npmOffers,
  ociOffers,
  offersOf('a'),
  ...(['json', 'html', 'versioned-html'] as const).map((form) => renditionOf(form, 'a')),
]

it.each(ALL.map((one) => [one?.id, one?.from] as const))('%s is what its module exports', async (id, from) => {
  const { module, exportName, args } = from as ExportedFrom
  const found = ((await import(module)) as Record<string, unknown>)[exportName]
  expect(args ? (found as (...args: readonly string[]) => { id: string })(...args) : found).toMatchObject({ id, from })
})
