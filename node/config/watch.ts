import { existsSync, statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import { FileWatch } from './file-watch.ts'
import type { LoadedConfig } from './load.ts'
import type { Config, MirrorConfig } from './schema.ts'
import { MIRRORS, POLICY, settings } from './settings.ts'

export interface ConfigWatchInit {
  /** What the node runs with. */
  readonly loaded: LoadedConfig
  /** Loads anew, with the flags and the environment of the start. */
  load(): LoadedConfig
  /** Throws for mirrors that cannot be taken over after all, such as when a file that they name has just gone. */
  onMirrors(mirrors: readonly MirrorConfig[]): void
  onPolicy(policy: Config['policy']): void
  /** Settings whose new values need a restart; empty when an edit was taken back. */
  onRestartNeeded(keys: readonly string[]): void
  /** An edit that is not valid; what the node runs with stays as it is. */
  onInvalid(error: WarrenError): void
}

/** Takes edits of the configuration file over while the node runs: mirrors and policy at once, everything else by telling. */
export class ConfigWatch {
  readonly #init: ConfigWatchInit
  readonly #files: FileWatch
  #mirrors: readonly MirrorConfig[]
  #policy: Config['policy']
  #waiting: readonly string[] = []
  #lastError = ''

  constructor(init: ConfigWatchInit) {
    this.#init = init
    this.#mirrors = init.loaded.config.mirrors
    this.#policy = init.loaded.config.policy
    this.#files = new FileWatch({ files: init.loaded.candidates, onChange: () => this.#reload() })
  }

  start(): void {
    // A pipe can be read only once: the second time it is empty, and empty means the defaults instead of the mirrors in it.
    const { file } = this.#init.loaded
    if (file !== undefined && isOther(file)) return
    this.#files.start()
    // An edit between loading and watching.
    this.#reload()
  }

  stop(): void {
    this.#files.stop()
  }

  #reload(): void {
    const loaded = this.#load()
    if (!loaded) return
    const { config } = loaded
    const waiting = changedKeys(this.#init.loaded.config, config)
    if (!isDeepStrictEqual(waiting, this.#waiting)) {
      this.#waiting = waiting
      this.#init.onRestartNeeded(waiting)
    }
    if (!isDeepStrictEqual(config.mirrors, this.#mirrors)) this.#takeOver(config.mirrors)
    if (!isDeepStrictEqual(config.policy, this.#policy)) {
      this.#policy = config.policy
      this.#init.onPolicy(config.policy)
    }
  }

  #takeOver(mirrors: readonly MirrorConfig[]): void {
    try {
      this.#init.onMirrors(mirrors)
      this.#mirrors = mirrors
    } catch (thrown) {
      this.#tell(thrown)
    }
  }

  /** Undefined when the settings are not valid; told once, however often the same file is looked at. */
  #load(): LoadedConfig | undefined {
    try {
      const file = this.#init.loaded.candidates.find((path) => existsSync(path))
      // Opening a pipe would hold up the whole node until somebody writes to it.
      if (file !== undefined && isOther(file))
        throw new WarrenError('CONFIG_INVALID', `${file}: is no regular file any more; put one there`)
      const loaded = this.#init.load()
      this.#lastError = ''
      return loaded
    } catch (thrown) {
      this.#tell(thrown)
      return undefined
    }
  }

  #tell(thrown: unknown): void {
    const error = isWarrenError(thrown) ? thrown : new WarrenError('CONFIG_INVALID', reasonOf(thrown), { cause: thrown })
    if (error.message !== this.#lastError) this.#init.onInvalid(error)
    this.#lastError = error.message
  }
}

function changedKeys(before: Config, after: Config): string[] {
  const lasting = [...settings.keys()].filter((key) => key !== MIRRORS && !key.startsWith(POLICY))
  return lasting.filter((key) => !isDeepStrictEqual(valueAt(before, key), valueAt(after, key)))
}

function valueAt(config: Config, key: string): unknown {
  return key.split('.').reduce<unknown>((part, name) => Object(part)[name], config)
}

/** Whether there is something that is no regular file. */
function isOther(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === false
  } catch {
    return false
  }
}
