import { type ByteAlgorithm, type Digest, isOfBytes } from '../digest.ts'
import type { UpstreamRequest } from '../upstream/upstream.ts'

/** What a parser found in a document. Everything in it must survive JSON. */
export interface ParsedDocument<Facts = unknown> {
  /**
   * Where the document names its own registry: bytes [start, end) are to be replaced by the caller's base URL followed by
   * `suffix`. In ascending order, not overlapping.
   */
  readonly spans: readonly (readonly [start: number, end: number, suffix: string])[]
  /** What the grammar wants to know later without parsing again. */
  readonly facts: Facts
}

/**
 * Reads a document of an ecosystem. `module` and `exportName` say where `parse` is exported, so that large documents are
 * parsed in a worker thread; `id` changes whenever the result for the same bytes would.
 */
export interface DocumentParser<Facts = unknown> {
  readonly id: string
  /** `import.meta.url` of the module. */
  readonly module: string
  readonly exportName: string
  /** Throws a plain Error that says what is wrong when the bytes are not such a document. */
  parse(bytes: Buffer): ParsedDocument<Facts>
}

/** The same for what has to be unpacked first: few bytes may be many then, so that it is parsed in a worker thread, always. */
export interface IndexParser<Facts = unknown> extends Omit<DocumentParser<Facts>, 'parse'> {
  readonly unpacks: true
  parse(bytes: Buffer): Promise<ParsedDocument<Facts>>
}

/** What has to be true of an artifact, learnt from its ecosystem's metadata. */
export interface Expectation {
  /** Any one of the digests of the strongest algorithm must match (W3C SRI section 3.3.4). Empty: upstream promises none. */
  readonly digests: readonly Digest[]
  /** Where the metadata says that the artifact is, when that differs from the plan's URL. */
  readonly url?: string
}

/** Lets a plan consult documents while it is being carried out. */
export interface Lookup {
  /** Facts of a document that is in the cache, however old. */
  cached(plan: Plan): Promise<unknown>
  /**
   * Facts of a document, fetched if need be; rejects as the cache does. While upstream is in trouble those of a copy will do, unless it
   * has to be `confirmed`: what a copy does not name may be there by now.
   */
  fetch(plan: Plan, signal: AbortSignal, need?: 'confirmed'): Promise<unknown>
  /** Keys of what is held that begin with `prefix`, in order: 64 of them at most. Not where all is asked for anew. */
  held?(prefix: string): Promise<readonly string[]>
  /**
   * Resolves once upstream has begun to send the artifact, and rejects once it turned out that it will not: of what is not there nothing
   * further has to be asked. Absent where only the metadata are asked for.
   */
  coming?(): Promise<void>
}

/** The package that a request is about, as its package URL names it (purl-spec «Types»). */
export interface Subject {
  readonly type: string
  readonly namespace?: string
  readonly name: string
  /** Absent where a document speaks of all versions. */
  readonly version?: string
}

