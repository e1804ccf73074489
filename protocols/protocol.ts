import type { NamedKey, Plan, Subject } from '../node/cache/plan.ts'
import type { Digest } from '../node/digest.ts'
import type { WarrenError } from '../node/errors.ts'

/** Whether URLs of files in documents lead to the mirror, or stay upstream's: then not every client comes back to the mirror. */
export type TarballUrls = 'rewrite' | 'preserve'

/** A local endpoint: one protocol, a mount path, an ordered list of upstreams. */
export interface Mirror {
  readonly name: string
  /** Mount path with a slash at both ends, such as `/npm/`. */
  readonly path: string
  /**
   * Canonical base URLs (WHATWG-serialised, ending in `/`), in the order in which they are asked for names that no route binds. An
   * upstream that only routes name is not among them.
   */
  readonly upstreams: readonly string[]
  /** Names that are bound to one upstream, or to none; the first pattern that matches counts. */
  readonly routes?: readonly NameRoute[]
  /** Longest lifetime of what is mutable, in ms, in place of the grammar's own. */
  readonly lifetime?: number
  /** `rewrite` if not set. */
  readonly tarballUrls?: TarballUrls
  /** Hosts beside the upstream's own from which files may come that its index names (PyPI); all, if not set. */
  readonly fileHosts?: readonly string[]
  /** The checksum database that a Go mirror believes: its verifier key as GOSUMDB has it, or `off`. */
  readonly sumdb?: string
  /** Globs over paths below the base of a generic mirror: what never changes, and what does. */
  readonly immutable?: readonly string[]
  readonly mutable?: readonly string[]
  /** Digests that files of a generic mirror must have, by path below its base. */
  readonly pins?: Readonly<Record<string, Digest>>
  /** How clients name the registry, where several mirrors share a mount: `host[:port]` in lower case. */
  readonly registry?: string
  /** Made for a registry that a client named and nobody configured: it must be a public one, and is nothing to keep for good. */
  readonly onDemand?: boolean
}

/** Settings of a mirror that only some protocols have. */
export type MirrorSetting = 'tarballUrls' | 'fileHosts' | 'sumdb' | 'immutable' | 'mutable' | 'pins'

/**
 * Binds names to one upstream: they are never asked at another one, so that nobody can publish there what is taken for yours
 * (dependency confusion).
 */
export interface NameRoute {
  /** A name as its ecosystem writes it (`@corp/*`, `com.corp`, `git.corp.test/*`); `*` stands for any characters. */
  readonly pattern: string
  /** Canonical base URL; undefined if no upstream may be asked. */
  readonly upstream: string | undefined
  /** Of `NameRules`: where names have levels, a pattern is also for all that is below what it matches. */
  readonly levels?: string
}

/** How the names look that routes bind. */
export interface NameRules {
  /** A pattern, for messages. */
  readonly example: string
  /** The characters that part the levels of a name, such as `/`; none if not set. */
  readonly levels?: string
  /** A pattern in the one spelling that names have when they are asked for; `*` stays. Undefined for what is no pattern of names. */
  canonical?(pattern: string): string | undefined
}

