import { z } from 'zod'
import { parseDigest } from '../../../node/digest.ts'
import { type Platform, platformOf } from './platform.ts'

/** The four forms in which images are described: to ask for all of them is what clients do, so that the answers are the same. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

const INDEXES: ReadonlySet<string | undefined> = new Set([MANIFEST_TYPES[0], MANIFEST_TYPES[2]])

/** OCI image specification, «Content Descriptors». */
export interface Descriptor {
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

export interface Listed extends Descriptor {
  /** Undefined where the index does not tell. */
  readonly platform: Platform | undefined
  readonly isIndex: boolean
}

export interface ImageManifest {
  readonly kind: 'image'
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  /** Digests of layers that registries do not hand out: they are only for whoever has them already. */
  readonly foreign: readonly string[]
}

export type Manifest = ImageManifest | { readonly kind: 'index'; readonly manifests: readonly Listed[] }

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().refine((text) => ['sha256', 'sha512'].includes(parseDigest(text)?.algorithm ?? ''), 'is no digest'),
  size: z.number().int().nonnegative(),
})
/** What else somebody wrote there is no platform, and nothing to be printed. */
const word = z.string().regex(/^[\w.-]{1,64}$/)
const platform = z.object({ os: word, architecture: word, variant: word.or(z.literal('')).optional() })
const index = z.object({ manifests: z.array(descriptor.extend({ platform: platform.optional().catch(undefined) })) })
const image = z.object({ config: descriptor, layers: z.array(descriptor) })

/** Reads a manifest. Throws Error that says why it is none that can be fetched. */
export function parseManifest(bytes: Buffer): Manifest {
  const document = objectIn(bytes)
  if ('manifests' in document) {
    // Two readers would see two images in it (CVE-2021-41190).
    if ('layers' in document || 'config' in document) throw new Error('it is an index and an image at once')
    return { kind: 'index', manifests: checked(index, document).manifests.map(listedOf) }
  }
  if (document.schemaVersion === 1)
    throw new Error('it is in the form «schema 1» of before 2016; push it anew with a client of today')
  const { config, layers } = checked(image, document)
  const isForeign = ({ mediaType = '' }: { mediaType?: string | undefined }) => /foreign|nondistributable/.test(mediaType)
  return {
    kind: 'image',
    config,
    layers: layers.filter((layer) => !isForeign(layer)),
    foreign: layers.filter(isForeign).map(({ digest }) => digest),
  }
}

/** The platform that the configuration of an image tells; undefined for what is no image, such as a signature. */
export function platformIn(config: Buffer): Platform | undefined {
  try {
    const { data } = platform.safeParse(JSON.parse(config.toString('utf8')))
    return data && platformOf(data.os, data.architecture, data.variant)
  } catch {
    return undefined
  }
}

function listedOf(one: z.output<typeof index>['manifests'][number]): Listed {
  return {
    digest: one.digest,
    size: one.size,
    platform: one.platform && platformOf(one.platform.os, one.platform.architecture, one.platform.variant),
    isIndex: INDEXES.has(one.mediaType),
  }
}

function objectIn(bytes: Buffer): Readonly<Record<string, unknown>> {
  const document: unknown = JSON.parse(bytes.toString('utf8'))
  if (typeof document !== 'object' || document === null || Array.isArray(document)) throw new Error('it is no JSON object')
  return document as Readonly<Record<string, unknown>>
}

function checked<T>(schema: z.ZodType<T>, document: object): T {
  const { data, error } = schema.safeParse(document)
  if (data !== undefined) return data
  const [issue] = error?.issues ?? []
  throw new Error(`it is no manifest: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is wrong'}`)
}
