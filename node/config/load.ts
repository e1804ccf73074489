import { assembleConfig } from './assemble.ts'
import { defaultAdminListen, defaults, type UserFolders } from './defaults.ts'
import { builtInMirrors, type Ecosystem } from './ecosystems.ts'
import { readEnvironment } from './env.ts'
import { filePlaces, readConfigFile } from './file.ts'
import { type Given, Problems } from './problems.ts'
import { type Config, schema } from './schema.ts'
import { flagFor, MIRRORS } from './settings.ts'

/** What a layer is called; what was changed by REST is stronger than a flag, a flag is stronger than the environment, that than the file, that than the default. */
type Origin = 'overlay' | 'ledger' | 'flag' | 'environment' | 'file' | 'default'

export interface SourcedValue {
  readonly origin: Origin
  /** For people: `--listen`, `WARREN_LISTEN`, `/etc/warren/config.yaml:3:5`, `built in`. */
  readonly where: string
  /** As it was written. */
  readonly value: unknown
}

export interface Source extends SourcedValue {
  /** What would apply without it, strongest first. */
  readonly shadows: readonly SourcedValue[]
}

export interface LoadInit extends UserFolders {
  /** Absolute path of the file that `--config` names. */
  readonly configFile?: string | undefined
  /** Values of command-line flags by key; paths in them are absolute. */
  readonly flags: ReadonlyMap<string, unknown>
  readonly ecosystems: readonly Ecosystem[]
}

export interface LoadedConfig {
  readonly config: Config
  /** By key; each mirror is one, such as `mirrors.npm`. */
  readonly sources: ReadonlyMap<string, Source>
  /** The file that was read. */
  readonly file: string | undefined
  /** Where a file is looked for. */
  readonly candidates: readonly string[]
}

type Layered = Given & { readonly origin: Origin }

/**
 * Puts the settings together: flag over environment over file over default. Throws one CONFIG_INVALID that has a line for
 * everything that is wrong.
 */
export function loadConfig(init: LoadInit): LoadedConfig {
  const problems = new Problems()
  const places = filePlaces(init, init.configFile, problems)
  const { file, given } = readConfigFile(places, problems)
  const mirrors = builtInMirrors(init.ecosystems).map(
    ({ name, protocol, path, upstreams }) => [`${MIRRORS}.${name}`, { protocol, path, upstreams }] as const,
  )
  const stronger: Layered[] = [
    ...[...init.flags].map(([key, value]) => ({ key, value, where: flagFor(key), origin: 'flag' as const })),
    ...readEnvironment(init.env, problems).map((one) => ({ ...one, origin: 'environment' as const })),
    ...given.map((one) => ({ ...one, origin: 'file' as const })),
    ...builtIn([...defaults(init), ...mirrors]),
  ]
  const listen = stronger.find(({ key }) => key === 'listen')
  // An invalid `listen` is reported where it stands; any default does until then.
  const adminListen = defaultAdminListen(schema.shape.listen.safeParse(listen?.value).data ?? [])
  const byKey = Map.groupBy([...stronger, ...builtIn([['admin.listen', adminListen]])], ({ key }) => key)
  const config = assembleConfig(byKey, init.ecosystems, problems)
  return { config, sources: sourcesOf(byKey), file, candidates: places.candidates }
}

function builtIn(values: Iterable<readonly [key: string, value: unknown]>): Layered[] {
  return [...values].map(([key, value]) => ({ key, value, where: 'built in', origin: 'default' }))
}

function sourcesOf(byKey: ReadonlyMap<string, readonly Layered[]>): Map<string, Source> {
  const sources = new Map<string, Source>()
  for (const [key, [winner, ...others]] of byKey) {
    if (winner) sources.set(key, { ...sourced(winner), shadows: others.map(sourced) })
  }
  return sources
}

function sourced({ origin, where, value, secret }: Layered): SourcedValue {
  return { origin, where, value: secret ? '(not shown)' : value }
}
