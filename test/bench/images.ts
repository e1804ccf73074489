import { makeImage } from '../harness/oci-images.ts'
import { blobOf, type Layer } from '../harness/oci-layers.ts'
import { type Blob, type Manifest, MEDIA_TYPES } from '../harness/oci-types.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { Packages, packageOf } from './packages.ts'
import { Warren } from './warren.ts'

/** Where all images are, in a node and beside it. */
export const REPOSITORY = 'library/bench'

const { manifest, index } = MEDIA_TYPES.oci
/** What containerd asks for manifests with. The CNCF registry sends one of OCI's only to those who name its type. */
export const MANIFEST_HEADERS = {
  accept: [MEDIA_TYPES.docker.manifest, MEDIA_TYPES.docker.index, manifest, index, '*/*'].join(', '),
}

/** An image under its tag, whose layers have exactly so many bytes each. */
export interface TaggedImage {
  readonly tag: string
  readonly image: Manifest
  readonly layers: readonly Layer[]
}

/** Makes an image of random layers: neither a node nor a registry unpacks one. */
export async function imageOf(tag: string, shape: { layers: number; bytes: number }): Promise<TaggedImage> {
  const packages = new Packages()
  const contents = packageOf(tag, { bytes: shape.bytes, versions: shape.layers })
  const layers = Array.from({ length: shape.layers }, (_, version): Layer => {
    const blob = blobOf(packages.archive(contents, version), MEDIA_TYPES.oci.tar)
    return { ...blob, diffId: blob.descriptor.digest }
  })
  return { tag, image: await makeImage({ layers }), layers }
}

/** Paths of the manifest, by tag and by digest, and of the layers. */
export function imagePaths({ tag, image, layers }: TaggedImage): { byTag: string; byDigest: string; layers: string[] } {
  return { byTag: manifestPath(tag), byDigest: manifestPath(image.descriptor.digest), layers: layers.map(blobPath) }
}

/** A node that has all of the images, and the registry that it pulled them from: once that is gone, what it answers it has. */
export interface Pulled {
  readonly warren: Warren
  readonly hub: ScriptedHub
}

export async function pullImages(
  stack: AsyncDisposableStack,
  images: readonly TaggedImage[],
  signal: AbortSignal,
): Promise<Pulled> {
  const hub = stack.adopt(await new ScriptedHub().start(), (started) => started.stop())
  for (const { tag, image } of images) hub.publish(REPOSITORY, tag, image)
  const warren = await Warren.startForImages(stack, hub.origin)
  await eachPart(images, (paths, bytes) => warren.warm(paths, bytes, signal, MANIFEST_HEADERS))
  return { warren, hub }
}

/**
 * Tells of everything that a pull asks for, in its order, and of its length. That is the configuration, too: of an image of
 * which a part is missing, a node gives nobody the manifest while it cannot ask for that part.
 */
export async function eachPart(
  images: readonly TaggedImage[],
  tell: (paths: readonly string[], bytes: number) => Promise<void>,
): Promise<void> {
  for (const { tag, image } of images) {
    await tell([manifestPath(tag), manifestPath(image.descriptor.digest)], image.descriptor.size)
    for (const blob of image.blobs) await tell([blobPath(blob)], blob.descriptor.size)
  }
}

function manifestPath(reference: string): string {
  return `/v2/${REPOSITORY}/manifests/${reference}`
}

function blobPath({ descriptor }: Blob): string {
  return `/v2/${REPOSITORY}/blobs/${descriptor.digest}`
}
