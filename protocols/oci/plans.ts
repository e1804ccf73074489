import type { Child, Plan } from '../../node/cache/plan.ts'
import { type Digest, formatDigest } from '../../node/digest.ts'
import { DOCKER_HUB } from '../../node/docker-hub.ts'
import type { Mirror } from '../protocol.ts'
import { type Site as AnySite, boundedBy, placeOf, siteOf } from '../sites.ts'
import { acceptOf } from './accept.ts'
import { type ManifestFacts, manifestParser } from './manifest.ts'
import { essence, isIndexType, isManifestType, OCI_INDEX } from './media-types.ts'
import { parseImageDigest } from './names.ts'
import type { Resource } from './paths.ts'
import { canonicalRegistry } from './registries.ts'
import { subjectOf } from './subject.ts'
import { tagListParser } from './tag-list.ts'

/** One upstream of a mirror. */
export interface Site extends AnySite {
  /** Which registry it is, as clients name it; undefined for Docker Hub. */
  readonly registry: string | undefined
  /** Asked only because a client named it: it must not lead into this network. */
  readonly publicOnly: boolean
}

type Of<Kind extends Resource['kind']> = Extract<Resource, { kind: Kind }>

const SECOND = 1000

/** Tags move, and whoever pushed one expects to see it soon; each look costs upstream a HEAD. */
const TAG_LIFETIME = { floor: 30 * SECOND, cap: 60 * SECOND }

/** The most that a registry has to take (OCI Distribution 1.1, section «Pushing manifests»). */
const MAX_MANIFEST = 4 << 20

const API_VERSION = { 'docker-distribution-api-version': 'registry/2.0' }
const MUTABLE = { ...API_VERSION, 'cache-control': 'no-cache' }
const IMMUTABLE = { ...API_VERSION, 'cache-control': 'public, max-age=31536000, immutable' }
/** What upstream says of a list beside the list. */
const LIST_HEADERS = ['link', 'oci-filters-applied']

export function registryOf(mirror: Mirror, base: string): Site {
  const { registry = '', onDemand = false } = mirror
  const canonical = canonicalRegistry(registry)
  const named = canonical === '' || canonical === DOCKER_HUB ? undefined : canonical
  return { ...siteOf(mirror, base), registry: named, publicOnly: onDemand }
}

/** `variant` says which kinds of manifest the client takes. */
export function planOf(resource: Exclude<Resource, Of<'root'>>, site: Site, variant: string): Plan {
  switch (resource.kind) {
    case 'tag':
      return tagPlan(resource, site, variant)
    case 'tags':
      return listPlan(resource.name, `tags/list${resource.query}`, site, TAG_LIST)
    case 'referrers':
      return listPlan(resource.name, `referrers/${formatDigest(resource.digest)}${resource.query}`, site, REFERRERS)
    case 'manifest':
      return manifestPlan(resource.name, resource.digest, site)
    default:
      return blobPlan(resource.name, resource.digest, site)
  }
}

/** What a registry that has no referrers API keeps under a tag instead (OCI Distribution 1.1, «Referrers Tag Schema»). */
export function fallbackPlan({ name, digest }: Of<'referrers'>, site: Site): Plan {
  return tagPlan({ kind: 'tag', name, tag: formatDigest(digest).replace(':', '-').slice(0, 128) }, site, '')
}

function tagPlan({ name, tag }: Of<'tag'>, site: Site, variant: string): Plan {
  return {
    ...common(name, `manifests/${tag}`, site, variant),
    subject: subjectOf(name, site.registry, tag),
    kind: 'mutable',
    headers: { accept: acceptOf(variant) },
    responseHeaders: { ...MUTABLE, vary: 'accept' },
    lifetime: boundedBy(TAG_LIFETIME, site.lifetime),
    maxBytes: MAX_MANIFEST,
    pointsTo: (headers, sha256) => {
      // A digest that we cannot check tells as little as none.
      const digest = parseImageDigest(headers['docker-content-digest'] ?? '') ?? parseImageDigest(`sha256:${sha256}`)
      return digest && manifestPlan(name, digest, site, headers['content-type'])
    },
  }
}