/** A request below a mirror's mount, as far as a grammar may see it. */
export interface MirrorRequest {
  readonly method: string
  /** The whole target as the client sent it, for links that lead back. */
  readonly target?: string
  /** What follows the mount path: no leading slash, no query, percent-escapes as the client sent them. */
  readonly path: string
  /** With the leading `?`, or empty. */
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** An answer that needs no cache. */
export interface FixedReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A request that upstream answers each time: nothing of it is kept. */
export interface PassThrough {
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: string
  readonly base: string
  readonly headers: Readonly<Record<string, string>>
  /** The package that it is about, for the policy; not set where it may be about any. */
  readonly subject?: Subject
  /** Where upstream must not have all of a POST's body. */
  readonly edited?: Edited
}

/** A body that goes out without some of what a client sends. */
interface Edited {
  /** Most bytes, unpacked: it is read in the main thread. */
  readonly maxBytes: number
  /** What upstream may have of the unpacked body; the same bytes if that is all. Throws BAD_REQUEST. */
  edit(body: Buffer): Buffer
}

/** A request for what the cache may have. */
export interface Planned {
  readonly plans: readonly [Plan, ...Plan[]]
  /** Path below the mount, ending in `/`, to which what the document's spans lead to is relative; the mount itself, if not set. */
  readonly below?: string
  /** Headers of the answer that depend on how this client asks, in lower case. */
  readonly fields?: Readonly<Record<string, string>>
  /** Turns a `Link` of upstream's answer into one that leads this client on. */
  readonly link?: (link: string) => string | undefined
  /** What the document offers, for a policy that withholds some of it. */
  readonly offers?: Offers
  /** The form in which it is served, if that is not the one in which it is kept. */
  readonly rendition?: Rendition
  /**
   * What the plans stand beside, one for each: a plan counts where upstream has that, and the next one where it has not. So a checksum
   * comes from where its file does, and is absent where that upstream has none.
   */
  readonly beside?: readonly Plan[]
  /** The rendition is of the documents of all plans whose upstreams have them, not of the first one only. */
  readonly all?: boolean
}

/** Where something is exported, so that a worker thread finds it as well: itself, or a function that makes it of `args`. */
export interface ExportedFrom {
  /** `import.meta.url` of the module. */
  readonly module: string
  readonly exportName: string
  readonly args?: readonly string[]
}

/** Takes out of a document what a policy does not let through. */
export interface Offers {
  /** Changes whenever the result for the same bytes and verdicts would. */
  readonly id: string
  /** Large documents are then looked through in a worker thread. */
  readonly from?: ExportedFrom
  /**
   * The document without the versions that `allows` refuses; `bytes` themselves if it refuses none. `published` is in ms since the
   * epoch, undefined where the document does not tell. `bytes` have something in them that stands for the caller's base URL.
   */
  withhold(bytes: Buffer, allows: (version: string, published: number | undefined) => boolean): Buffer
}

/** Another form of documents, made when they are served. Pure. */
export interface Rendition {
  /** Changes whenever the result for the same documents would. */
  readonly id: string
  /** Of large documents it is then made in a worker thread. */
  readonly from?: ExportedFrom
  /** `content-type` and other headers of the answer, lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * `documents` in the order of their plans. What stands in them for the caller's base URL is to stay as it is, letter by letter, wherever
   * it goes out. Throws a plain Error for what it cannot read.
   */
  render(documents: readonly Buffer[]): Buffer
}

/** What a grammar makes of a request. Plans are tried in order; the next one only on true absence. */
export type Route = Planned | { readonly reply: FixedReply } | { readonly pass: PassThrough }

/** Knows the URLs, documents and error format of one ecosystem, and nothing of disks, peers or sockets. */
export interface Protocol {
  readonly name: string
  /** Base URLs asked when the operator names none; from the package-URL libraries, never spelt out here. */
  readonly defaultUpstreams: readonly string[]
  /** The mirror that there is without anybody configuring it: named as the protocol, at `/<name>/`, if not set; none if false. */
  readonly builtIn?: { readonly name: string; readonly path: string } | false
  /** Below which path further mirrors are mounted by their names, unless the operator sets another path; `/` if not set. */
  readonly mounts?: string
  /** Which settings its mirrors have beside those that all have. */
  readonly settings: readonly MirrorSetting[]
  /** Of what `sitesOf` is asked about; patterns are taken as they are written, if not set. */
  readonly names?: NameRules
  /** For protocols with one mirror for each registry, all of them on one path. */
  readonly registries?: Registries
  /** Path prefixes at the root that clients of this ecosystem ask whatever the mount is. */
  readonly rootAliases: readonly string[]
  /**
   * For protocols whose mirrors share paths: which of its mirrors a target is for, and the path within that (no leading slash).
   * Undefined for a path that is none of its own; throws NO_SUCH_MIRROR for one that is, but that no mirror is for.
   */
  claim?(target: { path: string; query: string }, mirrors: readonly Mirror[]): Claim | undefined
  /**
   * The package that a canonical path below an upstream is of, in any one spelling. Seeds keep all of a package together. If not set, or for
   * what has no document beside it, each path is kept by itself.
   */
  family?(path: string): string
  /** Pure. Throws BAD_REQUEST or METHOD_NOT_ALLOWED for what the ecosystem does not have. */
  route(request: MirrorRequest, mirror: Mirror): Route
  /**
   * The plan of what a key names, at a mirror that has its upstream: with it a seed plans from its own configuration what a member asks
   * for. The key may come from anybody: where it does not tell the place of a file, only `expect` of the plan does. Pure. Undefined for
   * a key that this grammar never makes, and for what the mirror may not ask that upstream about; never throws.
   */
  planOf(named: NamedKey, mirror: Mirror): Plan | undefined
  /** An error as the ecosystem's clients expect and show it. `path` is the request's, without query. */
  formatError(error: WarrenError, path: string): { readonly contentType: string; readonly body: string }
}

/** The registries of a protocol whose clients name the registry in the request. */
export interface Registries {
  /** Where their mirrors are mounted, unless the operator sets another path. */
  readonly path: string
  readonly builtIn: readonly { readonly name: string; readonly registry: string }[]
  /** Base URL of a registry. `*` has none: it stands for every public one that a client names. */
  upstreamsOf(registry: string): readonly string[]
}

/** A mirror, and what a path means within it. */
export interface Claim {
  readonly mirror: Mirror
  readonly path: string
}
