import type { Mirror, Protocol } from '../../protocols/protocol.ts'
import { isUpstream } from '../../protocols/sites.ts'
import { parseKey } from '../cache/plan.ts'

/** A mirror together with the grammar that it speaks. */
export interface Mounted {
  readonly mirror: Mirror
  readonly protocol: Protocol
}

/** A mirror, and what follows its mount in a path. */
export interface Place {
  readonly mounted: Mounted
  readonly rest: string
}

/** A target as `splitTarget` gives it. */
export interface TargetParts {
  readonly path: string
  readonly query: string
}

/** A protocol that itself decides which of its mirrors a target is for. */
interface Claimant {
  readonly protocol: Protocol
  readonly mirrors: readonly Mirror[]
  claim: NonNullable<Protocol['claim']>
}

/** Finds the mirror that a path belongs to. Replaced as a whole when mirrors change. */
export class Mounts {
  readonly #all: readonly Mounted[]
  readonly #byLength: readonly Mounted[]
  readonly #claimants: readonly Claimant[]
  readonly #aliases: readonly { readonly prefix: string; readonly mounted: Mounted }[]

  constructor(mounted: readonly Mounted[]) {
    this.#all = mounted
    this.#byLength = mounted
      .filter(({ protocol }) => !protocol.claim)
      .sort((a, b) => b.mirror.path.length - a.mirror.path.length)
    const first = new Map<Protocol, Mounted>()
    for (const one of mounted) if (!first.has(one.protocol)) first.set(one.protocol, one)
    this.#aliases = [...first].flatMap(([protocol, one]) => protocol.rootAliases.map((prefix) => ({ prefix, mounted: one })))
    this.#claimants = [...first.keys()].flatMap((protocol) => {
      const mirrors = mounted.filter((one) => one.protocol === protocol).map(({ mirror }) => mirror)
      return protocol.claim ? [{ protocol, mirrors, claim: protocol.claim }] : []
    })
  }

  /** In the order of the settings: the first of its protocol is the one that is meant where nobody says which. */
  get all(): readonly Mounted[] {
    return this.#all
  }

  /** Whether some mirror has the upstream of a key, be it for other names only. What clients name is nobody's. */
  hasUpstreamOf(key: string): boolean {
    const named = parseKey(key)
    if (!named) return false
    const { ecosystem, base } = named
    return this.#all.some(({ mirror, protocol }) => protocol.name === ecosystem && !mirror.onDemand && isUpstream(mirror, base))
  }

  /** Throws NO_SUCH_MIRROR where a protocol knows the path as its own, but not what it names. */
  find(target: TargetParts): Place | undefined {
    const { path } = target
    for (const mounted of this.#byLength) {
      const { path: mount } = mounted.mirror
      if (path.startsWith(mount)) return { mounted, rest: path.slice(mount.length) }
      // Clients leave the last slash out when they are configured so; the mirror is meant all the same.
      if (path.length === mount.length - 1 && mount.startsWith(path)) return { mounted, rest: '' }
    }
    for (const { protocol, mirrors, claim } of this.#claimants) {
      const claimed = claim(target, mirrors)
      if (claimed) return { mounted: { mirror: claimed.mirror, protocol }, rest: claimed.path }
    }
    for (const { prefix, mounted } of this.#aliases) {
      if (path.startsWith(prefix)) return { mounted, rest: path.slice(1) }
    }
    return undefined
  }

  /** Whose clients ask for a path, also where they ask for what there is not. `mirror` is its name, «-» if there is none. */
  ownerOf(target: TargetParts): { readonly mirror: string; readonly protocol: Protocol | undefined } {
    try {
      const { mounted } = this.find(target) ?? {}
      return { mirror: mounted?.mirror.name ?? '-', protocol: mounted?.protocol }
    } catch {
      return { mirror: '-', protocol: this.#claimants.find((one) => isClaimed(one, target))?.protocol }
    }
  }
}

function isClaimed({ mirrors, claim }: Claimant, target: TargetParts): boolean {
  try {
    return claim(target, mirrors) !== undefined
  } catch {
    return true
  }
}
