import { isUtf8 } from 'node:buffer'
import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import {
  DOCKER_SCHEMA_1,
  DOCKER_SCHEMA_1_SIGNED,
  isElsewhere,
  isIndexType,
  isManifestType,
  OCI_ARTIFACT,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts'
import { parseImageDigest } from './names.ts'

/** What a manifest names. */
interface Descriptor {
  /** As `algorithm:hex`. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
  /** Media type, if it is a manifest. */
  readonly manifest?: string
}

/** What a manifest says of itself. */
export interface ManifestFacts {
  /** Its own `mediaType`, if that is one of a manifest. */
  readonly mediaType?: string
  /** What it must be, from what is in it. */
  readonly derived: string
  readonly kind: 'image' | 'index' | 'other'
  readonly children: readonly Descriptor[]
}

/** Entries of one manifest: the largest indexes have a few hundred. */
const MAX_CHILDREN = 2_000

/** OCI Image 1.1, section «Digests». */
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/
/** Characters of a digest that an error repeats. */
const MAX_SHOWN = 80

/** Throws an Error that says what is wrong with it. */
export function parseManifest(bytes: Buffer): ParsedDocument<ManifestFacts> {
  if (!isUtf8(bytes)) throw new Error('it is no UTF-8')
  const value: unknown = JSON.parse(bytes.toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a manifest is a JSON object')
  const { mediaType, manifests, config, layers, blobs, signatures, schemaVersion } = value as Record<string, unknown>
  const own = typeof mediaType === 'string' && isManifestType(mediaType) ? { mediaType } : {}
  if (schemaVersion === 1) {
    const derived = signatures === undefined ? DOCKER_SCHEMA_1 : DOCKER_SCHEMA_1_SIGNED
    return { spans: [], facts: { ...own, derived, kind: 'other', children: [] } }
  }
  // A document that is both at once is read as an index by one client and as an image by another (CVE-2021-41190).
  if (manifests !== undefined && [layers, config, blobs].some((part) => part !== undefined))
    throw new Error('a manifest names either manifests or a configuration and layers')
  const isImage = config !== undefined && layers !== undefined
  // Anything else that a server may send for an answer, such as an error in JSON, is none.
  if (own.mediaType !== OCI_ARTIFACT && (schemaVersion !== 2 || (manifests === undefined && !isImage)))
    throw new Error('a manifest has schemaVersion 2 and names manifests, or a configuration and layers')
  if (own.mediaType !== undefined && isIndexType(own.mediaType) !== (manifests !== undefined))
    throw new Error(`it is no ${own.mediaType} as it says`)
  if (manifests !== undefined) {
    return { spans: [], facts: { ...own, derived: OCI_INDEX, kind: 'index', children: descriptors(manifests, true) } }
  }
  const parts = descriptors(isImage ? layers : (blobs ?? []), false)
  const children = isImage ? distinct([...descriptors([config], false), ...parts]) : parts
  return { spans: [], facts: { ...own, derived: OCI_MANIFEST, kind: 'image', children } }
}

export const manifestParser: DocumentParser<ManifestFacts> = {
  id: 'oci-manifest-1',
  module: import.meta.url,
  exportName: 'parseManifest',
  parse: parseManifest,
}

function descriptors(list: unknown, isIndex: boolean): Descriptor[] {
  if (!Array.isArray(list) || list.length > MAX_CHILDREN) throw new Error(`what it names is no list of at most ${MAX_CHILDREN}`)
  const all = list.flatMap((one: unknown) => {
    const { digest, size, mediaType } = Object(one) as Record<string, unknown>
    if (typeof digest !== 'string' || !DIGEST.test(digest)) throw new Error('something that it names has no digest')
    if (!Number.isSafeInteger(size) || Number(size) < 0) throw new Error(`${digest.slice(0, MAX_SHOWN)} has no size`)
    // Of another algorithm, or of one that proves nothing: it can be asked for nowhere.
    const isUsable = parseImageDigest(digest) !== undefined
    const type = typeof mediaType === 'string' ? mediaType : ''
    if (!isUsable || isElsewhere(type)) return []
    const descriptor = { digest, size: Number(size) }
    // BuildKit lists the layers of its cache in an index.
    return isIndex && (type === '' || isManifestType(type)) ? [{ ...descriptor, manifest: type }] : [descriptor]
  })
  return distinct(all)
}

/** Many images name the same empty layer several times. */
function distinct(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((one) => [one.digest, one])).values()]
}
