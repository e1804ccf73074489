import { expect, test } from 'vitest'
import { parse as parseListing } from '../../../protocols/maven/listing.ts'
import { parse as parseMetadata } from '../../../protocols/maven/metadata.ts'
import { planFor } from './fixtures.ts'

const MIB = 1 << 20
const BOUND = 20_000

test('lists and metadata have no more bytes than real ones', () => {
  for (const path of ['org/x/', 'org/x/lib/maven-metadata.xml', 'org/x/lib/1-SNAPSHOT/maven-metadata.xml'])
    expect(planFor(path).maxBytes).toBe(4 * MIB)
})

test('a page of almost links is read in time that grows with its length only', () => {
  const almost = `<a ${'href="'.repeat(160)}`
  const page = `${almost.repeat((32 * MIB) / almost.length)}<a href="1.0/">1.0/</a> 2024-01-02 03:04`
  expect(parseListing(Buffer.from(page)).facts.times).toEqual([['1.0', Date.UTC(2024, 0, 2, 3, 4)]])
}, 20_000)

test('of a list and of metadata so much is kept as any has', () => {
  const numbers = Array.from({ length: BOUND + 5 }, (_, at) => at)
  const page = numbers.map((at) => `<a href="${at}/">x</a> 2024-01-02 03:04 -`).join('\n')
  expect(parseListing(Buffer.from(page)).facts.times.length).toBe(BOUND)
  const versions = numbers.map((at) => `<version>${at}</version>`).join('')
  const metadata = `<metadata><versioning><versions>${versions}</versions></versioning></metadata>`
  const { facts } = parseMetadata(Buffer.from(metadata))
  expect([facts.versions.length, facts.versions.at(-1)]).toEqual([BOUND, String(BOUND + 4)])
})

test('metadata of nothing but tags are none', () => {
  const metadata = `<metadata><versioning>${'a<b/>'.repeat(500_000)}</versioning></metadata>`
  expect(() => parseMetadata(Buffer.from(metadata))).toThrow(/more than 400000 tags/)
})
