import type { Ecosystem } from './ecosystems.ts'
import { type Layers, layeredMirrors, layeredPolicy } from './layers.ts'
import type { LoadedConfig, Source, SourcedValue } from './load.ts'
import { NO_LAYER, type OverlayFile } from './overlay.ts'
import { MIRRORS, POLICY } from './settings.ts'

const DENY = `${POLICY}deny`

/**
 * The settings with what was changed at the node by REST, as it would start with them. Throws CONFIG_INVALID for an overlay that is not
 * valid, or not beside them, SECRET_EXPOSED and STORE_UNUSABLE where it cannot be read.
 */
export function overlaid(
  loaded: LoadedConfig,
  file: Pick<OverlayFile, 'path' | 'read'>,
  ecosystems: readonly Ecosystem[],
): LoadedConfig {
  const overlay = file.read()
  const layers: Layers = { base: loaded.config, overlay, ledger: NO_LAYER }
  const init = { ecosystems, where: file.path, left: () => {} }
  const mirrors = layeredMirrors(layers, init).flatMap(({ mirror }) => mirror ?? [])
  const { policy } = layeredPolicy(layers, init)
  const said: [string, unknown][] = [
    ...Object.entries(overlay.mirrors).map(([name, value]): [string, unknown] => [`${MIRRORS}.${name}`, value]),
    ...Object.entries(overlay.policy).map(([name, value]): [string, unknown] => [POLICY + name, value]),
  ]
  const sources = new Map(loaded.sources)
  for (const [key, value] of said) {
    const before = sources.get(key)
    const one: SourcedValue = { origin: 'overlay', where: file.path, value }
    sources.set(key, key === DENY && before ? united(before, one, policy.deny) : { ...one, shadows: shadowed(before) })
  }
  return { ...loaded, config: { ...loaded.config, mirrors, policy }, sources }
}

/** What is denied by one layer is denied, whatever another says: none shadows the other. */
function united(before: Source, one: SourcedValue, value: unknown): Source {
  const where = Object.keys(Object(before.value)).length > 0 ? `${one.where}, ${before.where}` : one.where
  return { ...one, where, value, shadows: [] }
}

function shadowed(before: Source | undefined): readonly SourcedValue[] {
  if (!before) return []
  const { shadows, ...value } = before
  return [value, ...shadows]
}
