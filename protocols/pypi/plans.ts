import { cacheKey, type Plan } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { type Site as AnySite, boundedBy, placeOf, siteOf } from '../sites.ts'
import { ACCEPT, HTML_TYPE, JSON_TYPE, LATIN_HTML_TYPE } from './accept.ts'
import { type Asked, ENDINGS, expectFile, type Part, uploadTime } from './expect.ts'
import { type PageFacts, pageFacts } from './facts.ts'
import { versionOf } from './names.ts'
import { pageParser } from './page.ts'
import { type FilePath, filePath } from './paths.ts'

/** One index of a mirror. */
export interface Site extends AnySite {
  readonly fileHosts?: readonly string[]
}

const SECOND = 1000
const MINUTE = 60 * SECOND

/** A yank or a new version shows within ten minutes, whatever upstream allows; ten seconds keep a burst of clients off it. */
export const PAGE_LIFETIME = { floor: 10 * SECOND, cap: 10 * MINUTE }

/** Bytes of a page. The largest ones seen have two million; it is read as a whole, and goes out in forms made of it. */
export const MAX_PAGE = 32 << 20

/** Bytes of a wheel that is fetched for its metadata alone. It has to be in memory for that. */
const MAX_WHEEL = 64 << 20

/** Of the key of a wheel that is fetched for its metadata. */
export const WHEEL_VARIANT = 'metadata'

const FILE_HEADERS = {
  'content-type': 'application/octet-stream',
  'cache-control': 'public, max-age=31536000, immutable',
}
/** Clients ask again each time, which costs them a 304; a lifetime of their own would add to ours. */
const PAGE_HEADERS = { 'cache-control': 'no-cache', vary: 'accept, accept-encoding' }

export function siteAt(mirror: Mirror, base: string): Site {
  const { fileHosts } = mirror
  return { ...siteOf(mirror, base), ...(fileHosts ? { fileHosts } : {}) }
}

export function pagePlan(project: string, site: Site): Plan {
  return {
    ...common(`${project}/`, site),
    kind: 'mutable',
    subject: { type: 'pypi', name: project },
    headers: { accept: ACCEPT },
    responseHeaders: PAGE_HEADERS,
    document: pageParser,
    maxBytes: MAX_PAGE,
    isMeant: (facts) => pageFacts(facts, project) !== undefined,
    describe: (facts) => ({ 'content-type': typeOf(facts as PageFacts | undefined) }),
    lifetime: boundedBy(PAGE_LIFETIME, site.lifetime),
    keeps: ['x-pypi-last-serial'],
  }
}

/** Some installers end at a byte that is none of the character set that they were told. */
function typeOf(page: PageFacts | undefined): string {
  if (page?.form !== 'html') return JSON_TYPE
  return page.latin ? LATIN_HTML_TYPE : HTML_TYPE
}

/**
 * A file, at the place that the page tells. Its digest is in its path, so that members can be asked for it before the page is.
 * `url` is where an index made of plain folders would have it, beside the page.
 */
export function filePlan(path: FilePath, site: Site): Plan {
  return wholePlan('file', path, site)
}

export function metadataPlan(path: FilePath, site: Site): Plan {
  return partPlan('metadata', path, site)
}

export function signaturePlan(path: FilePath, site: Site): Plan {
  return partPlan('signature', path, site)
}

/**
 * A wheel that is wanted for the metadata in it, where its page promises some and they are not to be had otherwise. Under a key of its own, since one that is
 * held is served whatever its size; by their digest the two are one when it comes to bytes.
 */
export function wheelForMetadata(path: FilePath, site: Site): Plan {
  return { ...wholePlan('wheel', path, site), key: keyOf(filePath(path), site, WHEEL_VARIANT), maxBytes: MAX_WHEEL }
}

function wholePlan(part: Part, path: FilePath, site: Site): Plan {
  // Where a page promises no digest, an empty list says that this is known.
  return { ...partPlan(part, path, site), digests: path.digest ? [path.digest] : [] }
}

function partPlan(part: Part, path: FilePath, site: Site): Plan {
  const { project, file } = path
  const { mirror, fileHosts } = site
  const ending = ENDINGS[part]
  const { url, ...rest } = common(`${project}/${file}${ending}`, site)
  const page = pagePlan(project, site)
  const asked: Asked = { ...path, part, page, mirror, ...(fileHosts ? { fileHosts } : {}) }
  return {
    ...rest,
    url,
    key: keyOf(filePath(path) + ending, site),
    kind: 'immutable',
    subject: { type: 'pypi', name: project, version: versionOf(project, file) },
    published: (lookup, signal) => uploadTime({ ...asked, part: 'file' }, lookup, signal),
    // A file that a server compresses once more is no longer what the digest is of.
    headers: { accept: '*/*', 'accept-encoding': 'identity' },
    responseHeaders: FILE_HEADERS,
    placed: true,
    // Whoever knows a digest could name it as a file of any project otherwise, and have what rules and routes keep from him.
    guarded: true,
    expect: (lookup, signal) => expectFile(asked, lookup, signal),
  }
}

function keyOf(path: string, { base }: Site, variant = ''): string {
  return cacheKey({ ecosystem: 'pypi', base, path, variant })
}

function common(path: string, site: Site): ReturnType<typeof placeOf> {
  return placeOf('pypi', site, path)
}