/** `told` is what another document, or upstream, says that it is. */
function manifestPlan(name: string, digest: Digest, site: Site, told = ''): Plan {
  const { responseHeaders, ...known } = addressed(digest)
  const type = typeIn(told)
  return {
    ...common(name, `manifests/${formatDigest(digest)}`, site),
    subject: subjectOf(name, site.registry, formatDigest(digest)),
    ...known,
    responseHeaders: type === undefined ? responseHeaders : { ...responseHeaders, 'content-type': type },
    headers: { accept: acceptOf('') },
    document: manifestParser,
    maxBytes: MAX_MANIFEST,
    describe: (facts, headers) => described(facts as ManifestFacts | undefined, typeIn(headers['content-type'] ?? '') ?? type),
    children: (facts) => (facts as ManifestFacts).children.flatMap((child) => childOf(child, name, site) ?? []),
    needs: (facts) => NEEDS[(facts as ManifestFacts).kind],
  }
}

/** Of an index one image is wanted, of an image everything. */
const NEEDS = { image: 'all', index: 'one', other: 'none' } as const

/**
 * A manifest that says what it is cannot be given out as something else. Where it does not, upstream's word counts, if it is one
 * that can be right: then the bytes alone would not tell.
 */
function described(facts: ManifestFacts | undefined, told: string | undefined): Record<string, string> {
  if (!facts) return told === undefined ? {} : { 'content-type': told }
  const { mediaType, derived, kind } = facts
  const canBeRight = told !== undefined && isIndexType(told) === (kind === 'index')
  return { 'content-type': mediaType ?? (canBeRight ? told : derived) }
}

function typeIn(contentType: string): string | undefined {
  const type = essence(contentType)
  return isManifestType(type) ? type : undefined
}

function childOf({ digest, size, manifest }: ManifestFacts['children'][number], name: string, site: Site): Child | undefined {
  const parsed = parseImageDigest(digest)
  if (!parsed) return undefined
  const plan = manifest === undefined ? blobPlan(name, parsed, site) : manifestPlan(name, parsed, site, manifest)
  return { plan, size }
}

function blobPlan(name: string, digest: Digest, site: Site): Plan {
  const plan = { ...common(name, `blobs/${formatDigest(digest)}`, site), ...addressed(digest) }
  const type = { 'content-type': 'application/octet-stream' }
  // Some registries hand out manifests as blobs, too: what is denied by its digest is so at either place.
  const subject = subjectOf(name, site.registry, formatDigest(digest))
  return { ...plan, subject, headers: { accept: '*/*' }, responseHeaders: { ...plan.responseHeaders, ...type } }
}

/** What is addressed by its digest: the digest alone is no right to it. */
function addressed(digest: Digest): Pick<Plan, 'kind' | 'digests' | 'guarded'> & { responseHeaders: Record<string, string> } {
  const responseHeaders = { ...IMMUTABLE, 'docker-content-digest': formatDigest(digest) }
  return { kind: 'immutable', digests: [digest], guarded: true, responseHeaders }
}

interface Kind {
  readonly type: string
  readonly parts: Pick<Plan, 'document' | 'isMeant'>
}

const TAG_LIST: Kind = { type: 'application/json', parts: { document: tagListParser } }
const REFERRERS: Kind = {
  type: OCI_INDEX,
  parts: { document: manifestParser, isMeant: (facts) => (facts as ManifestFacts).kind === 'index' },
}

function listPlan(name: string, rest: string, site: Site, { type, parts }: Kind): Plan {
  return {
    ...common(name, rest, site),
    ...parts,
    kind: 'mutable',
    headers: { accept: type },
    responseHeaders: { ...MUTABLE, 'content-type': type },
    lifetime: boundedBy(TAG_LIFETIME, site.lifetime),
    keeps: LIST_HEADERS,
  }
}

/** What paths begin with, below the base of a registry. */
export const API = 'v2/'

type Common = ReturnType<typeof placeOf> & Pick<Plan, 'scope' | 'subject'> & { publicOnly?: true }

function common(name: string, rest: string, site: Site, variant = ''): Common {
  return {
    ...placeOf('oci', site, `${API}${name}/${rest}`, variant),
    subject: subjectOf(name, site.registry),
    // Distribution specification, «Token Scope Documentation».
    scope: `repository:${name}:pull`,
    ...(site.publicOnly ? { publicOnly: true } : {}),
  }
}
