import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { reasonOf } from '../errors.ts'
import { MAX_FILE_BYTES } from './constants.ts'
import { type UserFolders, userFolder } from './defaults.ts'
import { CONFIG_VARIABLE } from './env.ts'
import type { Given, Problems } from './problems.ts'
import { groups, MIRRORS, settings } from './settings.ts'
import { parseYaml, readBounded, type YamlFile } from './yaml-file.ts'

const SYSTEM_FILE = '/etc/warren/config.yaml'

/** The places of the configuration file. */
export interface FilePlaces {
  /** In order; the first one that exists counts. */
  readonly candidates: readonly string[]
  /** Who named the file, which then must exist: `--config` or `WARREN_CONFIG`. */
  readonly namedBy: string | undefined
}

/** Never the working directory: a cloned repository must not configure the cache. */
export function filePlaces(folders: UserFolders, flag: string | undefined, problems: Problems): FilePlaces {
  if (flag !== undefined) return { candidates: [flag], namedBy: '--config' }
  const named = folders.env[CONFIG_VARIABLE]
  if (named && !isAbsolute(named)) problems.add(`${CONFIG_VARIABLE}: ${JSON.stringify(named)} must be an absolute path`)
  if (named) return { candidates: [named], namedBy: CONFIG_VARIABLE }
  const user = userFolder(folders, 'XDG_CONFIG_HOME', '.config')
  return { candidates: [...(user === undefined ? [] : [join(user, 'warren', 'config.yaml')]), SYSTEM_FILE], namedBy: undefined }
}

/** The settings in the file, and the path it was read from; nothing where there is no file and nobody named one. */
export function readConfigFile(places: FilePlaces, problems: Problems): { file: string | undefined; given: Given[] } {
  const file = places.namedBy ? places.candidates[0] : places.candidates.find((path) => existsSync(path))
  if (file === undefined || problems.some) return { file, given: [] }
  try {
    const text = readBounded(file, MAX_FILE_BYTES)
    if (text === undefined) problems.add(`${file}: is larger than ${MAX_FILE_BYTES >> 10} KiB, so it is no configuration file`)
    const yaml = text === undefined ? undefined : parseYaml(text, file, problems)
    return { file, given: yaml ? settingsIn(yaml, problems) : [] }
  } catch (error) {
    const right = places.namedBy ? `; ${places.namedBy} must name a file that this user can read` : ''
    problems.add(`${file}: cannot be read: ${reasonOf(error)}${right}`)
    return { file, given: [] }
  }
}

function settingsIn(yaml: YamlFile, problems: Problems): Given[] {
  const given: Given[] = []
  const visit = (group: unknown, steps: readonly string[]) => {
    // A key whose lines are all commented out has no value; that is no mistake.
    if (group === null || group === undefined) return
    if (!isGroup(group))
      return problems.add(`${yaml.whereOf(steps, 'value')}: ${steps.join('.') || 'the file'} must hold keys and values`)
    for (const [name, value] of Object.entries(group)) {
      const path = [...steps, name]
      const key = path.join('.')
      if (steps[0] === MIRRORS) given.push(placed(yaml, path, value))
      else if (key === MIRRORS || groups.has(key)) visit(value, path)
      else if (settings.has(key)) given.push(placed(yaml, path, settings.get(key)?.list && isScalar(value) ? [value] : value))
      else problems.unknown(yaml.whereOf(path, 'key'), key, settings.keys())
    }
  }
  visit(yaml.value, [])
  return given
}

function placed(yaml: YamlFile, path: readonly string[], value: unknown): Given {
  const key = path.join('.')
  return {
    key,
    value,
    secret: settings.get(key)?.secret ?? false,
    where: yaml.whereOf(path, 'value'),
    whereOf: (inside, part) => yaml.whereOf([...path, ...inside], part),
  }
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number'
}
