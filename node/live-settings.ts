import { isDeepStrictEqual } from 'node:util'
import type { Ecosystem } from './config/ecosystems.ts'
import {
  type LayeredBlock,
  type LayeredMirror,
  type Layers,
  type LayersInit,
  layeredMirrors,
  layeredPolicy,
} from './config/layers.ts'
import { type Layer, type LayerPolicy, NO_LAYER, OverlayFile } from './config/overlay.ts'
import type { MirrorConfig } from './config/schema.ts'
import { isWarrenError, WarrenError } from './errors.ts'
import type { PolicySettings } from './policy/policy.ts'

/** What a node runs with now. */
interface Settled {
  readonly mirrors: readonly LayeredMirror[]
  readonly policy: PolicySettings
  readonly blocks: readonly LayeredBlock[]
  /** What the mesh says and cannot be at this node. */
  readonly problems: readonly string[]
}

export interface LiveSettingsComponents {
  readonly ecosystems: readonly Ecosystem[]
  /** Takes mirrors over. Throws where that cannot be, and then all stays as it was. */
  takeMirrors(mirrors: readonly MirrorConfig[]): void
  takePolicy(policy: PolicySettings): void
  /** Hears once of what the mesh says and cannot be at this node. */
  left(what: string): void
}

/**
 * Mirrors and policy while a node runs: what was changed at this node by REST, above what the mesh says, above the configuration. Each
 * change of any of them is taken over at once and as a whole, or refused and nothing is different.
 */
export class LiveSettings {
  readonly #components: LiveSettingsComponents
  readonly #file: OverlayFile
  #layers: Layers
  #settled: Settled

  /** Throws CONFIG_INVALID for an overlay that is not valid, or not beside the base. */
  constructor(components: LiveSettingsComponents, init: { folder: string; base: Layers['base'] }) {
    this.#components = components
    this.#file = new OverlayFile(init)
    this.#layers = { base: init.base, overlay: this.#file.read(), ledger: NO_LAYER }
    this.#settled = this.#settle(this.#layers, this.#file.path)
  }

  /** All that any layer says, also mirrors that are taken away. */
  get layered(): readonly LayeredMirror[] {
    return this.#settled.mirrors
  }

  get mirrors(): readonly MirrorConfig[] {
    return mirrorsIn(this.#settled)
  }

  get policy(): PolicySettings {
    return this.#settled.policy
  }

  get blocks(): readonly LayeredBlock[] {
    return this.#settled.blocks
  }

  get layers(): Layers {
    return this.#layers
  }

  /** What the mesh says and cannot be at this node. */
  get problems(): readonly string[] {
    return this.#settled.problems
  }

  /** Replaces what the configuration says. Throws CONFIG_INVALID where that does not go with the overlay. */
  setBase(base: Partial<Layers['base']>): void {
    this.#take({ ...this.#layers, base: { ...this.#layers.base, ...base } }, this.#file.path)
  }

  /** Replaces what the mesh says; what cannot be at this node is left out, and told. Throws CONFIG_INVALID where it cannot be taken over. */
  setLedger(ledger: Layer): void {
    this.#take({ ...this.#layers, ledger }, this.#file.path)
  }

  /** Sets a mirror of this node, or takes one away (`false`). Throws BAD_REQUEST with the words of the configuration file. */
  setMirror(name: string, entry: unknown): void {
    if (entry === false && !this.#settled.mirrors.some((one) => one.name === name))
      throw new WarrenError('NOT_FOUND', `there is no mirror ${name} to take away`)
    const { overlay } = this.#layers
    this.#edit({ ...overlay, mirrors: { ...overlay.mirrors, [name]: entry } })
  }

  /** Leaves a mirror to the layers below again. Throws NOT_FOUND where this node says nothing of it. */
  unsetMirror(name: string): void {
    const { [name]: before, ...mirrors } = this.#layers.overlay.mirrors
    if (before === undefined) throw new WarrenError('NOT_FOUND', `nothing was changed at this node about a mirror ${name}`)
    this.#edit({ ...this.#layers.overlay, mirrors })
  }

  /** Replaces what this node says of the policy, blocks apart. Throws BAD_REQUEST. */
  setPolicy(policy: Omit<LayerPolicy, 'blocks'>): void {
    const { overlay } = this.#layers
    const { blocks } = overlay.policy
    this.#edit({ ...overlay, policy: { ...policy, ...(blocks === undefined ? {} : { blocks }) } })
  }

  /** Replaces the blocks of this node. Throws BAD_REQUEST. */
  setBlocks(blocks: readonly unknown[]): void {
    const { overlay } = this.#layers
    this.#edit({ ...overlay, policy: { ...overlay.policy, blocks } })
  }

  #edit(overlay: Layer): void {
    const before = this.#layers
    try {
      this.#take({ ...before, overlay }, 'body')
    } catch (error) {
      throw isWarrenError(error, 'CONFIG_INVALID') ? new WarrenError('BAD_REQUEST', error.message, { cause: error }) : error
    }
    try {
      this.#file.write(overlay)
    } catch (error) {
      // What is not kept would be gone after the next start, without anybody knowing.
      this.#take(before, this.#file.path)
      throw error
    }
  }

  #take(layers: Layers, where: string): void {
    const before = this.#settled
    const settled = this.#settle(layers, where)
    const mirrors = mirrorsIn(settled)
    if (!isDeepStrictEqual(mirrors, mirrorsIn(before))) this.#components.takeMirrors(mirrors)
    if (!isDeepStrictEqual(settled.policy, before.policy)) this.#components.takePolicy(settled.policy)
    this.#layers = layers
    this.#settled = settled
    for (const what of settled.problems) if (!before.problems.includes(what)) this.#components.left(what)
  }

  #settle(layers: Layers, where: string): Settled {
    const problems: string[] = []
    const init: LayersInit = { ecosystems: this.#components.ecosystems, where, left: (what) => problems.push(what) }
    return { mirrors: layeredMirrors(layers, init), ...layeredPolicy(layers, init), problems }
  }
}

function mirrorsIn({ mirrors }: Settled): readonly MirrorConfig[] {
  return mirrors.flatMap(({ mirror }) => mirror ?? [])
}
