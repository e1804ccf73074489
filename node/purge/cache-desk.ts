import { randomUUID } from 'node:crypto'
import type { Mirror } from '../../protocols/protocol.ts'
import { parseKey } from '../cache/plan.ts'
import { isCollisionFree, parseDigests } from '../digest.ts'
import { WarrenError } from '../errors.ts'
import type { MeshSwitch } from '../mesh/mesh-switch.ts'
import type { Whereabouts } from '../mesh/whereabouts.ts'
import { purlOf } from '../policy/policy.ts'
import type { NameRecord, Store } from '../store/store.ts'
import { type CacheQuestion, CacheSearch } from './cache-search.ts'
import type { MatcherComponents } from './matcher.ts'
import type { PurgeRun } from './purge-run.ts'
import type { Purger } from './purger.ts'
import { type PurgeScope, purgeScope } from './scope.ts'

export interface CacheDeskComponents extends MatcherComponents {
  readonly store: Pick<Store, 'records' | 'blobs' | 'purged'>
  readonly purger: Pick<Purger, 'apply' | 'run' | 'runs'>
  readonly mesh: Pick<MeshSwitch, 'whereabouts' | 'seeds'>
  mirrors(): readonly { readonly mirror: Mirror; readonly protocol: { readonly name: string } }[]
}

/** Something that is kept under a name. */
export interface Kept {
  readonly key: string
  readonly record: NameRecord
  /** Names of the mirrors that ask its upstream. */
  readonly mirrors: readonly string[]
  /** Package URL of what it is of; null for what belongs to no package. */
  readonly purl: string | null
  /** Whether its bytes are here: names outlive them. */
  readonly held: boolean
}

/** What is meant by words of people, of which one is given, or a mirror together with a pattern of its paths. */
export interface Wanted {
  readonly all?: boolean | undefined
  readonly mirror?: string | undefined
  readonly pattern?: string | undefined
  readonly package?: string | undefined
  readonly digest?: string | undefined
  readonly scopes?: readonly PurgeScope[] | undefined
}

/** What a purge would be about. */
export interface Preview {
  readonly scopes: readonly PurgeScope[]
  readonly records: number
  /** Of their blobs, of which some may have other names as well. */
  readonly bytes: number
  /** The first keys. */
  readonly sample: readonly string[]
}

/** Records that a preview takes in one page. */
const PAGE = 1_000
const SAMPLE = 20
/** Blobs that are known to have been counted: of what is beyond, one with two names counts twice. */
const MOST_COUNTED = 100_000

/** What is in the cache of this node, and its purges, for its API. */
export class CacheDesk {
  readonly #components: CacheDeskComponents
  readonly #search: CacheSearch

  constructor(components: CacheDeskComponents) {
    this.#components = components
    this.#search = new CacheSearch(components)
  }