/** What a protocol makes of a request: everything that the engine needs to know, and nothing about who asked. */
export interface Plan {
  /** From `cacheKey`. */
  readonly key: string
  readonly ecosystem: string
  /** Name of the mirror: for counting, messages, and for whom a policy let it through; never a part of the key. */
  readonly mirror: string
  /** Immutable: addressed by digest or version, kept for ever. Mutable: names, tags, indexes. */
  readonly kind: 'immutable' | 'mutable'
  readonly url: string
  /** The configured base URL of the upstream. */
  readonly base: string
  /** Request headers for upstream, lower-case (`accept` above all). */
  readonly headers?: Readonly<Record<string, string>>
  /** What it is of, for the policy; undefined for what belongs to no package. */
  readonly subject?: Subject
  /** What else it may be of, of the same type, where its address can be read in several ways. Not without `subject`. */
  readonly readings?: readonly Subject[]
  /**
   * When the version was published, in ms since the epoch, from documents; undefined where nothing tells. Asked only where a
   * minimum age is set.
   */
  readonly published?: (lookup: Lookup, signal: AbortSignal) => Promise<number | undefined>
  /** The same document in a form that tells when versions were published, where this one does not: asked where a minimum age is set. */
  readonly dated?: Plan
  /**
   * Versions that a document names and tells no dates of, in the order in which clients choose from them: the first of each line are
   * asked for theirs (`published`) where a minimum age is set, until one is old enough.
   */
  readonly undated?: (facts: unknown) => readonly (readonly Plan[])[]
  /** Headers that every answer carries, over upstream's. */
  readonly responseHeaders?: Readonly<Record<string, string>>
  /** Digests that are known from the request itself. */
  readonly digests?: readonly Digest[]
  /**
   * Asked beside the fetch when `digests` is absent. Undefined, or a rejection: nothing can be known now, and what comes is
   * served unverified and not kept. Of something mutable it is asked again for what does not match, since both may have changed
   * in between; what still does not match then is trouble.
   */
  readonly expect?: (lookup: Lookup, signal: AbortSignal) => Promise<Expectation | undefined>
  /** Whether `expect` looks at a signature that proves what it must be, which nobody's word replaces. */
  readonly proven?: boolean
  /** Whether only `expect` tells where it is, so that `url` is not asked unless that says so. With `digests` it is always so. */
  readonly placed?: boolean
  /** Whether it is at `url` or nowhere, though there is an `expect`: a HEAD there is answer enough. */
  readonly located?: boolean
  /** What upstream's metadata may promise beside sha256, so that it is computed while the bytes pass. */
  readonly algorithms?: readonly ByteAlgorithm[]
  /** Headers that tell digests of the bytes, once they were computed (`algorithms`), by algorithm: lower-case names, hex. */
  readonly digestHeaders?: Readonly<Partial<Record<ByteAlgorithm, string>>>
  /** For documents: checked and parsed before they are kept. */
  readonly document?: DocumentParser
  /**
   * For what goes out as it comes, whatever is in it, but tells of other artifacts: read behind the client's back once it is kept, for
   * `Lookup.cached`. Not together with `document`.
   */
  readonly index?: IndexParser
  /** Documents that are wanted next, fetched ahead in the background when this one has come from upstream. */
  readonly prefetch?: (facts: unknown) => readonly Plan[]
  /**
   * Mutable and of any size: its bytes go out while they come, as those of an artifact do, and are looked at again when their
   * lifetime is over. Without it what is mutable is read as a whole before it goes out. Not together with `document`.
   */
  readonly streamed?: boolean
  /**
   * Whether it is not kept where upstream forbids that (`no-store`, `private`; RFC 9111 section 3). Package registries send both with
   * what everybody may have, so that neither counts unless this is set.
   */
  readonly heedsNoStore?: boolean
  /** Whether a document with these facts is the one that was asked for; another one is trouble and never kept. */
  readonly isMeant?: (facts: unknown) => boolean
  /**
   * Whether other documents, small ones, prove what this mutable one says. False is trouble, as of a document that does not fit its
   * digest; where it rejects nothing can be known now, and the document goes out and is not kept.
   */
  readonly proof?: (facts: unknown, lookup: Lookup, signal: AbortSignal) => Promise<boolean>
  /** Bounds in ms around the lifetime that upstream gives a mutable resource; `silent` is the floor where it tells of none. */
  readonly lifetime?: { readonly floor: number; readonly cap: number; readonly silent?: number }
  /** Longest time in ms for which upstream's «no» counts, where its ecosystem also says 404 or 410 for what it may have soon. */
  readonly negative?: number
  /** Another variant that may stand in while upstream is in trouble. */
  readonly standIn?: Plan
  /** Most bytes that it may have; of documents the cache takes no more than 128 MiB in any case. */
  readonly maxBytes?: number
  /** Upstream's headers that are kept beside the usual ones, lower-case names. */
  readonly keeps?: readonly string[]
  /** What a token is asked for where upstream wants one, such as `repository:library/x:pull` (Distribution «Token Scope»). */
  readonly scope?: string
  /**
   * What a name points to, from upstream's answer to HEAD: the plan of that document, which is fetched only if it is not held.
   * Undefined where the answer does not tell; then `sha256` (hex) of the bytes themselves does, once they were fetched.
   */
  readonly pointsTo?: (headers: Readonly<Record<string, string>>, sha256?: string) => Plan | undefined
  /**
   * Headers that the document tells, beside upstream's: bytes that come from a member come without any. `facts` is undefined where
   * there are only headers. Throws UPSTREAM_CORRUPT where upstream's tell of something else, such as a web page.
   */
  readonly describe?: (facts: unknown, headers: Readonly<Record<string, string>>) => Readonly<Record<string, string>>
  /** What the document names. Only such children, and what upstream says it has there, are looked for by their digest. */
  readonly children?: (facts: unknown) => readonly Child[]
  /** How many of the children a document must come with to be of use. */
  readonly needs?: (facts: unknown) => 'all' | 'one' | 'none'
  /** Whether upstream was named by a client, and must be no address of this network. */
  readonly publicOnly?: boolean
  /**
   * Whether the key has to be named by a held document, or confirmed by upstream, before its digest is looked for elsewhere: so with
   * every digest that a client chooses. Where there is an `expect`, that it resolves is the confirmation; of what is `located` a HEAD
   * is one, too.
   */
  readonly guarded?: boolean
  /** Hears how many bytes had to be brought for it, as they come, from wherever: who has others fetch something answers for that. */
  readonly brought?: (bytes: number) => void
}

