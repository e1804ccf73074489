import type { Plan } from '../../node/cache/plan.ts'
import type { Mirror, TarballUrls } from '../protocol.ts'
import { type Site as AnySite, boundedBy, placeOf, siteOf } from '../sites.ts'
import { ABBREVIATED_TYPE, FULL_TYPE, type Variant } from './accept.ts'
import { expectTarball, type Sources } from './expect.ts'
import { packageFacts } from './facts.ts'
import { manifestParsers } from './manifest.ts'
import { isExactVersion, versionInFile } from './names.ts'
import { packumentParsers } from './packument.ts'
import { type Resource, upstreamPath } from './paths.ts'
import { signaturesParser } from './signatures.ts'
import { publishedOf, subjectOf } from './subject.ts'

/** One upstream of a mirror. */
export interface Site extends AnySite {
  readonly tarballUrls: TarballUrls
}

type Of<Kind extends Resource['kind']> = Extract<Resource, { kind: Kind }>
const KEPT = ['packument', 'manifest', 'tarball', 'attestations', 'keys'] as const
/** What is kept; all other resources are answered at once or by upstream each time. */
export type Kept = Of<(typeof KEPT)[number]>

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What was published is installable within five minutes, whatever upstream allows; ten seconds keep a burst of clients off it. */
const NAMES_LIFETIME = { floor: 10 * SECOND, cap: 5 * MINUTE }
/** A published version never changes but for its deprecation note, so upstream's five minutes are stretched. */
const VERSION_LIFETIME = { floor: HOUR, cap: DAY }

/**
 * One spelling for each variant. The abbreviated one is what pnpm, bun and yarn send themselves: a CDN that keeps answers by
 * `accept` has that one already.
 */
const ACCEPT: Readonly<Record<Variant, string>> = {
  abbreviated: `${ABBREVIATED_TYPE}; q=1.0, ${FULL_TYPE}; q=0.8, */*`,
  full: FULL_TYPE,
}

/** Clients ask again each time, which costs them a 304; a lifetime of their own would add to ours. */
const MUTABLE_HEADERS = { 'cache-control': 'no-cache', vary: 'accept-encoding' }
const TARBALL_HEADERS = {
  'content-type': 'application/octet-stream',
  'cache-control': 'public, max-age=31536000, immutable',
}

export function isKept(resource: Resource): resource is Kept {
  return KEPT.some((kind) => kind === resource.kind)
}

/** What routes bind; empty for what concerns no package. */
export function boundName(resource: Kept): string {
  return 'name' in resource ? resource.name.toLowerCase() : ''
}

export function siteAt(mirror: Mirror, base: string): Site {
  const { tarballUrls = 'rewrite' } = mirror
  return { ...siteOf(mirror, base), tarballUrls }
}

export function planOf(resource: Kept, site: Site, variant: Variant): Plan {
  switch (resource.kind) {
    case 'packument':
      return packumentPlan(resource, site, variant)
    case 'manifest':
      return manifestPlan(resource, site)
    case 'tarball':
      return tarballPlan(resource, site)
    default:
      return signaturesPlan(resource, site)
  }
}

function packumentPlan(resource: Of<'packument'>, site: Site, variant: Variant): Plan {
  const type = variant === 'full' ? FULL_TYPE : ABBREVIATED_TYPE
  const plan: Plan = {
    ...common(resource, site, variant),
    subject: subjectOf(resource.name),
    kind: 'mutable',
    headers: { accept: ACCEPT[variant] },
    responseHeaders: { ...MUTABLE_HEADERS, 'content-type': type, vary: 'accept, accept-encoding' },
    document: packumentParsers[site.tarballUrls],
    isMeant: (facts) => packageFacts(facts, resource.name) !== undefined,
    lifetime: namesLifetime(site),
  }
  // Not the other way round: what the abbreviated document leaves out, nobody can put back.
  if (variant === 'full') return plan
  const full = packumentPlan(resource, site, 'full')
  return { ...plan, standIn: full, dated: full }
}

function manifestPlan(resource: Of<'manifest'>, site: Site): Plan {
  const { name, selector } = resource
  return {
    ...common(resource, site),
    ...(isExactVersion(selector) ? versionOf(name, selector, site) : { subject: subjectOf(name) }),
    kind: 'mutable',
    headers: { accept: FULL_TYPE },
    responseHeaders: { ...MUTABLE_HEADERS, 'content-type': FULL_TYPE },
    document: manifestParsers[site.tarballUrls],
    isMeant: (facts) => packageFacts(facts, resource.name) !== undefined,
    lifetime: isExactVersion(resource.selector) ? VERSION_LIFETIME : namesLifetime(site),
  }
}

function tarballPlan(resource: Of<'tarball'>, site: Site): Plan {
  const { name } = resource
  const place = common(resource, site)
  const asked = { name, file: resource.file, base: site.base, url: place.url }
  return {
    ...place,
    // A file that follows no convention may be any version's, which is for the policy to fear.
    ...versionOf(name, versionInFile(name, resource.file) ?? resource.file, site),
    kind: 'immutable',
    // A .tgz that a server compresses once more is no longer what the digest is of.
    headers: { accept: '*/*', 'accept-encoding': 'identity' },
    responseHeaders: TARBALL_HEADERS,
    algorithms: ['sha512'],
    expect: (lookup, signal) => expectTarball(asked, sourcesOf(name, site), lookup, signal),
  }
}

/** Plans of documents are larger than that of the tarball, which is remembered with each of its targets: they are made when asked for. */
function sourcesOf(name: string, site: Site): Sources {
  return {
    packument: (variant) => packumentPlan({ kind: 'packument', name }, site, variant),
    manifest: (selector) => manifestPlan({ kind: 'manifest', name, selector }, site),
  }
}

/**
 * Keys and attestations. Attestations belong to a version, yet are mutable: a registry may add one to a version that is out
 * already, and a copy kept for ever would hide it.
 */
function signaturesPlan(resource: Of<'keys' | 'attestations'>, site: Site): Plan {
  return {
    ...common(resource, site),
    ...(resource.kind === 'attestations' ? { subject: subjectOf(resource.name, resource.version) } : {}),
    kind: 'mutable',
    headers: { accept: FULL_TYPE },
    responseHeaders: { ...MUTABLE_HEADERS, 'content-type': FULL_TYPE },
    document: signaturesParser,
    lifetime: resource.kind === 'keys' ? namesLifetime(site) : VERSION_LIFETIME,
  }
}

function versionOf(name: string, version: string, site: Site): Pick<Plan, 'subject' | 'published'> {
  return {
    subject: subjectOf(name, version),
    published: (...asked) => publishedOf({ name, version }, packumentPlan({ kind: 'packument', name }, site, 'full'), ...asked),
  }
}

function namesLifetime({ lifetime }: Site): NonNullable<Plan['lifetime']> {
  return boundedBy(NAMES_LIFETIME, lifetime)
}

function common(resource: Kept, site: Site, variant?: Variant): ReturnType<typeof placeOf> {
  return placeOf('npm', site, upstreamPath(resource), variant)
}
