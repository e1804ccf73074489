import { blobOf, type Layer, type LayerInit, makeLayer } from './oci-layers.ts'
import { type Algorithm, type Architecture, type Blob, type Form, type Manifest, MEDIA_TYPES } from './oci-types.ts'

/** When every image was made: the same image is the same bytes whenever it is made. */
const CREATED = '2020-01-01T00:00:00Z'
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json'

interface ManifestInit {
  /** Default: `oci`. */
  readonly form?: Form
  /** Of all descriptors. Default: `sha256`. */
  readonly algorithm?: Algorithm
  /** Any amount: a manifest may be as long as a test wants it. */
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ImageInit extends ManifestInit {
  /** Default: `amd64`. */
  readonly architecture?: Architecture
  /** Made from their sizes and seeds, or shared with another image. Default: two small ones. */
  readonly layers?: readonly (LayerInit | Layer)[]
  /** Tells apart images that have nothing else to tell them apart. */
  readonly seed?: number
}

/** An image for one platform: an OCI image manifest, or Docker's schema 2. */
export async function makeImage(init: ImageInit = {}): Promise<Manifest> {
  const { form = 'oci', algorithm = 'sha256', architecture = 'amd64', seed = 1 } = init
  const types = MEDIA_TYPES[form]
  const layers: Layer[] = []
  for (const layer of init.layers ?? smallLayers(seed, architecture))
    layers.push('diffId' in layer ? layer : await makeLayer(layer, form, algorithm))
  const config = blobOf(json(configOf(layers, architecture, seed)), types.config, algorithm)
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(init.annotations ? { annotations: init.annotations } : {}),
  }
  const made = manifestOf(manifest, types.manifest, init, [config, ...layers])
  return { ...made, descriptor: { ...made.descriptor, platform: { architecture, os: 'linux' } } }
}

/** An OCI image index, or Docker's manifest list. */
export function makeIndex(manifests: readonly Manifest[], init: ManifestInit = {}): Manifest {
  const { index } = MEDIA_TYPES[init.form ?? 'oci']
  const listed = manifests.map(({ descriptor }) => descriptor)
  const annotations = init.annotations ? { annotations: init.annotations } : {}
  return {
    ...manifestOf({ schemaVersion: 2, mediaType: index, manifests: listed, ...annotations }, index, init, []),
    manifests,
  }
}

/** An index of an image for amd64 and one for arm64, with different layers. */
export async function makeMultiArch(init: Omit<ImageInit, 'architecture'> = {}): Promise<Manifest> {
  const { annotations: _, ...common } = init
  const images = [await makeImage({ ...common, architecture: 'amd64' })]
  const layers = init.layers?.map((layer) => ('diffId' in layer ? layer : { ...layer, seed: (layer.seed ?? 1) + 1_000_000 }))
  images.push(await makeImage({ ...common, architecture: 'arm64', ...(layers ? { layers } : {}) }))
  return makeIndex(images, init)
}

/** What refers to an image, such as its signature: an image manifest with `subject` and `artifactType`. */
export function makeArtifact(subject: Manifest, artifactType: string, content: Buffer, init: ManifestInit = {}): Manifest {
  const algorithm = init.algorithm ?? 'sha256'
  const config = blobOf(Buffer.from('{}'), EMPTY_TYPE, algorithm)
  const layer = blobOf(content, 'application/octet-stream', algorithm)
  const { mediaType, digest, size } = subject.descriptor
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.oci.manifest,
    artifactType,
    config: config.descriptor,
    layers: [layer.descriptor],
    subject: { mediaType, digest, size },
    ...(init.annotations ? { annotations: init.annotations } : {}),
  }
  const made = manifestOf(manifest, MEDIA_TYPES.oci.manifest, { algorithm }, [config, layer])
  const { annotations } = init
  return { ...made, descriptor: { ...made.descriptor, artifactType, ...(annotations ? { annotations } : {}) }, subject: digest }
}

function manifestOf(document: object, mediaType: string, init: ManifestInit, blobs: readonly Blob[]): Manifest {
  // Docker's own are indented by three and end in a line: whoever writes them anew without that changes their digest.
  const bytes = init.form === 'docker' ? Buffer.from(`${JSON.stringify(document, null, 3)}\n`) : json(document)
  return { ...blobOf(bytes, mediaType, init.algorithm), bytes, blobs, manifests: [] }
}

function configOf(layers: readonly Layer[], architecture: Architecture, seed: number): object {
  return {
    created: CREATED,
    architecture,
    os: 'linux',
    config: { Cmd: ['/bin/true'], Labels: { seed: `${seed}` } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created: CREATED, created_by: 'test' })),
  }
}

function smallLayers(seed: number, architecture: Architecture): LayerInit[] {
  const first = seed * 100 + (architecture === 'arm64' ? 50 : 0)
  return [
    { bytes: 40_000, seed: first },
    { bytes: 9_000, seed: first + 1 },
  ]
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
