export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json'
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json'
const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'
/** Schema 1, which registries still have for images that nobody pushed again. */
export const DOCKER_SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1+json'
export const DOCKER_SCHEMA_1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
/** Taken back before OCI 1.1 came out, yet pushed meanwhile. */
export const OCI_ARTIFACT = 'application/vnd.oci.artifact.manifest.v1+json'

/** What clients negotiate about, in the order in which upstream is asked. */
export const NEGOTIATED = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST] as const

const INDEXES: ReadonlySet<string> = new Set([OCI_INDEX, DOCKER_LIST])
const IMAGES: ReadonlySet<string> = new Set([OCI_MANIFEST, DOCKER_MANIFEST, OCI_ARTIFACT])
const OLD: ReadonlySet<string> = new Set([DOCKER_SCHEMA_1, DOCKER_SCHEMA_1_SIGNED])

export function isIndexType(type: string | undefined): boolean {
  return type !== undefined && INDEXES.has(type)
}

/** Whether a document of that type is asked for as a manifest; everything else is a blob. */
export function isManifestType(type: string | undefined): type is string {
  return type !== undefined && (INDEXES.has(type) || IMAGES.has(type) || OLD.has(type))
}

/** The type of a `content-type` header, without its parameters. */
export function essence(contentType: string): string | undefined {
  return contentType.split(';', 1)[0]?.trim().toLowerCase()
}

/** Layers that may not be passed on: a registry names them, and clients fetch them from the URLs beside. */
export function isElsewhere(type: string): boolean {
  return type.includes('.foreign.') || type.includes('.nondistributable.')
}