  /** Throws NOT_FOUND for a mirror that is not there. */
  async search(
    { text, ...wanted }: Wanted & Pick<CacheQuestion, 'text'>,
    { after, limit }: { readonly after: string; readonly limit: number },
    signal: AbortSignal,
  ): Promise<{ found: Kept[]; next: string | undefined }> {
    const isNarrow = Object.values(wanted).some((one) => one !== undefined)
    const scopes = this.scopesOf(isNarrow ? wanted : { all: true })
    const { found, next } = await this.#search.page({ scopes, text }, after, limit, signal)
    return { found: found.map(([key, record]) => this.#kept(key, record)), next }
  }

  /** What is kept under a key, and who else in the mesh has it. Throws NOT_FOUND. */
  async artifact(key: string, signal: AbortSignal): Promise<Kept & { mesh: Whereabouts; seeds: readonly string[] }> {
    const { mesh } = this.#components
    const kept = this.#of(key)
    const digests = parseDigests(kept.record.verified).filter(isCollisionFree)
    const isAsked = !kept.record.private && digests.length > 0
    const nowhere = { members: [], coversAll: false, headStart: 0 }
    const where = isAsked ? await mesh.whereabouts(digests, { metered: false }, signal) : nowhere
    return { ...kept, mesh: where, seeds: kept.record.private ? [] : mesh.seeds(key).map(({ id }) => id) }
  }

  /** Purges what is kept under a key, in all variants. Throws NOT_FOUND. */
  async remove(key: string): Promise<PurgeRun> {
    const { record } = this.#of(key)
    const { ecosystem, base, path: pattern } = parseKey(key) ?? {}
    const { data } = purgeScope.safeParse({ kind: 'path', ecosystem, base, pattern })
    // A star that somebody asked for upstream would stand for all other paths.
    const isPlain = data !== undefined && !pattern?.includes('*')
    const scope = isPlain ? data : { kind: 'digest' as const, digest: `sha256:${record.blob}` }
    return this.#components.purger.apply(localId(), [scope])
  }

  /** Throws BAD_REQUEST for what cannot be put in words of a purge, and NOT_FOUND for a mirror that is not there. */
  purge(wanted: Wanted): Promise<PurgeRun> {
    return this.#components.purger.apply(localId(), this.scopesOf(wanted))
  }

  /** What a purge would be about now. Looks through all of it. */
  async preview(wanted: Wanted, signal: AbortSignal): Promise<Preview> {
    const scopes = this.scopesOf(wanted)
    const counted = new Set<string>()
    const sample: string[] = []
    let records = 0
    let bytes = 0
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await this.#search.page({ scopes }, after, PAGE, signal)
      records += page.found.length
      for (const [key, { blob, size, link }] of page.found) {
        if (sample.length < SAMPLE) sample.push(key)
        if (link || counted.has(blob)) continue
        bytes += size
        if (counted.size < MOST_COUNTED) counted.add(blob)
      }
      after = page.next
    }
    return { scopes, records, bytes, sample }
  }

  run(id: string): PurgeRun {
    const run = this.#components.purger.run(id)
    if (run) return run
    throw new WarrenError('NOT_FOUND', `this node knows of no purge ${id.slice(0, 80)}`)
  }

  runs(): readonly PurgeRun[] {
    return this.#components.purger.runs()
  }

  /** Throws BAD_REQUEST and NOT_FOUND. */
  scopesOf({ all, mirror, pattern, package: purl, digest, scopes }: Wanted): readonly PurgeScope[] {
    const ways = [all === true || undefined, mirror, purl, digest, scopes].filter((one) => one !== undefined)
    if (ways.length !== 1 || (pattern !== undefined && mirror === undefined))
      throw new WarrenError(
        'BAD_REQUEST',
        'name one of all, mirror, package, digest and scopes; a pattern needs a mirror beside it',
      )
    if (all) return [{ kind: 'all' }]
    if (scopes) return scopes
    if (mirror !== undefined) return this.#ofMirror(mirror, pattern)
    const { data } = purgeScope.safeParse(purl === undefined ? { kind: 'digest', digest } : { kind: 'package', purl })
    if (data) return [data]
    throw new WarrenError(
      'BAD_REQUEST',
      purl === undefined
        ? 'a digest is written as an algorithm and digits from 0 to f, such as sha256:…'
        : 'a package is written as rules of policy.deny are, such as pkg:npm/left-pad@<1.3.0 or pkg:pypi/req*',
    )
  }

  #ofMirror(name: string, pattern: string | undefined): PurgeScope[] {
    const all = this.#components.mirrors()
    const one = all.find(({ mirror }) => mirror.name === name)
    if (!one) {
      const names = all.map(({ mirror }) => mirror.name).join(', ')
      throw new WarrenError('NOT_FOUND', `there is no mirror ${name.slice(0, 80)}; there is ${names}`)
    }
    const { mirror, protocol } = one
    const bases = new Set([...mirror.upstreams, ...(mirror.routes ?? []).flatMap(({ upstream }) => upstream ?? [])])
    const scopes = [...bases].map((base) =>
      purgeScope.safeParse(
        pattern === undefined
          ? { kind: 'upstream', ecosystem: protocol.name, base }
          : { kind: 'path', ecosystem: protocol.name, base, pattern },
      ),
    )
    const good = scopes.flatMap(({ data }) => data ?? [])
    if (good.length === scopes.length && good.length > 0) return good
    throw new WarrenError(
      'BAD_REQUEST',
      good.length < scopes.length
        ? 'a pattern is of paths as upstream has them: printable ASCII without spaces, 900 characters at most, * for any characters'
        : `the mirror ${name} has no upstream of its own: name a package or a digest`,
    )
  }

  #of(key: string): Kept {
    const record = this.#components.store.records.get(key)
    if (record) return this.#kept(key, record)
    throw new WarrenError('NOT_FOUND', 'nothing is kept under this key; GET /admin/v1/cache tells keys')
  }

  #kept(key: string, record: NameRecord): Kept {
    const { planOf, find, mirrors } = this.#components
    const { ecosystem, base = '' } = parseKey(key) ?? {}
    const subject = planOf(key)?.subject
    const asking = mirrors().filter(
      ({ mirror, protocol }) =>
        protocol.name === ecosystem &&
        (mirror.upstreams.includes(base) || mirror.routes?.some(({ upstream }) => upstream === base)),
    )
    return {
      key,
      record,
      mirrors: asking.map(({ mirror }) => mirror.name),
      purl: subject ? purlOf(subject) : null,
      held: find({ algorithm: 'sha256', hex: record.blob }) !== undefined,
    }
  }
}

function localId(): string {
  return `local-${randomUUID()}`
}
