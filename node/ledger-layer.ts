import type { Layer, LayerPolicy } from './config/overlay.ts'
import type { LedgerState } from './ledger/state.ts'

/** What the mesh says of mirrors and policy, as a layer of settings. */
export function layerOf(state: LedgerState): Layer {
  const mirrors = Object.fromEntries(state.inEffect('mirror set').map(({ effect }) => [effect.name, effect.entry]))
  const policy: Record<string, unknown> = {}
  for (const { effect } of state.inEffect('policy set')) policy[effect.setting] = effect.value
  const blocks = state
    .inEffect('package blocked')
    .map(({ effect: { purl, reason } }) => ({ purl, ...(reason === undefined ? {} : { reason }) }))
  return { mirrors, policy: { ...(policy as LayerPolicy), ...(blocks.length > 0 && { blocks }) } }
}
