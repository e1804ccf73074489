import type { Logger } from 'pino'
import { NO_LAYER } from './config/overlay.ts'
import type { FreedBy } from './ledger/acknowledgement.ts'
import { opHash } from './ledger/op.ts'
import type { LedgerState } from './ledger/state.ts'
import { layerOf } from './ledger-layer.ts'
import type { LiveSettings } from './live-settings.ts'
import type { LedgerEffects } from './mesh/ledger/shared-ledger.ts'
import type { PurgeRun } from './purge/purge-run.ts'
import type { Purger } from './purge/purger.ts'
import { type PurgeScope, purgeScope } from './purge/scope.ts'

export interface NodeEffectsComponents {
  readonly settings: Pick<LiveSettings, 'setLedger'>
  readonly purger: Pick<Purger, 'apply' | 'run' | 'runs'>
  readonly log: Pick<Logger, 'warn'>
}

/** What the ledger of the mesh means at this node: its layer of mirrors and policy, and purges. */
export class NodeEffects implements LedgerEffects {
  readonly #components: NodeEffectsComponents

  constructor(components: NodeEffectsComponents) {
    this.#components = components
  }

  /** As `LedgerEffects`; of one op each purge is carried out once. */
  async apply(state: LedgerState): Promise<void> {
    const { settings, purger } = this.#components
    let trouble: unknown
    try {
      // First: what was blocked must not be fetched anew once it is purged.
      settings.setLedger(layerOf(state))
    } catch (error) {
      // A mirror that this node cannot have must not keep what was purged.
      trouble = error
    }
    // All begin before any is waited for: on a full disk one that cannot be written down must not keep what the others are about.
    const purges = state.inEffect('purged').map(({ op, effect }) => {
      const isBegun = purger.run(op.hash) !== undefined
      return purger.apply(op.hash, isBegun ? [] : this.#scopesOf(op.hash, effect.scopes))
    })
    for (const purge of await Promise.allSettled(purges)) if (purge.status === 'rejected') trouble ??= purge.reason
    if (trouble !== undefined) throw trouble
  }

  freed(): readonly FreedBy[] {
    return this.#runs.flatMap(({ id, state, freed: { blobs, bytes } }) => (state === 'done' ? [{ op: id, blobs, bytes }] : []))
  }

  get isPurging(): boolean {
    return this.#runs.some(({ state }) => state === 'running')
  }

  /** Those of the mesh, the latest first. */
  get #runs(): PurgeRun[] {
    return this.#components.purger.runs().filter(({ id }) => opHash.safeParse(id).success)
  }

  /** The node has left its mesh, which says nothing more. What was purged stays so. */
  left(): void {
    this.#components.settings.setLedger(NO_LAYER)
  }

  #scopesOf(hash: string, written: readonly unknown[]): PurgeScope[] {
    const scopes = written.flatMap((one) => purgeScope.safeParse(one).data ?? [])
    if (scopes.length < written.length)
      this.#components.log.warn({ op: hash }, 'a purge names what this version does not know, which stays; update Warren')
    return scopes
  }
}
