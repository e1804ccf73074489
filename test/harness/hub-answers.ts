import { type Answer, answer, json } from './answer.ts'
import type { Repository } from './hub-content.ts'
import { ociError } from './oci-error.ts'
import { type Blob, type Manifest, MEDIA_TYPES } from './oci-types.ts'

const INDEXES: ReadonlySet<string> = new Set([MEDIA_TYPES.oci.index, MEDIA_TYPES.docker.index])

export const MANIFEST_UNKNOWN = ociError(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
export const BLOB_UNKNOWN = ociError(404, 'BLOB_UNKNOWN', 'blob unknown to registry')

/** All of a blob, whose Range and conditions are honoured. */
export function blobAnswer({ descriptor: { digest, size }, open }: Blob): Answer {
  const headers = { 'content-type': 'application/octet-stream', 'docker-content-digest': digest, etag: `"${digest}"` }
  return { ...answer(200, '', headers), size, open, ranges: true }
}

/**
 * A manifest by tag or digest. Who says that he takes no index gets the image for linux/amd64 of it when he asked by tag, as
 * Docker Hub does for clients from before there were any.
 */
export function manifestAnswer(repository: Repository, reference: string, accept: string | undefined): Answer {
  const byTag = repository.tags.get(reference)
  const found = byTag ?? repository.manifests.get(reference)
  if (!found) return MANIFEST_UNKNOWN
  if (!byTag || accepts(accept, found)) return answerOf(found)
  const image = found.manifests.find(({ descriptor }) => descriptor.platform?.architecture === 'amd64')
  if (INDEXES.has(found.descriptor.mediaType) && image && accepts(accept, image)) return answerOf(image)
  return ociError(404, 'MANIFEST_UNKNOWN', `the manifest is ${found.descriptor.mediaType}, which Accept does not have`)
}

function answerOf({ bytes, descriptor: { mediaType, digest } }: Manifest): Answer {
  const headers = { 'content-type': mediaType, 'docker-content-digest': digest, etag: `"${digest}"` }
  return { ...answer(200, bytes, headers), ranges: true }
}

function accepts(accept: string | undefined, { descriptor }: Manifest): boolean {
  const types = accept?.split(',').map((range) => range.split(';')[0]?.trim())
  return types === undefined || types.includes('*/*') || types.includes(descriptor.mediaType)
}

/**
 * A page of the tags (OCI distribution specification, «Listing Tags»).
 *
 * @param origin what the target of Link starts with: nothing makes it relative
 */
export function tagsAnswer(name: string, repository: Repository, url: URL, pageSize: number, origin: string): Answer {
  const asked = url.searchParams.get('n')
  const most = Math.min(asked === null ? pageSize : Number(asked), pageSize)
  const after = url.searchParams.get('last') ?? ''
  const tags = [...repository.tags.keys()].filter((tag) => tag > after).sort()
  const page = tags.slice(0, most)
  const last = page.at(-1)
  const next = `${origin}/v2/${name}/tags/list?last=${encodeURIComponent(last ?? '')}&n=${most}`
  return json({ name, tags: page }, last !== undefined && page.length < tags.length ? { link: `<${next}>; rel="next"` } : {})
}

/** What refers to a manifest (OCI distribution specification, «Listing Referrers»); an empty index when nothing does. */
export function referrersAnswer(repository: Repository, digest: string, artifactType: string | null): Answer {
  const manifests = [...repository.manifests.values()]
    .filter(({ subject }) => subject === digest)
    .map(({ descriptor }) => descriptor)
    .filter((descriptor) => artifactType === null || descriptor.artifactType === artifactType)
  const mediaType = MEDIA_TYPES.oci.index
  const filters = artifactType === null ? {} : { 'oci-filters-applied': 'artifactType' }
  return json({ schemaVersion: 2, mediaType, manifests }, { 'content-type': mediaType, ...filters })
}
