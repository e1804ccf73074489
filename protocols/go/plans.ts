import type { Plan, Subject } from '../../node/cache/plan.ts'
import type { Mirror } from '../protocol.ts'
import { type Site as AnySite, boundedBy, placeOf, siteOf } from '../sites.ts'
import { expectFile, isInLog, type Log } from './expect.ts'
import { headParser } from './head.ts'
import { infoFacts, infoParser } from './info.ts'
import { listParser, newestIn } from './list.ts'
import { modFileParser } from './mod-file.ts'
import { isCanonical } from './names.ts'
import { isSignedBy, type Verifier } from './note.ts'
import { type DatabaseResource, type ModuleResource, type Resource, upstreamPath, type VersionResource } from './paths.ts'
import { checksumIn, type LogRecord, recordParser } from './record.ts'
import { supportedParser } from './supported.ts'
import { dataTileParser, HASH_BYTES, type TileFacts, tileParser } from './tile.ts'
import type { Tile } from './tiles.ts'
import { defaultUpstreams } from './upstreams.ts'

/** One upstream of a mirror. */
export interface Site extends AnySite {
  /** The checksum database that is believed; without one nothing is verified. */
  readonly database?: { readonly name: string; readonly verifier: Verifier; readonly isPublic: boolean }
  /** Upstream is not to fetch what it does not have yet (`Disable-Module-Fetch`): its «no» is another one then. */
  readonly cachedOnly?: boolean
}

type Of<Kind extends DatabaseResource['kind']> = Extract<DatabaseResource, { kind: Kind }>

const SECOND = 1000
const DAY = 24 * 60 * 60 * SECOND

/** What was tagged is installable within a minute. */
const NAMES_LIFETIME = { floor: 30 * SECOND, cap: 60 * SECOND }
/** Of documents that never change: they are asked for again only if a client insists. */
const FOR_EVER = { floor: 3650 * DAY, cap: 3650 * DAY }

/**
 * Ms that a «no» counts at most. It is often about a moment: 404 and 410 are also said of what was only fetched too slowly from where
 * the code is. A module's name is asked for by each prefix of each import, so that there it counts for longer.
 */
const NEGATIVE = { version: 10 * SECOND, name: 30 * SECOND }

const NO_CACHE = { 'cache-control': 'no-cache', vary: 'accept-encoding' }
const IMMUTABLE = { 'cache-control': 'public, max-age=31536000, immutable' }
const TEXT = { 'content-type': 'text/plain; charset=utf-8' }
const JSON_TYPE = { 'content-type': 'application/json' }
const BYTES = { 'content-type': 'application/octet-stream' }

/** The go command takes no larger ones (x/mod/zip, `MaxZipFile` and `MaxGoMod`). */
const MAX_ZIP = 500 << 20
const MAX_MOD = 16 << 20
/** Bytes of answers that have a few lines, and of lists. */
const MAX_SMALL = 1 << 20
const MAX_LIST = 16 << 20
/** Bytes of a record, which has two lines of a go.sum, and of a tile of them; the go command asks for 256 at a time. */
const MAX_RECORD = 4 << 10
const MAX_RECORDS = 16 << 20

export function siteWith(mirror: Mirror, base: string, database: Site['database'], cachedOnly = false): Site {
  return { ...siteOf(mirror, base), cachedOnly, ...(database ? { database } : {}) }
}

export function planOf(resource: ModuleResource, site: Site): Plan {
  switch (resource.kind) {
    case 'list':
      return {
        ...mutable(resource, site, namesLifetime(site)),
        responseHeaders: { ...TEXT, ...NO_CACHE },
        document: listParser,
        undated: (facts) => newestIn(facts).map((line) => line.map((version) => infoOf(resource.module, version, site))),
        maxBytes: MAX_LIST,
      }
    case 'latest':
      return queryPlan(resource, site)
    case 'info':
      return isCanonical(resource.version) ? infoPlan(resource, site) : queryPlan(resource, site)
    default:
      return filePlan(resource, site)
  }
}

/** What a branch, a commit or the beginning of a version stands for now. */
function queryPlan(resource: ModuleResource, site: Site): Plan {
  return {
    ...mutable(resource, site, namesLifetime(site)),
    responseHeaders: { ...JSON_TYPE, ...NO_CACHE },
    document: infoParser,
    maxBytes: MAX_SMALL,
  }
}

/** A version for ever. No digest tells what is right, so that it is a document, of which nothing but the right version is kept. */
function infoPlan(resource: VersionResource, site: Site): Plan {
  const { module, version } = resource
  const plan: Plan = {
    ...mutable(resource, site, FOR_EVER),
    responseHeaders: { ...JSON_TYPE, ...IMMUTABLE },
    subject: subjectOf(module, version),
    document: infoParser,
    isMeant: (facts) => {
      const told = infoFacts(facts)?.version
      // So are versions called whose module has no go.mod for them.
      return told === version || told === `${version}+incompatible`
    },
    maxBytes: MAX_SMALL,
  }
  return { ...plan, published: publishedBy(plan) }
}

/**
 * A go.mod is needed of versions that nobody builds with, too, and has no code: a rule about versions must not break the graph. So
 * its subject is the module.
 */
