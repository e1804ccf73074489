import { createHash } from 'node:crypto'
import { WarrenError } from '../../node/errors.ts'
import type { Offers, Rendition } from '../protocol.ts'
import { mergeMetadata, withhold } from './merge.ts'
import type { ChecksumAlgorithm } from './paths.ts'

/** What several repositories say, as one document. */
export const merged: Rendition = {
  id: 'maven-merged-1',
  from: { module: import.meta.url, exportName: 'merged' },
  headers: { 'content-type': 'text/xml' },
  render: mergeMetadata,
}

/** The versions that a document lists. */
export const versions: Offers = {
  id: 'maven-versions-1',
  from: { module: import.meta.url, exportName: 'versions' },
  withhold,
}

/**
 * The checksum of a document as it is served, so that both always fit: of the first document, given that the second one, upstream's
 * own checksum, exists. None is made up where upstream has none.
 */
export function checksumOf(algorithm: ChecksumAlgorithm): Rendition {
  return rendition(`maven-${algorithm}-of-1`, 'checksumOf', algorithm, ([document, sibling]) => {
    if (document && sibling) return document
    throw new WarrenError('UPSTREAM_ABSENT', `upstream has no ${algorithm} of this document`)
  })
}

/** The checksum of what several repositories say together, which none of them can have. */
export function checksumOfMerged(algorithm: ChecksumAlgorithm): Rendition {
  return rendition(`maven-${algorithm}-of-merged-1`, 'checksumOfMerged', algorithm, mergeMetadata)
}

function rendition(
  id: string,
  exportName: string,
  algorithm: ChecksumAlgorithm,
  of: (documents: readonly Buffer[]) => Buffer,
): Rendition {
  return {
    id,
    from: { module: import.meta.url, exportName, args: [algorithm] },
    headers: { 'content-type': 'text/plain' },
    render: (documents) => Buffer.from(createHash(algorithm).update(of(documents)).digest('hex')),
  }
}
