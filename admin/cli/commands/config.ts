import type { LoadedConfig } from '../../../node/config/load.ts'
import type { MirrorConfig } from '../../../node/config/schema.ts'
import { settings as known, MIRRORS, POLICY, variableFor } from '../../../node/config/settings.ts'
import { layerOf } from '../../../node/ledger-layer.ts'
import { meshOf } from '../mesh-admin.ts'
import { mirrorTexts } from '../mirror-text.ts'
import { aligned, type Output, styled, table, writeLines } from '../print.ts'
import { loadSettings, type SettingFlags, withOverlay } from '../settings.ts'

/** In no file: only what was changed at a node has blocks, each with its reason. */
const BLOCKS = `${POLICY}blocks`

/** Shows each setting, where it comes from and what it shadows. Throws as `withOverlay` does. */
export function config(options: SettingFlags & { json?: boolean }): void {
  const settings = loadSettings(options)
  const mesh = meshOf(settings.config.data)
  const loaded = withOverlay(settings, mesh && layerOf(mesh.ledger.state))
  writeLines(process.stdout, options.json ? [JSON.stringify(facts(loaded), null, 2)] : configLines(loaded, process.stdout))
}

function facts({ config, sources, file, candidates }: LoadedConfig): unknown {
  return { file: file ?? null, candidates, config, sources: Object.fromEntries(sources) }
}

/** The settings for people. */
export function configLines({ config, sources, file, candidates }: LoadedConfig, output: Output): string[] {
  const keys = [...known.keys(), ...(sources.has(BLOCKS) ? [BLOCKS] : [])].filter((key) => key !== MIRRORS)
  const mirrors = [...sources.keys()].filter((key) => key.startsWith(`${MIRRORS}.`))
  const rows = [...keys, ...mirrors].flatMap((key) => {
    const source = sources.get(key)
    if (!source) return [[key, '(not set)', `${variableFor(key)}, or ${key} in the file`]]
    const mirror = config.mirrors.find(({ name }) => key === `${MIRRORS}.${name}`)
    const textOf = key.startsWith(`${MIRRORS}.`) ? entryText : valueText
    const [value, ...bound] = mirror ? mirrorLines(mirror) : [textOf(source.value)]
    const shadows = source.shadows.map((one) => `${textOf(one.value)} (${one.where})`)
    return [[key, value, source.where, shadows.join('; ')], ...bound.map((text) => ['', text])]
  })
  return [
    ...aligned([['file', file ?? `none; looked for ${candidates.join(', ')}`]], {
      decorate: (cell, _row, column) => (column === 0 ? styled(output, 'dim', cell) : cell),
    }),
    '',
    ...table(output, [['setting', 'value', 'from', 'shadows'], ...rows]),
  ]
}

function mirrorLines(mirror: MirrorConfig): [string, ...string[]] {
  const { protocol, path, registry } = mirror
  const [first, ...bound] = mirrorTexts(mirror)
  const facts = [protocol, ...(registry === undefined ? [] : [registry]), path, ...(first === '' ? [] : [first])]
  return [facts.join(' '), ...bound]
}

function entryText(entry: unknown): string {
  return entry === false ? 'taken away' : valueText(entry)
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(valueText).join(' ')
  if (typeof value === 'object' && value !== null) return Object.values(value).map(partText).join(' ')
  return String(value)
}

/** Part of a group, such as the routes of a mirror: what they are for matters as much as where they lead. */
function partText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(partText).join(' ')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, part]) => `${key}: ${partText(part)}`)
    .join(' ')
}
