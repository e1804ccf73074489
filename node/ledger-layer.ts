import { MAX_MIRRORS } from './config/constants.ts'
import type { Layer, LayerPolicy } from './config/overlay.ts'
import type { LedgerState } from './ledger/state.ts'

/** What the mesh says of mirrors and policy, as a layer of settings. */
export function layerOf(state: LedgerState): Layer {
  const set = state.inEffect('mirror set')
  // More than a node has anyway, of which each costs, only a stolen key names: those of the admin come first.
  const few = [...set.filter(({ op }) => !op.operator), ...set.filter(({ op }) => op.operator)].slice(0, MAX_MIRRORS)
  const mirrors = Object.fromEntries(few.map(({ effect }) => [effect.name, effect.entry]))
  const policy: Record<string, unknown> = {}
  for (const { effect } of state.inEffect('policy set')) policy[effect.setting] = effect.value
  const blocks = state
    .inEffect('package blocked')
    .map(({ effect: { purl, reason } }) => ({ purl, ...(reason === undefined ? {} : { reason }) }))
  return { mirrors, policy: { ...(policy as LayerPolicy), ...(blocks.length > 0 && { blocks }) } }
}
