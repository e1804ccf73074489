import { type Blob, blobsOf, type Manifest, manifestsOf } from './oci-types.ts'

/** What a repository of a registry has. */
export interface Repository {
  readonly tags: Map<string, Manifest>
  /** By digest. */
  readonly manifests: Map<string, Manifest>
  /** By digest. */
  readonly blobs: Map<string, Blob>
  /** Whether its token is only for those who are known. */
  private: boolean
}

/** The repositories of a registry, by name. */
export class HubContent {
  readonly #repositories = new Map<string, Repository>()

  find(name: string): Repository | undefined {
    return this.#repositories.get(name)
  }

  /** A blob by digest, of whichever repository: they are stored once. */
  blob(digest: string): Blob | undefined {
    for (const { blobs } of this.#repositories.values()) {
      const found = blobs.get(digest)
      if (found) return found
    }
    return undefined
  }

  /** Adds an image with all that it names, and points a tag to it; without one it is there by digest only. */
  publish(name: string, tag: string | undefined, image: Manifest): void {
    const repository = this.#repository(name)
    for (const manifest of manifestsOf(image)) repository.manifests.set(manifest.descriptor.digest, manifest)
    for (const blob of blobsOf(image)) repository.blobs.set(blob.descriptor.digest, blob)
    if (tag !== undefined) repository.tags.set(tag, image)
  }

  /** Adds a blob that no manifest names yet. */
  add(name: string, blob: Blob): void {
    this.#repository(name).blobs.set(blob.descriptor.digest, blob)
  }

  /** Takes a tag away, or a manifest or blob by its digest. */
  remove(name: string, reference: string): void {
    const { tags, manifests, blobs } = this.#repository(name)
    for (const map of [tags, manifests, blobs]) map.delete(reference)
  }

  setPrivate(name: string): void {
    this.#repository(name).private = true
  }

  #repository(name: string): Repository {
    const found = this.#repositories.get(name)
    if (found) return found
    const repository: Repository = { tags: new Map(), manifests: new Map(), blobs: new Map(), private: false }
    this.#repositories.set(name, repository)
    return repository
  }
}