/** What a document names: an artifact or a further document, both known by their digest. */
export interface Child {
  readonly plan: Plan
  /** Bytes. */
  readonly size: number
}

/** What a document names; nothing where there is none. */
export function childrenOf(plan: Plan, facts: unknown): readonly Child[] {
  return facts === undefined ? [] : (plan.children?.(facts) ?? [])
}

/** What is computed of a plan's bytes beside sha256. */
export function algorithmsOf({ digests, algorithms = [] }: Plan): ByteAlgorithm[] {
  return (digests?.map(({ algorithm }) => algorithm) ?? algorithms).filter(isOfBytes)
}

/** What the keys of all variants of a resource begin with. */
export function variantsOf(key: string): string {
  return `${key.split('\n', 3).join('\n')}\n`
}

/** What a request to upstream for a plan says of its upstream. */
export function atUpstream({
  key,
  base,
  scope,
  publicOnly,
}: Plan): Pick<UpstreamRequest, 'key' | 'base' | 'scope' | 'publicOnly'> {
  return { key, base, ...(scope === undefined ? {} : { scope }), ...(publicOnly === undefined ? {} : { publicOnly }) }
}

/**
 * A plan for a request that came through others (`Via`): upstream is told of them, or a loop over several nodes would be seen by
 * none of them, and each would wait for the next one.
 */
export function comingThrough(via: string | undefined, plan: Plan): Plan {
  return via === undefined ? plan : { ...plan, headers: { ...plan.headers, via } }
}

/** The plan of something that is asked for because of another: as that one came, and at its cost. */
export function onBehalfOf({ headers, brought }: Pick<Plan, 'headers' | 'brought'>, plan: Plan): Plan {
  return comingThrough(headers?.via, brought ? { ...plan, brought } : plan)
}

/**
 * The cache key (design: ecosystem, canonical upstream base, canonical path, variant, credential partition). Parts are joined
 * by a byte that cannot occur in any of them, so that keys of one upstream share a prefix.
 */
export function cacheKey(parts: {
  ecosystem: string
  base: string
  path: string
  variant?: string
  partition?: string
}): string {
  return [parts.ecosystem, parts.base, parts.path, parts.variant ?? '', parts.partition ?? ''].join('\n')
}

/** The parts of a key, as `cacheKey` was given them. */
export interface NamedKey {
  /** The whole of it. */
  readonly key: string
  readonly ecosystem: string
  readonly base: string
  readonly path: string
  readonly variant: string
  readonly partition: string
}

/** Characters: those of paths and queries have a few thousand. */
const MAX_KEY = 16 << 10
/** All parts are spelt as they stand in URLs, variants and partitions as in headers: neither has more than printable ASCII. */
const KEY = /^([!-~]+)\n([!-~]+)\n([!-~]*)\n([ -~]*)\n([ -~]*)$/

/** The parts of a key, whoever says it. Undefined for what cannot be one; what is left, a grammar may never make all the same. */
export function parseKey(key: string): NamedKey | undefined {
  const [, ecosystem, base, path = '', variant = '', partition = ''] = (key.length <= MAX_KEY && KEY.exec(key)) || []
  return ecosystem === undefined || base === undefined ? undefined : { key, ecosystem, base, path, variant, partition }
}
