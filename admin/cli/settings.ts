import { homedir } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { ecosystems } from '../../node/built-ins.ts'
import { type LoadedConfig, loadConfig } from '../../node/config/load.ts'
import { overlaid } from '../../node/config/overlaid.ts'
import { type Layer, NO_LAYER, OverlayFile } from '../../node/config/overlay.ts'

/** Flags that stand above environment and file. */
export interface SettingFlags {
  readonly config?: string
  readonly data?: string
  readonly listen?: readonly string[]
  readonly adminListen?: string
  readonly logLevel?: string
}

/**
 * The same with what was changed at the node by REST, above what the mesh says. Throws CONFIG_INVALID, and SECRET_EXPOSED or
 * STORE_UNUSABLE for its overlay.
 */
export function withOverlay(loaded: LoadedConfig, ledger: Layer = NO_LAYER): LoadedConfig {
  return overlaid(loaded, { file: new OverlayFile({ folder: loaded.config.data }), ledger }, ecosystems)
}

/** The settings that apply with these flags. Throws CONFIG_INVALID. */
export function loadSettings(flags: SettingFlags): LoadedConfig {
  // A path in a flag was typed where the command runs; everywhere else paths are absolute.
  const values = new Map<string, unknown>([
    ['listen', flags.listen],
    ['admin.listen', flags.adminListen],
    ['data', flags.data && resolve(flags.data)],
    ['log.level', flags.logLevel],
  ])
  for (const [key, value] of values) if (value === undefined) values.delete(key)
  const configFile = flags.config === undefined ? undefined : resolve(flags.config)
  return loadConfig({ configFile, flags: values, env: process.env, home: home(), ecosystems })
}

function home(): string | undefined {
  try {
    return isAbsolute(homedir()) ? homedir() : undefined
  } catch {
    // A user without an entry in the user database, as in some containers.
    return undefined
  }
}
