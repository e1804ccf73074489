import type { Ecosystem } from './ecosystems.ts'
import { type Layers, layeredMirrors, layeredPolicy } from './layers.ts'
import type { LoadedConfig, Source, SourcedValue } from './load.ts'
import type { Layer, OverlayFile } from './overlay.ts'
import { MIRRORS, POLICY } from './settings.ts'

/**
 * The settings with what the mesh says, and above that what was changed at the node by REST, as it would start with them. Throws
 * CONFIG_INVALID for an overlay that is not valid, or not beside them, SECRET_EXPOSED and STORE_UNUSABLE where it cannot be read.
 */
export function overlaid(
  loaded: LoadedConfig,
  { file, ledger }: { readonly file: Pick<OverlayFile, 'path' | 'read'>; readonly ledger: Layer },
  ecosystems: readonly Ecosystem[],
): LoadedConfig {
  const overlay = file.read()
  const layers: Layers = { base: loaded.config, overlay, ledger }
  const init = { ecosystems, where: file.path, left: () => {} }
  const all = layeredMirrors(layers, init)
  const { policy } = layeredPolicy(layers, init)
  // What the file calls local stands above the mesh.
  const isLocal = (name: string) => loaded.config.mirrors.some((mirror) => mirror.name === name && mirror.local)
  const heard = all.filter((one) => [one, ...one.shadows].some(({ layer }) => layer === 'ledger') && !isLocal(one.name))
  const ofMesh = Object.entries(ledger.mirrors).filter(([name]) => heard.some((one) => one.name === name))
  const said = [
    ...saidBy({ ...ledger, mirrors: Object.fromEntries(ofMesh) }, { origin: 'ledger', where: 'the mesh' }),
    ...saidBy(overlay, { origin: 'overlay', where: file.path }),
  ]
  const sources = new Map(loaded.sources)
  const unions = new Map<string, unknown>([
    [`${POLICY}deny`, policy.deny],
    [`${POLICY}blocks`, policy.blocks?.map(({ purl, reason }) => ({ purl, ...(reason === undefined ? {} : { reason }) }))],
  ])
  for (const [key, one] of said) {
    const before = sources.get(key)
    const isUnited = unions.has(key) && before
    sources.set(key, isUnited ? united(before, one, unions.get(key)) : { ...one, shadows: shadowed(before) })
  }
  return { ...loaded, config: { ...loaded.config, mirrors: all.flatMap(({ mirror }) => mirror ?? []), policy }, sources }
}

/** The settings of a layer, by key; an empty list of blocks says nothing. */
function saidBy({ mirrors, policy }: Layer, from: Pick<SourcedValue, 'origin' | 'where'>): [string, SourcedValue][] {
  const said: [string, unknown][] = [
    ...Object.entries(mirrors).map(([name, value]): [string, unknown] => [`${MIRRORS}.${name}`, value]),
    ...Object.entries(policy).map(([name, value]): [string, unknown] => [POLICY + name, value]),
  ]
  return said
    .filter(([key, value]) => key !== `${POLICY}blocks` || Object.keys(Object(value)).length > 0)
    .map(([key, value]) => [key, { ...from, value }])
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
