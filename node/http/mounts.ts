import type { Mirror, Protocol } from '../../protocols/protocol.ts'

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

/** Finds the mirror that a path belongs to. Replaced as a whole when mirrors change. */
export class Mounts {
  readonly #byLength: readonly Mounted[]
  readonly #aliases: readonly { readonly prefix: string; readonly mounted: Mounted }[]

  constructor(mounted: readonly Mounted[]) {
    this.#byLength = [...mounted].sort((a, b) => b.mirror.path.length - a.mirror.path.length)
    const first = new Map<Protocol, Mounted>()
    for (const one of mounted) if (!first.has(one.protocol)) first.set(one.protocol, one)
    this.#aliases = [...first].flatMap(([protocol, one]) => protocol.rootAliases.map((prefix) => ({ prefix, mounted: one })))
  }

  get all(): readonly Mounted[] {
    return this.#byLength
  }

  find(path: string): Place | undefined {
    for (const mounted of this.#byLength) {
      const { path: mount } = mounted.mirror
      if (path.startsWith(mount)) return { mounted, rest: path.slice(mount.length) }
      // Clients leave the last slash out when they are configured so; the mirror is meant all the same.
      if (path.length === mount.length - 1 && mount.startsWith(path)) return { mounted, rest: '' }
    }
    for (const { prefix, mounted } of this.#aliases) {
      if (path.startsWith(prefix)) return { mounted, rest: path.slice(1) }
    }
    return undefined
  }
}