function filePlan(resource: VersionResource, site: Site): Plan {
  const { module, version, kind } = resource
  const { database } = site
  const isZip = kind === 'zip'
  const plan: Plan = {
    ...common(resource, site, believed(site)),
    kind: 'immutable',
    located: true,
    negative: NEGATIVE.version,
    responseHeaders: { ...(isZip ? { 'content-type': 'application/zip' } : TEXT), ...IMMUTABLE },
    maxBytes: isZip ? MAX_ZIP : MAX_MOD,
    ...(isZip
      ? { subject: subjectOf(module, version), published: publishedBy(infoOf(module, version, site)) }
      : { document: modFileParser }),
  }
  if (!database) return { ...plan, digests: [] }
  const { name, verifier } = database
  const isListed = database.isPublic && defaultUpstreams.includes(site.base)
  const asked = { module, version, of: isZip ? 'zip' : 'mod', isListed } as const
  const record = databasePlan({ kind: 'record', database: name, module, version }, site, verifier)
  const log = logOf(name, site, verifier)
  return { ...plan, proven: true, expect: (lookup, signal) => expectFile(asked, record, log, lookup, signal) }
}

function logOf(database: string, site: Site, verifier: Verifier): Log {
  return {
    verifier,
    head: databasePlan({ kind: 'head', database }, site, verifier),
    tile: (tile: Tile) => databasePlan({ kind: 'tile', database, tile }, site, verifier),
  }
}

function infoOf(module: string, version: string, site: Site): Plan {
  return infoPlan({ kind: 'info', module, version }, site)
}

function publishedBy(info: Plan): NonNullable<Plan['published']> {
  return async (lookup, signal) =>
    infoFacts((await lookup.cached(info)) ?? (await lookup.fetch(info, signal)))?.time ?? undefined
}

/** Of the checksum database, as upstream passes it on. Nothing of it is kept that its key did not sign, where that can be told. */
export function databasePlan(resource: DatabaseResource, site: Site, verifier: Verifier): Plan {
  switch (resource.kind) {
    case 'supported':
      return {
        ...mutable(resource, site, namesLifetime(site)),
        responseHeaders: { ...TEXT, ...NO_CACHE },
        document: supportedParser,
      }
    case 'head':
      return {
        ...mutable(resource, site, namesLifetime(site)),
        responseHeaders: { ...TEXT, ...NO_CACHE },
        document: headParser,
        isMeant: (facts) => isSignedBy((facts as LogRecord['head']).note, verifier),
        maxBytes: MAX_SMALL,
      }
    case 'record': {
      const log = logOf(resource.database, site, verifier)
      return {
        ...mutable(resource, site, FOR_EVER),
        responseHeaders: { ...TEXT, ...IMMUTABLE },
        document: recordParser,
        isMeant: (facts) => isRecordOf(facts as LogRecord, resource, verifier),
        proof: (facts, lookup, signal) => isInLog(facts as LogRecord, log, lookup, signal),
        maxBytes: MAX_SMALL,
      }
    }
    default:
      return tilePlan(resource, site)
  }
}

function isRecordOf(record: LogRecord, { module, version }: Of<'record'>, verifier: Verifier): boolean {
  const isKnown =
    checksumIn(record, module, version, 'zip') !== undefined || checksumIn(record, module, version, 'mod') !== undefined
  return isKnown && record.id < record.head.size && isSignedBy(record.head.note, verifier)
}

/** Part of a tile is fixed, too: what comes later has another path. */
function tilePlan(resource: Of<'tile'>, site: Site): Plan {
  const { level, width } = resource.tile
  const plan = { ...mutable(resource, site, FOR_EVER), responseHeaders: { ...BYTES, ...IMMUTABLE } }
  if (level === 'data') return { ...plan, document: dataTileParser, maxBytes: Math.min(width * MAX_RECORD, MAX_RECORDS) }
  const size = width * HASH_BYTES
  return {
    ...plan,
    document: tileParser,
    isMeant: (facts) => Buffer.byteLength((facts as TileFacts).hashes, 'base64') === size,
    maxBytes: size,
  }
}

/** Of the variants of what upstream was not to fetch. */
export const CACHED_ONLY = 'cached-only'

function mutable(resource: Resource, site: Site, lifetime: NonNullable<Plan['lifetime']>) {
  const negative = lifetime === FOR_EVER ? NEGATIVE.version : NEGATIVE.name
  return { ...common(resource, site), kind: 'mutable' as const, lifetime, negative }
}

function namesLifetime({ lifetime }: Site): NonNullable<Plan['lifetime']> {
  return boundedBy(NAMES_LIFETIME, lifetime)
}

/**
 * Part of the key of what is verified: mirrors of one upstream may believe different databases, and what one of them keeps unverified
 * is not what another one promises. Undefined for the database that is the usual one.
 */
function believed({ database }: Site): string | undefined {
  if (!database) return 'sumdb-off'
  return database.isPublic ? undefined : `sumdb-${database.name}+${keyOf(database)}`
}

function keyOf({ verifier }: NonNullable<Site['database']>): string {
  return verifier.hash.toString('hex')
}

function common(resource: Resource, site: Site, trust?: string) {
  const path = upstreamPath(resource)
  // What another key signed, as before it was changed, is no word of this database.
  if ('database' in resource) return placeOf('go', site, path, site.database && `key-${keyOf(site.database)}`)
  const variant = [site.cachedOnly ? CACHED_ONLY : undefined, trust].filter((one) => one !== undefined).join(' ')
  return {
    ...placeOf('go', site, path, variant),
    subject: subjectOf(resource.module),
    ...(site.cachedOnly ? { headers: { 'disable-module-fetch': 'true' } } : {}),
  }
}

function subjectOf(module: string, version?: string): Subject {
  const slash = module.lastIndexOf('/')
  return {
    type: 'golang',
    ...(slash < 0 ? {} : { namespace: module.slice(0, slash) }),
    name: module.slice(slash + 1),
    ...(version === undefined ? {} : { version }),
  }
}
