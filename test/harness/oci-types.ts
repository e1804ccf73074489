import type { Body } from '../../node/body.ts'

/** Whose media types: those of the OCI image specification, or Docker's of before (image manifest version 2, schema 2). */
export type Form = 'oci' | 'docker'
export type Algorithm = 'sha256' | 'sha512'
export type Architecture = 'amd64' | 'arm64'

export const MEDIA_TYPES = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
    tar: 'application/vnd.oci.image.layer.v1.tar',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    gzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    tar: 'application/vnd.docker.image.rootfs.diff.tar',
  },
} as const

/** OCI image specification, «Content descriptors». */
export interface Descriptor {
  readonly mediaType: string
  /** `algorithm:hex` */
  readonly digest: string
  /** Bytes. */
  readonly size: number
  readonly platform?: { readonly architecture: Architecture; readonly os: 'linux' }
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** Content with the descriptor that names it. */
export interface Blob {
  readonly descriptor: Descriptor
  readonly open: () => Body
}

/** A manifest of an image or an artifact, or an index, with all that it names. */
export interface Manifest extends Blob {
  readonly bytes: Buffer
  /** Configuration and layers; none of an index. */
  readonly blobs: readonly Blob[]
  /** Those that an index lists. */
  readonly manifests: readonly Manifest[]
  /** Digest of the manifest that it refers to, such as the image that it is a signature of. */
  readonly subject?: string
}

/** A manifest with all below it, each after those that it lists: the order in which a registry takes them. */
export function manifestsOf(manifest: Manifest): Manifest[] {
  return [...manifest.manifests.flatMap(manifestsOf), manifest]
}

/** The blobs of a manifest and of all below it, each once. */
export function blobsOf(manifest: Manifest): Blob[] {
  const all = manifestsOf(manifest).flatMap(({ blobs }) => blobs)
  return [...new Map(all.map((blob) => [blob.descriptor.digest, blob])).values()]
}

/** Digests of a manifest, of all below it, and of their blobs, sorted. */
export function digestsOf(manifest: Manifest): string[] {
  return [...manifestsOf(manifest), ...blobsOf(manifest)].map(({ descriptor }) => descriptor.digest).sort()
}
